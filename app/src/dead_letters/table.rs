//! The table of dead letters, with a choice of rows to act on together.

use leptos::prelude::*;
use signalbox_model::bulk_operation::BulkAction;
use signalbox_model::dead_letter::DeadLetter;
use signalbox_model::page::Page;

use super::row::{Commands, LetterRow, key};
use crate::components::choose::ActOnChosen;
use crate::components::empty::Empty;
use crate::components::live::part;
use crate::components::pager::pager;
use crate::components::query::Query;
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};

/// The table.
#[component]
pub(super) fn LetterTable(
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
            <ActOnChosen
                things="letters"
                page="/admin/dead-letter-queue/bulk"
                actions=[BulkAction::RedriveCanary, BulkAction::Retry, BulkAction::Delete]
                    .map(|action| (action.name(), action.verb()))
                    .to_vec()
            />
            <Scroll label="Table of dead letters">
                <table class="list">
                    <Head columns=&[
                        "!Choose",
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
                        <Rows
                            each=move || letters.with(|letters| letters.items.clone())
                            key=key
                            let:letter
                        >
                            <LetterRow letter commands />
                        </Rows>
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
        <Empty title="No dead letter matches" why="None fits the filters.">
            <a class="button" href="?">
                "Show all dead letters"
            </a>
        </Empty>
    }
    .into_any()
}
