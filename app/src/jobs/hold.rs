//! Holding one job, and releasing it.

use leptos::prelude::*;
use signalbox_model::job::{Job, JobId, JobState};

use crate::components::command::{Command, CommandForm};
use crate::components::field::Field;
use crate::components::submit::Submit;

/// What an operator can do about a job: what its forms depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holdable {
    /// It waits or runs.
    Free,
    /// Somebody holds it.
    Held,
    /// It has ended.
    No,
}

impl Holdable {
    /// What can be done about `job`.
    pub(super) fn of(job: &Job) -> Holdable {
        match job.state {
            _ if job.hold.is_some() => Holdable::Held,
            JobState::Scheduled | JobState::Available | JobState::Running => Holdable::Free,
            JobState::Completed | JobState::Cancelled | JobState::Dead => Holdable::No,
        }
    }
}

/// The form that holds the job, or releases it.
#[component]
pub(super) fn HoldPanel(
    id: JobId,
    holdable: Holdable,
    hold: Command,
    release: Command,
) -> impl IntoView {
    match holdable {
        Holdable::No => ().into_any(),
        Holdable::Free => view! { <HoldForm id hold /> }.into_any(),
        Holdable::Held => view! { <ReleaseForm id release /> }.into_any(),
    }
}

#[component]
fn HoldForm(id: JobId, hold: Command) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="hold">
            <h2 id="hold">"Hold"</h2>
            <p class="hint">
                "It does not start until it is released. If it runs, it is asked to stop first; no attempt is spent."
            </p>
            <CommandForm action=hold>
                <input type="hidden" name="id" value=id />
                <Field name="reason" id="hold-reason" label="Reason" />
                <p class="actions">
                    <Submit pending=hold.pending()>{format!("Hold job {id}")}</Submit>
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}

#[component]
fn ReleaseForm(id: JobId, release: Command) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="release">
            <h2 id="release">"Release"</h2>
            <p class="hint">"It goes on from where it was, when it was due before."</p>
            <CommandForm action=release>
                <input type="hidden" name="id" value=id />
                <p class="actions">
                    <Submit class="button primary" pending=release.pending()>
                        {format!("Release job {id}")}
                    </Submit>
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}
