//! The rail: every page of the console.

use leptos::prelude::*;
use leptos_router::components::A;
use signalbox_model::actor::Permission;
use signalbox_model::format;

use super::api::StripFacts;
use crate::components::icon::{Icon, Mark};
use crate::console::Console;

/// A page that the rail leads to.
pub(super) struct Entry {
    icon: &'static str,
    /// Its address.
    pub href: &'static str,
    /// Its name.
    pub label: &'static str,
    /// The key that leads there, after `g`.
    pub key: &'static str,
    /// What it takes to see it.
    needs: Permission,
}

const fn entry(
    key: &'static str,
    icon: &'static str,
    href: &'static str,
    label: &'static str,
) -> Entry {
    Entry { icon, href, label, key, needs: Permission::ReadConsole }
}

/// The same, for those only who have the permission.
const fn only_for(needs: Permission, entry: Entry) -> Entry {
    Entry { needs, ..entry }
}

const LINES: [Entry; 8] = [
    entry("o", "overview", "/admin", "Overview"),
    entry("j", "jobs", "/admin/jobs", "Jobs"),
    entry("q", "queue", "/admin/queues", "Queues"),
    entry("d", "siding", "/admin/dead-letter-queue", "Dead letters"),
    entry("b", "signal", "/admin/breakers", "Breakers"),
    entry("v", "key", "/admin/providers", "Providers"),
    entry("e", "export", "/admin/exports", "Exports"),
    entry("k", "lever", "/admin/kill-switch", "Kill switch"),
];
const RESULTS: [Entry; 1] =
    [only_for(Permission::ReadResults, entry("n", "globe", "/domains", "Domains"))];
const OPERATIONS: [Entry; 10] = [
    entry("a", "bell", "/admin/alerts", "Alerts"),
    entry("r", "runbook", "/admin/runbooks", "Runbooks"),
    entry("w", "workers", "/admin/workers", "Workers"),
    entry("s", "clock", "/admin/schedules", "Schedules"),
    entry("m", "refresh", "/admin/matviews", "Matviews"),
    entry("t", "database", "/admin/database", "Database"),
    entry("l", "logs", "/admin/logs", "Logs"),
    entry("u", "audit", "/admin/audit", "Audit"),
    entry("c", "settings", "/admin/config", "Config"),
    only_for(Permission::ManageUsers, entry("p", "user", "/admin/users", "Users")),
];

/// Every page that the rail leads to.
pub(super) fn all() -> impl Iterator<Item = &'static Entry> {
    LINES.iter().chain(&RESULTS).chain(&OPERATIONS)
}

/// Those of them that the signed-in person may see.
pub(super) fn entries(console: Console) -> impl Iterator<Item = &'static Entry> {
    all().filter(move |entry| console.may(entry.needs))
}

/// The navigation. Those who may not see the console get the results only.
#[component]
pub(super) fn Rail(facts: Option<StripFacts>) -> impl IntoView {
    let dead = facts.as_ref().map_or(0, |facts| facts.dead_letters.undecided());
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
    let console = Console::get();
    let items: Vec<_> = entries
        .iter()
        .filter(|entry| console.may(entry.needs))
        .map(|Entry { icon, href, label, .. }| {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::all;

    #[test]
    fn every_page_has_a_key_of_its_own() {
        let keys: BTreeSet<_> = all().map(|entry| entry.key).collect();
        assert_eq!(keys.len(), all().count());
    }
}
