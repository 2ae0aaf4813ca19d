//! The audit log, searchable.

use leptos::prelude::*;
use signalbox_model::actor::Permission;
use signalbox_model::audit::AuditEntry;
use signalbox_model::page::Page;

use super::api::{AuditFacts, ListAudit, VerifyAudit};
use crate::components::command::{Command, CommandForm};
use crate::components::empty::Empty;
use crate::components::live::{on_demand, page, part};
use crate::components::page_head::PageHead;
use crate::components::pager::pager;
use crate::components::query::Query;
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};
use crate::components::search::{Search, SearchField};
use crate::components::submit::Submit;
use crate::components::time::Time;

const KNOWN: [&str; 4] = ["actor", "action", "q", "cursor"];

/// What is searched for.
const FIELDS: [SearchField; 3] = [
    SearchField { name: "actor", chip: "Who", label: "Who", hint: "Who: an e-mail" },
    SearchField { name: "action", chip: "What", label: "What", hint: "What, such as kill_switch" },
    SearchField {
        name: "q",
        chip: "Text",
        label: "Text in the subject or the reason",
        hint: "Text: a job, a reason",
    },
];

/// The page. It is not brought up to date by itself: what somebody reads there does not move.
#[component]
pub(crate) fn AuditPage() -> impl IntoView {
    let query = Query::current(&KNOWN, "");
    let verify = Command::of::<VerifyAudit>(Permission::ReadConsole);
    page(
        on_demand(move || {
            let query = query.get();
            ListAudit {
                actor: query.text("actor"),
                action: query.text("action"),
                q: query.text("q"),
                cursor: query.number("cursor"),
            }
        }),
        |facts: &AuditFacts| ("Audit".to_owned(), facts.as_of),
        move |facts| {
            let entries = Signal::derive(move || facts.with(|facts| facts.entries.clone()));
            view! {
                <PageHead
                    heading="Audit"
                    now="What people did, and why."
                    rest="Nothing is ever changed here, and each entry seals the one before it."
                >
                    <a
                        class="button"
                        href="/api/admin/audit/export"
                        rel="external"
                        download=""
                    >
                        "Export CSV"
                    </a>
                    <CommandForm action=verify>
                        <Submit pending=verify.pending()>"Verify the seals"</Submit>
                    </CommandForm>
                </PageHead>
                {part(move || view! { <Search page="/admin/audit" label="Search the audit log" fields=&FIELDS query=query.get() /> })}
                <Entries entries query />
            }
        },
    )
}

#[component]
fn Entries(entries: Signal<Page<AuditEntry>>, query: Memo<Query>) -> impl IntoView {
    let none = Memo::new(move |_| entries.with(|page| page.items.is_empty()));
    part(move || {
        if none.get() {
            let (title, why) = match query.get().is_unfiltered() {
                true => ("Nothing yet", "Nobody has done anything that is recorded."),
                false => ("No entry matches", "Nothing that was done has these properties."),
            };
            return view! {
                <Empty title why>
                    <a class="button" href="?">
                        "Show everything"
                    </a>
                </Empty>
            }
            .into_any();
        }
        view! {
            <Scroll label="Table of what was done">
                <table>
                    <Head columns=&["When", "Who", "What", "To what", "Why"] />
                    <tbody>
                        <Rows
                            each=move || entries.with(|page| page.items.clone())
                            key=|entry| entry.id
                            let:entry
                        >
                            <Entry entry />
                        </Rows>
                    </tbody>
                </table>
            </Scroll>
            {part(move || entries.with(|page| pager(page, "entry", "entries", query.get())))}
        }
        .into_any()
    })
}

#[component]
fn Entry(entry: AuditEntry) -> impl IntoView {
    let facts = entry.details.as_object().is_some_and(|facts| !facts.is_empty()).then(|| {
        view! {
            <details>
                <summary>"Facts"</summary>
                <pre>{entry.details.to_string()}</pre>
            </details>
        }
    });
    view! {
        <tr>
            <td class="nowrap">
                <Time at=entry.created_at />
            </td>
            <td>{entry.actor}</td>
            <td class="id">{entry.action}</td>
            <td>{entry.subject}</td>
            <td class="wide">{entry.reason} {facts}</td>
        </tr>
    }
    .into_any()
}
