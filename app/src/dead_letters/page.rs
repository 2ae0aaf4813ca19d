//! The dead letter queue.

use leptos::prelude::*;
use leptos_router::location::Url;
use signalbox_model::actor::Permission;
use signalbox_model::dead_letter::DeadLetterStatus;
use signalbox_model::error_class::ErrorClass;
use signalbox_model::format;
use signalbox_model::metrics::DEAD_LETTERS_ALARM;
use signalbox_model::metrics::DeadLetterCounts;
use signalbox_model::saved_view::ViewedList;

use super::api::{DeleteDeadLetter, LettersFacts, ListDeadLetters, MarkGroup, RetryDeadLetter};
use super::groups::{Groups, actions};
use super::mark::MarkPanel;
use super::row::Commands;
use super::table::LetterTable;
use crate::bulk_operations::Operations;
use crate::components::chips::chips;
use crate::components::command::Command;
use crate::components::live::{live, page, part};
use crate::components::page_head::PageHead;
use crate::components::pin::{Newer, Pin};
use crate::components::query::Query;
use crate::saved_views::SavedViews;

const KNOWN: [&str; 6] = ["status", "kind", "queue", "errorClass", "fingerprint", "cursor"];

/// Filters that narrow what a bulk operation acts on, with their labels.
const NARROWING: [(&str, &str); 4] =
    [("kind", "Type"), ("queue", "Queue"), ("errorClass", "Class"), ("fingerprint", "Group")];

/// The page.
#[component]
pub(crate) fn DeadLettersPage() -> impl IntoView {
    let query = Query::current(&KNOWN, "#letters");
    let commands = Commands {
        retry: Command::of::<RetryDeadLetter>(Permission::WorkDeadLetters),
        delete: Command::of::<DeleteDeadLetter>(Permission::WorkDeadLetters),
    };
    let pin = Pin::new(query);
    let mark = Command::of::<MarkGroup>(Permission::WorkDeadLetters);
    page(
        live(move || {
            let query = query.get();
            ListDeadLetters {
                status: status(&query),
                kind: query.text("kind"),
                queue: query.text("queue"),
                error_class: query.get("errorClass").and_then(ErrorClass::from_name),
                fingerprint: query.text("fingerprint"),
                cursor: query.number("cursor"),
                newest: pin.newest(),
            }
        }),
        |LettersFacts { counts, as_of, .. }| {
            let all = counts.pending + counts.retry_scheduled;
            (format!("Dead letters ({})", format::count(all)), *as_of)
        },
        move |facts| {
            let counts = move || facts.with(|facts| facts.counts);
            let letters = Signal::derive(move || facts.with(|facts| facts.letters.clone()));
            let newer = Signal::derive(move || facts.with(|facts| facts.newer));
            // Drawn anew only when it becomes another one: what is being typed stays.
            let chosen = Memo::new(move |_| {
                Some((query.get().text("fingerprint")?, facts.with(|facts| facts.mark.clone())))
            });
            Effect::new(move |_| {
                pin.keep(letters.with(|page| page.items.first().map(|one| one.id)))
            });
            let views = Signal::derive(move || facts.with(|facts| facts.views.clone()));
            view! {
                {part(move || view! { <LettersHead counts=counts() /> })}
                {part(move || view! { <Groups groups=facts.with(|facts| facts.groups.clone()) /> })}
                {part(move || {
                    let marked = chosen.get();
                    view! { <MarkPanel marked mark /> }
                })}
                {part(move || {
                    view! { <Operations operations=facts.with(|facts| facts.operations.clone()) /> }
                })}
                {part(move || view! { <Filters counts=counts() query=query.get() /> })}
                <SavedViews list=ViewedList::DeadLetters views query />
                <Newer count=newer one="dead letter" many="dead letters" pin />
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
    let now = match counts.undecided() {
        0 => "Nothing waits for you.".to_owned(),
        n => format!(
            "{} for a decision.",
            format::plural(n, "job that gave up waits", "jobs that gave up wait")
        ),
    };
    let alarm = if counts.undecided() >= DEAD_LETTERS_ALARM {
        "That is an alarm".to_owned()
    } else {
        format!("The alarm is at {DEAD_LETTERS_ALARM}")
    };
    let retries = match counts.retry_scheduled {
        0 => "No retry is on the way.".to_owned(),
        n => format!("{} on the way.", format::plural(n, "retry is", "retries are")),
    };
    let ignored = match counts.ignored {
        0 => String::new(),
        n => format!(" {} of errors to be ignored.", format::plural(n, "letter is", "letters are")),
    };
    let rest = format!("{alarm}. {retries}{ignored}");
    view! { <PageHead heading="Dead letters" now rest /> }
}

#[component]
fn Filters(counts: DeadLetterCounts, query: Query) -> impl IntoView {
    let chosen = status(&query);
    let tabs: Vec<_> = [
        (None, "All", counts.pending + counts.retry_scheduled),
        (Some(DeadLetterStatus::Pending), "Pending", counts.pending),
        (Some(DeadLetterStatus::RetryScheduled), "Retry scheduled", counts.retry_scheduled),
    ]
    .into_iter()
    .map(|(status, label, n)| {
        let href = match status {
            Some(status) => query.with("status", status.name()),
            None => query.without("status"),
        };
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
    let asked: Vec<_> = NARROWING
        .iter()
        .filter_map(|(name, _)| Some(format!("{name}={}", Url::escape(query.get(name)?))))
        .collect();
    let some = counts.pending > 0;
    view! {
        <div class="filters" id="letters">
            <ul>{tabs}</ul>
        </div>
        {chips(&query, &NARROWING)}
        <div class="filters">
            {some.then(|| actions(&asked.join("&"), "pending letters of this list"))}
        </div>
    }
    .into_any()
}
