//! The dead letter queue.

use leptos::prelude::*;
use signalbox_model::dead_letter::{DeadLetter, DeadLetterStatus};
use signalbox_model::format;
use signalbox_model::metrics::DeadLetterCounts;
use signalbox_model::page::Page;

use super::api::{DeleteDeadLetter, LettersFacts, RetryDeadLetter, list_dead_letters};
use super::row::{Commands, LetterRow, key};
use crate::components::empty::Empty;
use crate::components::live::{live, page, part};
use crate::components::page_head::PageHead;
use crate::components::pager::pager;
use crate::components::query::Query;
use crate::components::scroll::{Head, Scroll};
use crate::console::Console;

const KNOWN: [&str; 2] = ["status", "cursor"];

/// So many dead letters raise the alarm (OP-13).
const ALARM_AT: i64 = 10;

/// The page.
#[component]
pub(crate) fn DeadLettersPage() -> impl IntoView {
    let console = Console::get();
    let query = Query::current(&KNOWN, "");
    let commands = Commands {
        retry: ServerAction::<RetryDeadLetter>::new(),
        delete: ServerAction::<DeleteDeadLetter>::new(),
    };
    console.announce(commands.retry);
    console.announce(commands.delete);
    page(
        live(
            move || query.get(),
            |query| list_dead_letters(status(&query), query.number("cursor")),
        ),
        |LettersFacts { counts, as_of, .. }| {
            let all = counts.pending + counts.retry_scheduled;
            (format!("Dead letters ({})", format::count(all)), *as_of)
        },
        move |facts| {
            let counts = move || facts.with(|facts| facts.counts);
            let letters = Signal::derive(move || facts.with(|facts| facts.letters.clone()));
            view! {
                {part(move || view! { <LettersHead counts=counts() /> })}
                {part(move || view! { <Tabs counts=counts() chosen=status(&query.get()) /> })}
                <LetterTable letters query commands />
            }
        },
    )
}

fn status(query: &Query) -> Option<DeadLetterStatus> {
    query.get("status").and_then(DeadLetterStatus::from_name)
}

#[component]
fn LettersHead(counts: DeadLetterCounts) -> impl IntoView {
    let now = match counts.pending {
        0 => "Nothing waits for you.".to_owned(),
        n => format!("{} gave up and wait for a decision.", format::plural(n, "job", "jobs")),
    };
    let alarm = if counts.pending >= ALARM_AT { "That is an alarm" } else { "The alarm is at 10" };
    let retries = match counts.retry_scheduled {
        0 => "No retry is on the way.".to_owned(),
        n => format!("{} on the way.", format::plural(n, "retry is", "retries are")),
    };
    let rest = format!("{alarm}. {retries}");
    view! { <PageHead heading="Dead letters" now rest /> }
}

#[component]
fn Tabs(counts: DeadLetterCounts, chosen: Option<DeadLetterStatus>) -> impl IntoView {
    let tabs: Vec<_> = [
        (None, "All", counts.pending + counts.retry_scheduled),
        (Some(DeadLetterStatus::Pending), "Pending", counts.pending),
        (Some(DeadLetterStatus::RetryScheduled), "Retry scheduled", counts.retry_scheduled),
    ]
    .into_iter()
    .map(|(status, label, n)| {
        let href = status.map_or("?".to_owned(), |s| format!("?status={}", s.name()));
        view! {
            <li>
                <a href=href aria-current=(status == chosen).then_some("true")>
                    {label}
                    " "
                    <span class="muted">{format::count(n)}</span>
                </a>
            </li>
        }
    })
    .collect();
    view! {
        <div class="filters">
            <ul>{tabs}</ul>
        </div>
    }
    .into_any()
}

#[component]
fn LetterTable(
    letters: Signal<Page<DeadLetter>>,
    query: Memo<Query>,
    commands: Commands,
) -> impl IntoView {
    let empty = Memo::new(move |_| letters.with(|letters| letters.items.is_empty()));
    part(move || {
        if empty.get() {
            return view! { <NoLetters unfiltered=query.get().is_unfiltered() /> }.into_any();
        }
        view! {
            <Scroll label="Table of dead letters">
                <table>
                    <Head columns=&[
                        "Id",
                        "Job type",
                        "Status",
                        "Error",
                        "First failure",
                        "Last failure",
                        "#Attempts",
                        "Payload",
                        "!Actions",
                    ] />
                    <tbody>
                        <For
                            each=move || letters.with(|letters| letters.items.clone())
                            key=key
                            let:letter
                        >
                            <LetterRow letter commands />
                        </For>
                    </tbody>
                </table>
            </Scroll>
            {part(move || {
                letters.with(|page| pager(page, "dead letter", "dead letters", query.get()))
            })}
        }
        .into_any()
    })
}

#[component]
fn NoLetters(unfiltered: bool) -> impl IntoView {
    if unfiltered {
        return view! {
            <Empty
                title="The siding is empty"
                why="No job has failed for good. Those that do appear here."
            />
        }
        .into_any();
    }
    view! {
        <Empty title="No dead letter matches" why="None has the chosen status.">
            <a class="button" href="?">
                "Show all dead letters"
            </a>
        </Empty>
    }
    .into_any()
}
