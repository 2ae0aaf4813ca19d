//! One breaker: how it stands, the levers, what it did before.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use signalbox_model::actor::Permission;
use signalbox_model::breaker::{Breaker, BreakerAction, BreakerForce};

use super::api::{ActOnBreaker, BreakerFacts, ReadBreaker};
use super::history::History;
use crate::components::aspect::of_breaker;
use crate::components::breaker_tile::BreakerTile;
use crate::components::command::{Command, CommandForm};
use crate::components::field::Field;
use crate::components::live::{live, page, part};
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::query::Query;

const KNOWN: [&str; 1] = ["cursor"];

/// The page.
#[component]
pub(crate) fn BreakerPage() -> impl IntoView {
    let params = use_params_map();
    let query = Query::current(&KNOWN, "#history");
    let provider = move || params.with(|p| p.get("provider").unwrap_or_default());
    let act = Command::of::<ActOnBreaker>(Permission::OperateBreakers);
    page(
        live(move || ReadBreaker { provider: provider(), cursor: query.get().number("cursor") }),
        |facts: &BreakerFacts| {
            let (_, word) = of_breaker(facts.breaker.state);
            (format!("Breaker of {}: {word}", facts.breaker.provider), facts.as_of)
        },
        move |facts| {
            let breaker = Memo::new(move |_| facts.with(|facts| facts.breaker.clone()));
            let name = breaker.get_untracked().provider;
            view! {
                {part(move || view! { <BreakerHead breaker=breaker.get() /> })}
                <div class="columns">
                    <section class="stack" aria-labelledby="now">
                        <h2 id="now">"Now"</h2>
                        {part(move || view! { <BreakerTile breaker=breaker.get() /> })}
                    </section>
                    <Levers provider=name act />
                </div>
                <section class="stack" aria-labelledby="history">
                    <h2 id="history">"History"</h2>
                    {part(move || {
                        let history = facts.with(|facts| facts.history.clone());
                        view! { <History history query=query.get() /> }
                    })}
                </section>
            }
        },
    )
}

#[component]
fn BreakerHead(breaker: Breaker) -> impl IntoView {
    let name = breaker.provider.to_ascii_uppercase();
    let (_, word) = of_breaker(breaker.state);
    let now = match &breaker.forced {
        Some(held) if held.to == BreakerForce::Open => {
            format!("Held open by {}: {}.", held.by, held.reason)
        }
        Some(held) => format!("Held closed by {}: {}.", held.by, held.reason),
        None => format!("It is {word}."),
    };
    let href = format!("/admin/breakers/{}/back-test", breaker.provider);
    let provider = format!("/admin/providers/{}", breaker.provider);
    view! {
        <Crumbs href="/admin/breakers" label="Breakers" here=name.clone() />
        <PageHead heading=format!("Breaker of {name}") now>
            <a class="button" href=provider>
                "Key and switch"
            </a>
            <a class="button" href=href>
                "Back-test other settings"
            </a>
        </PageHead>
    }
}

#[component]
fn Levers(provider: String, act: Command) -> impl IntoView {
    let durations =
        [(0, "Until it is reset"), (15, "15 min"), (60, "1 h"), (240, "4 h"), (1440, "1 day")]
            .map(|(minutes, label)| view! { <option value=minutes>{label}</option> })
            .collect_view();
    let button = move |class: &'static str, action: BreakerAction, label: &'static str| {
        view! {
            <button
                class=class
                name="action"
                value=action.name()
                disabled=move || act.pending().get()
            >
                {label}
            </button>
        }
    };
    view! {
        <section class="panel" aria-labelledby="levers">
            <h2 id="levers">"Levers"</h2>
            <p class="muted">
                "Held open, no call goes out and jobs are parked with no attempt spent. Held \
                 closed, every call goes out, whatever the provider answers."
            </p>
            <CommandForm action=act>
                <input type="hidden" name="provider" value=provider />
                <Field name="reason" label="Reason" hint="Shown to everyone whose job it holds, and kept." />
                <div class="field">
                    <label for="minutes">"For"</label>
                    <select id="minutes" name="minutes">
                        {durations}
                    </select>
                </div>
                <p class="actions">
                    {button("button danger", BreakerAction::ForceOpen, "Hold it open")}
                    {button("button", BreakerAction::ForceClose, "Hold it closed")}
                    {button("button", BreakerAction::Reset, "Reset it")}
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}
