//! A job as a row.

use leptos::prelude::*;
use signalbox_model::format;
use signalbox_model::job::{Job, JobState};

use crate::components::aspect::{State, of_job};
use crate::components::choose::ChooseRow;
use crate::components::progress::ProgressBar;
use crate::components::time::Time;

/// What a row depends on: a row whose key stays is left alone by an update.
pub(super) fn key(job: &Job) -> String {
    format!(
        "{} {} {} {} {:?} {} {:?}",
        job.id,
        job.state.name(),
        job.attempt,
        job.interruptions,
        job.wait_reason,
        job.hold.is_some(),
        job.progress
    )
}

/// The row.
#[component]
pub(super) fn JobRow(job: Job) -> impl IntoView {
    let (aspect, word) = of_job(&job);
    let took = match (job.started_at, job.finished_at) {
        (Some(start), Some(end)) => format::duration_ms((end - start).num_milliseconds()),
        _ => "–".to_owned(),
    };
    let at = match job.state {
        JobState::Scheduled => job.hold.as_ref().map_or(job.run_at, |hold| hold.since),
        _ => job.finished_at.or(job.started_at).unwrap_or(job.created_at),
    };
    let error = job.error.map(|error| {
        view! { <span class="sub">{format::shorten(&error, 120)}</span> }
    });
    let progress = job
        .progress
        .filter(|_| job.state == JobState::Running)
        .map(|progress| view! { <ProgressBar progress /> });
    view! {
        <tr>
            <td>
                <ChooseRow id=job.id label=format!("Choose job {}", job.id) />
            </td>
            <th scope="row" class="nowrap">
                <a class="id" href=format!("/admin/jobs/{}", job.id)>
                    {job.id}
                </a>
            </th>
            <td>{job.kind}</td>
            <td>{job.queue}</td>
            <td>
                <State of=aspect word />
                {progress}
                {error}
            </td>
            <td class="num">{format!("{} of {}", job.attempt, job.max_attempts)}</td>
            <td class="num">{took}</td>
            <td class="num">
                <Time at />
            </td>
            <td class="clip id">{format::shorten(&job.payload.to_string(), 80)}</td>
        </tr>
    }
    .into_any()
}
