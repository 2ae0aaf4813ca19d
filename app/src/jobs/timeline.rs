//! What happened to a job, oldest first.

use leptos::prelude::*;
use signalbox_model::format;
use signalbox_model::job::{Attempt, Job};

use crate::components::aspect::of_attempt;
use crate::components::time::ClockTime;

/// The timeline. Only attempts that were spent are numbered as the job counts them; the number
/// here counts the runs.
#[component]
pub(super) fn Timeline(job: Job, attempts: Vec<Attempt>) -> impl IntoView {
    let runs: Vec<_> = attempts
        .into_iter()
        .rev()
        .enumerate()
        .map(|(index, attempt)| view! { <Run number=index + 1 attempt /> })
        .collect();
    view! {
        <ol class="timeline">
            <li class="state-idle">
                <div>
                    <h3>"Enqueued " <ClockTime at=job.created_at /></h3>
                    <p class="muted">
                        {format!("Into queue {}, priority {}.", job.queue, job.priority)}
                    </p>
                </div>
            </li>
            {runs}
        </ol>
    }
    .into_any()
}

#[component]
fn Run(number: usize, attempt: Attempt) -> impl IntoView {
    let (aspect, word) = of_attempt(attempt.outcome);
    let took = attempt.finished_at.map(|end| {
        let ms = (end - attempt.started_at).num_milliseconds();
        format!(" after {}", format::duration_ms(ms))
    });
    let error = attempt.error.map(|error| view! { <ErrorText error /> });
    let class = attempt.error_class.map(|class| {
        view! {
            "Class "
            <span class="id">{class.name()}</span>
            ", "
        }
    });
    view! {
        <li class=aspect.class() id=format!("run-{number}")>
            <div>
                <h3>
                    {format!("Run {number} ")} <span class="outcome">{word} {took}</span> " "
                    <ClockTime at=attempt.started_at />
                </h3>
                {error}
                <p class="muted">
                    {class} "worker " <span class="id">{attempt.worker}</span>
                </p>
            </div>
        </li>
    }
    .into_any()
}

/// An error, its first line at once, the whole on demand.
#[component]
pub(super) fn ErrorText(error: String) -> impl IntoView {
    let short = format::shorten(error.lines().next().unwrap_or_default(), 160);
    let more = (short != error).then(|| {
        view! {
            <details class="more">
                <summary>"The whole error"</summary>
                <pre class="payload wrap" tabindex="0">
                    {error}
                </pre>
            </details>
        }
    });
    view! {
        <p>{short}</p>
        {more}
    }
    .into_any()
}
