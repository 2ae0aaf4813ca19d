//! The rail: every page of the console.

use leptos::prelude::*;
use leptos_router::components::A;
use signalbox_model::format;

use super::api::StripFacts;
use crate::components::icon::{Icon, Mark};

/// Icon, address, label.
type Entry = (&'static str, &'static str, &'static str);

const LINES: [Entry; 7] = [
    ("overview", "/admin", "Overview"),
    ("jobs", "/admin/jobs", "Jobs"),
    ("queue", "/admin/queues", "Queues"),
    ("siding", "/admin/dead-letter-queue", "Dead letters"),
    ("signal", "/admin/breakers", "Breakers"),
    ("export", "/admin/exports", "Exports"),
    ("lever", "/admin/kill-switch", "Kill switch"),
];
const RESULTS: [Entry; 1] = [("globe", "/domains", "Domains")];
const OPERATIONS: [Entry; 6] = [
    ("runbook", "/admin/runbooks", "Runbooks"),
    ("workers", "/admin/workers", "Workers"),
    ("clock", "/admin/schedules", "Schedules"),
    ("refresh", "/admin/matviews", "Matviews"),
    ("logs", "/admin/logs", "Logs"),
    ("settings", "/admin/config", "Config"),
];

/// The navigation. Those who may not see the console get the results only.
#[component]
pub(super) fn Rail(facts: Option<StripFacts>) -> impl IntoView {
    let dead = facts.as_ref().map_or(0, |facts| facts.dead_letters.pending);
    let may_see_console = facts.is_some();
    view! {
        <nav class="rail" aria-label="Main">
            <a class="brand" href="/admin">
                <Mark />
                "Signalbox"
            </a>
            <details>
                <summary class="button">
                    <Icon name="menu" />
                    "Menu"
                </summary>
                {may_see_console.then(|| view! { <Group entries=&LINES dead /> })}
                <h2>"Results"</h2>
                <Group entries=&RESULTS dead />
                {may_see_console
                    .then(|| {
                        view! {
                            <h2>"Operations"</h2>
                            <Group entries=&OPERATIONS dead />
                        }
                    })}
            </details>
        </nav>
    }
    .into_any()
}

#[component]
fn Group(entries: &'static [Entry], dead: i64) -> impl IntoView {
    let items: Vec<_> = entries
        .iter()
        .map(|(icon, href, label)| {
            let count = (*href == "/admin/dead-letter-queue" && dead > 0)
                .then(|| view! { <span class="count">{format::count(dead)}</span> });
            view! {
                <li>
                    <A href=*href exact={*href == "/admin"}>
                        <Icon name=icon />
                        {*label}
                        {count}
                    </A>
                </li>
            }
        })
        .collect();
    view! { <ul>{items}</ul> }
}
