//! The overview page.

use leptos::prelude::*;
use signalbox_model::actor::Permission;
use signalbox_model::trend::Span;

use super::api::{OverviewFacts, ReadOverview};
use super::figures::{Figures, Stages};
use super::line::{domains_line, sentence};
use super::trends::TrendsSection;
use crate::components::breaker_tile::BreakerTile;
use crate::components::command::{Command, CommandForm};
use crate::components::live::{live, page, part};
use crate::components::page_head::PageHead;
use crate::components::query::Query;
use crate::components::submit::Submit;
use crate::components::track_diagram::TrackDiagram;
use crate::jobs::api::TriggerDiscovery;

/// The page.
#[component]
pub(crate) fn OverviewPage() -> impl IntoView {
    let query = Query::current(&["span"], "#trends");
    let discover = Command::of::<TriggerDiscovery>(Permission::RunJobs);
    page(
        live(move || ReadOverview {
            span: query.get().get("span").and_then(Span::from_name).unwrap_or_default(),
        }),
        |facts| ("Overview".to_owned(), facts.overview.as_of),
        move |facts| {
            view! {
                {part(move || view! { <Head facts=facts.get() discover /> })}
                {part(move || view! { <Board facts=facts.get() /> })}
                {part(move || {
                    let trends = facts.with(|facts| facts.trends.clone());
                    view! { <TrendsSection trends query=query.get() /> }
                })}
            }
        },
    )
}

#[component]
fn Head(facts: OverviewFacts, discover: Command) -> impl IntoView {
    let (now, rest) = sentence(&facts);
    view! {
        <PageHead heading="Overview" now rest>
            <CommandForm action=discover>
                <input type="hidden" name="limit" value="20" />
                <Submit class="button primary" pending=discover.pending()>
                    "Run discovery now"
                </Submit>
            </CommandForm>
        </PageHead>
    }
}

#[component]
fn Board(facts: OverviewFacts) -> impl IntoView {
    let line = domains_line(&facts);
    let overview = facts.overview.clone();
    let breakers: Vec<_> = overview
        .circuit_breakers
        .iter()
        .cloned()
        .map(|breaker| view! { <BreakerTile breaker /> })
        .collect();
    view! {
        <TrackDiagram line=line.clone() />
        <Figures facts />
        <Stages line overview />
        <section class="stack" aria-labelledby="breakers">
            <h2 id="breakers">"Providers"</h2>
            <div class="breakers">{breakers}</div>
        </section>
    }
}
