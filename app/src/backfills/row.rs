//! One backfill, and its levers.

use leptos::prelude::*;
use signalbox_model::format;
use signalbox_model::job::{Job, JobId, JobState};

use crate::components::aspect::{State, of_job};
use crate::components::command::{Command, CommandForm};
use crate::components::field::Field;
use crate::components::live::part;
use crate::components::progress::ProgressBar;
use crate::components::submit::Submit;
use crate::components::time::Time;

/// What can be done with a backfill.
#[derive(Clone, Copy)]
pub(super) struct Levers {
    /// Hold.
    pub hold: Command,
    /// Release.
    pub release: Command,
    /// Cancel.
    pub cancel: Command,
}

/// What a row depends on. Its progress is not part of it: a dialog stays open while that moves.
pub(super) fn key(job: &Job) -> String {
    format!("{} {} {:?} {}", job.id, job.state.name(), job.wait_reason, job.hold.is_some())
}

/// The row; its progress is that of the same job in `jobs`.
#[component]
pub(super) fn BackfillRow(job: Job, jobs: Signal<Vec<Job>>, levers: Levers) -> impl IntoView {
    let id = job.id;
    let (aspect, word) = of_job(&job);
    let progress = Memo::new(move |_| {
        jobs.with(|jobs| jobs.iter().find(|job| job.id == id).and_then(|job| job.progress.clone()))
    });
    let asked = format!(
        "{}, {} each",
        format::plural(number(&job, "days"), "day", "days"),
        format::plural(number(&job, "limit"), "post", "posts")
    );
    let held = job.hold.is_some();
    let alive = matches!(job.state, JobState::Scheduled | JobState::Available | JobState::Running);
    let because = job.hold.map(|hold| {
        view! { <span class="sub">{format!("by {}: {}", hold.by, hold.reason)}</span> }
    });
    view! {
        <tr>
            <th scope="row" class="nowrap">
                <a class="id" href=format!("/admin/jobs/{id}")>
                    {id}
                </a>
            </th>
            <td>
                <State of=aspect word />
                {because}
            </td>
            <td class="wide">
                {part(move || {
                    match progress.get() {
                        Some(progress) => view! { <ProgressBar progress /> }.into_any(),
                        None => view! { <span class="muted">"nothing yet"</span> }.into_any(),
                    }
                })}
            </td>
            <td>{asked}</td>
            <td class="num">
                <Time at=job.created_at />
            </td>
            <td class="row-actions">{alive.then(|| view! { <Actions id held levers /> })}</td>
        </tr>
    }
    .into_any()
}

fn number(job: &Job, field: &str) -> i64 {
    job.payload.get(field).and_then(serde_json::Value::as_i64).unwrap_or_default()
}

#[component]
fn Actions(id: JobId, held: bool, levers: Levers) -> impl IntoView {
    let Levers { hold, release, cancel } = levers;
    let first = if held {
        view! {
            <CommandForm action=release>
                <input type="hidden" name="id" value=id />
                <Submit class="button small" pending=release.pending()>
                    "Release"
                    <span class="unseen">" job " {id}</span>
                </Submit>
            </CommandForm>
        }
        .into_any()
    } else {
        view! { <Open id what="hold" label="Hold" /> }.into_any()
    };
    view! {
        <div>{first} <Open id what="cancel" label="Cancel" /></div>
        {(!held).then(|| view! { <HoldDialog id hold /> })}
        <CancelDialog id cancel />
    }
    .into_any()
}

/// The button that opens the dialog `what` of the row.
#[component]
fn Open(id: JobId, what: &'static str, label: &'static str) -> impl IntoView {
    view! {
        <button class="button small" type="button" popovertarget=format!("{what}-{id}")>
            {label}
            <span class="unseen">" job " {id}</span>
        </button>
    }
    .into_any()
}

#[component]
fn HoldDialog(id: JobId, hold: Command) -> impl IntoView {
    let heading = move || format!("hold-{id}-heading");
    view! {
        <dialog popover="auto" id=format!("hold-{id}") aria-labelledby=heading()>
            <CommandForm action=hold>
                <h2 id=heading()>{format!("Hold job {id}?")}</h2>
                <p>
                    "It makes no call until it is released, and then goes on where it was. No attempt is spent."
                </p>
                <input type="hidden" name="id" value=id />
                <Field name="reason" id=format!("hold-reason-{id}") label="Reason" />
                <div class="actions">
                    <Submit class="button primary" pending=hold.pending()>
                        {format!("Hold job {id}")}
                    </Submit>
                    <Close id what="hold" label="Let it run" />
                </div>
            </CommandForm>
        </dialog>
    }
    .into_any()
}

#[component]
fn CancelDialog(id: JobId, cancel: Command) -> impl IntoView {
    let heading = move || format!("cancel-{id}-heading");
    view! {
        <dialog popover="auto" id=format!("cancel-{id}") aria-labelledby=heading()>
            <CommandForm action=cancel>
                <h2 id=heading()>{format!("Cancel job {id}?")}</h2>
                <p>"The days that are left are not searched. What it has found stays."</p>
                <input type="hidden" name="id" value=id />
                <div class="actions">
                    <Submit class="button danger" pending=cancel.pending()>
                        {format!("Cancel job {id}")}
                    </Submit>
                    <Close id what="cancel" label="Keep it" />
                </div>
            </CommandForm>
        </dialog>
    }
    .into_any()
}

#[component]
fn Close(id: JobId, what: &'static str, label: &'static str) -> impl IntoView {
    view! {
        <button
            class="button"
            type="button"
            popovertarget=format!("{what}-{id}")
            popovertargetaction="hide"
        >
            {label}
        </button>
    }
}
