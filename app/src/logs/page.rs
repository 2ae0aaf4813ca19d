//! The log, searchable.

use leptos::prelude::*;
use signalbox_model::page::Page;
use signalbox_model::saved_view::ViewedList;
use signalbox_model::system_log::SystemLog;

use super::api::{ListLogs, LogsFacts};
use crate::components::empty::Empty;
use crate::components::live::{live, page, part};
use crate::components::log_table::LogTable;
use crate::components::page_head::PageHead;
use crate::components::pager::pager;
use crate::components::query::Query;
use crate::components::search::{Search, SearchField};
use crate::saved_views::SavedViews;

const KNOWN: [&str; 3] = ["event", "q", "cursor"];

/// What is searched for.
const FIELDS: [SearchField; 2] = [
    SearchField { name: "event", chip: "Event", label: "Event", hint: "Event, such as dlq_retry" },
    SearchField {
        name: "q",
        chip: "Message",
        label: "Text in the message",
        hint: "Text in the message",
    },
];

/// The page.
#[component]
pub(crate) fn LogsPage() -> impl IntoView {
    let query = Query::current(&KNOWN, "");
    page(
        live(move || {
            let query = query.get();
            ListLogs {
                event: query.text("event"),
                q: query.text("q"),
                cursor: query.number("cursor"),
            }
        }),
        |facts: &LogsFacts| ("Logs".to_owned(), facts.as_of),
        move |facts| {
            let logs = Signal::derive(move || facts.with(|facts| facts.logs.clone()));
            let views = Signal::derive(move || facts.with(|facts| facts.views.clone()));
            view! {
                <PageHead
                    heading="Logs"
                    now="What the system and its operators did."
                    rest="Hover a time for the exact moment."
                />
                {part(move || view! { <Search page="/admin/logs" label="Search the log" fields=&FIELDS query=query.get() /> })}
                <SavedViews list=ViewedList::Logs views query />
                <Entries logs query />
            }
        },
    )
}

#[component]
fn Entries(logs: Signal<Page<SystemLog>>, query: Memo<Query>) -> impl IntoView {
    let no_match =
        Memo::new(move |_| logs.with(|logs| logs.items.is_empty()) && !query.get().is_unfiltered());
    let items = Signal::derive(move || logs.with(|logs| logs.items.clone()));
    part(move || {
        if no_match.get() {
            return view! {
                <Empty title="No entry matches" why="Nothing in the log has these properties.">
                    <a class="button" href="?">
                        "Show the whole log"
                    </a>
                </Empty>
            }
            .into_any();
        }
        view! {
            <LogTable caption="Entries" logs=items />
            {part(move || logs.with(|logs| pager(logs, "entry", "entries", query.get())))}
        }
        .into_any()
    })
}
