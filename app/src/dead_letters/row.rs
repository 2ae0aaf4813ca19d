//! A dead letter as a row.

use leptos::prelude::*;
use signalbox_model::dead_letter::{DeadLetter, DeadLetterStatus};
use signalbox_model::format;

use crate::components::aspect::{State, of_letter};
use crate::components::choose::ChooseRow;
use crate::components::command::{Command, CommandForm};
use crate::components::submit::Submit;
use crate::components::time::Time;

/// The two commands of a row.
#[derive(Clone, Copy)]
pub(super) struct Commands {
    /// Retry.
    pub retry: Command,
    /// Delete.
    pub delete: Command,
}

/// What a row depends on: a row whose key stays is left alone by an update.
pub(super) fn key(letter: &DeadLetter) -> String {
    format!("{} {} {}", letter.id, letter.status.name(), letter.attempts)
}

/// The row.
#[component]
pub(super) fn LetterRow(letter: DeadLetter, commands: Commands) -> impl IntoView {
    let (aspect, word) = of_letter(letter.status);
    let id = letter.id;
    let scheduled = letter.status == DeadLetterStatus::RetryScheduled;
    view! {
        <tr id=format!("dlq-{id}")>
            <td>
                <ChooseRow
                    id
                    label=format!("Choose dead letter {id}")
                    disabled=scheduled
                />
            </td>
            <th scope="row" class="id">
                {id}
            </th>
            <td>
                {letter.job_type.clone()} <span class="sub">
                    <a href=format!("/admin/jobs/{}", letter.job_id)>"Job " {letter.job_id}</a>
                </span>
            </td>
            <td>
                <State of=aspect word />
            </td>
            <td class="wide">
                {format::shorten(&letter.error, 200)}
                <span class="sub" title=letter.error_class.remedy()>
                    {letter.error_class.name()}
                </span>
            </td>
            <td class="nowrap">
                <Time at=letter.first_failed_at />
            </td>
            <td class="nowrap">
                <Time at=letter.last_failed_at />
            </td>
            <td class="num">{letter.attempts}</td>
            <td class="clip id">{letter.payload_summary(80)}</td>
            <td class="row-actions">
                <div>
                    <Retry id scheduled retry=commands.retry />
                    <button
                        class="button small"
                        type="button"
                        popovertarget=format!("delete-{id}")
                    >
                        "Delete"
                        <span class="unseen">" dead letter " {id}</span>
                    </button>
                </div>
                <Delete letter delete=commands.delete />
            </td>
        </tr>
    }
    .into_any()
}

#[component]
fn Retry(id: i64, scheduled: bool, retry: Command) -> impl IntoView {
    if scheduled {
        return view! {
            <button class="button small" disabled title="Its job is on its way already">
                "Retry"
                <span class="unseen">" dead letter " {id} ": its job is on its way already"</span>
            </button>
        }
        .into_any();
    }
    view! {
        <CommandForm action=retry>
            <input type="hidden" name="id" value=id />
            <Submit class="button small" pending=retry.pending()>
                "Retry"
                <span class="unseen">" dead letter " {id}</span>
            </Submit>
        </CommandForm>
    }
    .into_any()
}

#[component]
fn Delete(letter: DeadLetter, delete: Command) -> impl IntoView {
    let id = letter.id;
    let name = move || format!("delete-{id}");
    let heading = move || format!("delete-{id}-heading");
    let effect = format!(
        "Job {} ({}) is not run again, and its error after {} is removed from this list. This \
         cannot be undone; the log keeps that you did it.",
        letter.job_id,
        letter.job_type,
        format::plural(letter.attempts.into(), "attempt", "attempts"),
    );
    view! {
        <dialog popover="auto" id=name() aria-labelledby=heading()>
            <CommandForm action=delete>
                <h2 id=heading()>{format!("Delete dead letter {id} for good?")}</h2>
                <p>{effect}</p>
                <input type="hidden" name="id" value=id />
                <div class="actions">
                    <Submit class="button danger" pending=delete.pending()>
                        {format!("Delete dead letter {id}")}
                    </Submit>
                    <button
                        class="button"
                        type="button"
                        autofocus
                        popovertarget=name()
                        popovertargetaction="hide"
                    >
                        "Keep it"
                    </button>
                </div>
            </CommandForm>
        </dialog>
    }
    .into_any()
}
