//! All breakers.

use leptos::prelude::*;
use signalbox_model::breaker::{Breaker, BreakerState};
use signalbox_model::format;

use super::api::{BreakersFacts, ListBreakers};
use crate::components::breaker_tile::BreakerTile;
use crate::components::live::{live, page, part};
use crate::components::page_head::PageHead;

/// The page.
#[component]
pub(crate) fn BreakersPage() -> impl IntoView {
    page(
        live(|| ListBreakers {}),
        |facts: &BreakersFacts| ("Breakers".to_owned(), facts.as_of),
        |facts| part(move || view! { <Breakers breakers=facts.get().breakers /> }),
    )
}

#[component]
fn Breakers(breakers: Vec<Breaker>) -> impl IntoView {
    let shut = breakers.iter().filter(|b| b.state != BreakerState::Closed).count();
    let held = breakers.iter().filter(|b| b.forced.is_some()).count();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let now = match shut {
        0 => "Calls go out to every provider.".to_owned(),
        n => format!(
            "{} not let every call out.",
            format::plural(count(n), "breaker does", "breakers do")
        ),
    };
    let rest = match held {
        0 => "None is held by a person.".to_owned(),
        n => format!("{} held by a person.", format::plural(count(n), "is", "are")),
    };
    let tiles: Vec<_> = breakers
        .into_iter()
        .map(|breaker| {
            let href = format!("/admin/breakers/{}", breaker.provider);
            let name = breaker.provider.to_ascii_uppercase();
            view! {
                <div class="stack">
                    <BreakerTile breaker />
                    <a class="button small" href=href>
                        "History and levers"
                        <span class="unseen">{format!(" of {name}")}</span>
                    </a>
                </div>
            }
        })
        .collect();
    view! {
        <PageHead heading="Breakers" now rest />
        <section class="stack" aria-labelledby="providers">
            <h2 id="providers">"Providers"</h2>
            <div class="breakers">{tiles}</div>
        </section>
    }
}
