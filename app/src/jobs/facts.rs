//! The facts of one job, and the way to stop it.

use leptos::prelude::*;
use signalbox_model::format;
use signalbox_model::job::{Job, JobState};

use crate::components::aspect::{State, of_job};
use crate::components::command::{Command, CommandForm};
use crate::components::copy::Copy;
use crate::components::facts_panel::FactsPanel;
use crate::components::submit::Submit;
use crate::components::time::{MaybeTime, Time};

/// The facts.
#[component]
pub(super) fn Facts(job: Job, cancel: Command) -> impl IntoView {
    let (aspect, word) = of_job(&job);
    let took = match (job.started_at, job.finished_at) {
        (Some(start), Some(end)) => format::duration_ms((end - start).num_milliseconds()),
        _ => "–".to_owned(),
    };
    let cancellable =
        matches!(job.state, JobState::Scheduled | JobState::Available | JobState::Running);
    let letter = job.dead_letter_id.map(|id| {
        view! {
            <dt>"Dead letter"</dt>
            <dd>
                <a href=format!("/admin/dead-letter-queue#dlq-{id}")>{id}</a>
            </dd>
        }
    });
    view! {
        <FactsPanel label="Facts of this job">
            <dl class="facts">
                <dt>"State"</dt>
                <dd>
                    <State of=aspect word />
                </dd>
                <dt>"Id"</dt>
                <dd class="id">{job.id} " " <Copy text=job.id.to_string() what="job number" /></dd>
                <dt>"Type"</dt>
                <dd>{job.kind}</dd>
                <dt>"Queue"</dt>
                <dd>{job.queue}</dd>
                <dt>"Priority"</dt>
                <dd>{format!("{} (0 first, 9 last)", job.priority)}</dd>
                <dt>"Attempts"</dt>
                <dd>{format!("{} of {}", job.attempt, job.max_attempts)}</dd>
                <dt>"Interruptions"</dt>
                <dd>{job.interruptions}</dd>
                <dt>"Created"</dt>
                <dd>
                    <Time at=job.created_at />
                </dd>
                <dt>"Due"</dt>
                <dd>
                    <Time at=job.run_at />
                </dd>
                <dt>"Started"</dt>
                <dd>
                    <MaybeTime at=job.started_at />
                </dd>
                <dt>"Finished"</dt>
                <dd>
                    <MaybeTime at=job.finished_at />
                </dd>
                <dt>"Last run took"</dt>
                <dd>{took}</dd>
                {letter}
            </dl>
            {cancellable.then(|| view! { <Cancel id=job.id cancel /> })}
        </FactsPanel>
    }
    .into_any()
}

#[component]
fn Cancel(id: i64, cancel: Command) -> impl IntoView {
    view! {
        <details class="confirm">
            <summary class="button">"Cancel this job"</summary>
            <CommandForm action=cancel>
                <input type="hidden" name="id" value=id />
                <p>
                    "The job stops and is not tried again. What it has stored stays."
                </p>
                <Submit class="button danger" pending=cancel.pending()>
                    {format!("Cancel job {id}")}
                </Submit>
            </CommandForm>
        </details>
    }
    .into_any()
}
