//! One job: why it is not running, what it is about, what happened to it.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use signalbox_model::actor::Permission;
use signalbox_model::job::{Job, JobDetail, JobState};
use signalbox_model::why::Verdict;

use super::api::{CancelJob, HoldJob, ReadJob, ReleaseJob, RetryJob, RunJobNext};
use super::facts::Facts;
use super::hold::{HoldPanel, Holdable};
use super::timeline::{ErrorText, Timeline};
use crate::components::aspect::{Aspect, State, of_job};
use crate::components::command::{Command, CommandForm};
use crate::components::copy::Copy;
use crate::components::live::{live, page, part};
use crate::components::log_table::LogTable;
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::progress::ProgressBar;
use crate::components::submit::Submit;
use crate::components::time::Time;

/// The page.
#[component]
pub(crate) fn JobPage() -> impl IntoView {
    let params = use_params_map();
    // No job has the number 0: an address without a number shows that there is no such job.
    let id = move || params.with(|p| p.get("id").and_then(|id| id.parse().ok()).unwrap_or(0));
    let cancel = Command::of::<CancelJob>(Permission::RunJobs);
    let retry = Command::of::<RetryJob>(Permission::WorkDeadLetters);
    let run_next = Command::of::<RunJobNext>(Permission::OperateQueues);
    let hold = Command::of::<HoldJob>(Permission::RunJobs);
    let release = Command::of::<ReleaseJob>(Permission::RunJobs);
    page(
        live(move || ReadJob { id: id() }),
        |detail: &JobDetail| {
            let (_, word) = of_job(&detail.job);
            (format!("Job {}: {word}", detail.job.id), detail.as_of)
        },
        move |detail| {
            let job = move || detail.with(|detail| detail.job.clone());
            let logs = Signal::derive(move || detail.with(|detail| detail.logs.clone()));
            let payload = Signal::derive(move || {
                detail.with(|detail| {
                    serde_json::to_string_pretty(&detail.job.payload).unwrap_or_default()
                })
            });
            // The form is drawn anew only when it becomes another one: what is being typed stays.
            let held = Memo::new(move |_| {
                detail.with(|detail| (detail.job.id, Holdable::of(&detail.job)))
            });
            view! {
                {part(move || view! { <JobHead job=job() retry run_next /> })}
                {part(move || {
                    let JobDetail { job, verdict, .. } = detail.get();
                    view! { <VerdictPlate state=job.state verdict /> }
                })}
                {part(move || view! { <HowFar job=job() /> })}
                {part(move || view! { <LastError job=job() /> })}
                <div class="columns aside">
                    <div class="stack">
                        <section class="stack" aria-labelledby="timeline">
                            <h2 id="timeline">"Timeline"</h2>
                            {part(move || {
                                let JobDetail { job, attempts, .. } = detail.get();
                                view! { <Timeline job attempts /> }
                            })}
                        </section>
                        <section class="stack" aria-labelledby="payload">
                            <div class="section-head">
                                <h2 id="payload">"Payload"</h2>
                                <Copy text=payload what="payload" />
                            </div>
                            <pre class="payload" tabindex="0" aria-label="Payload as JSON">
                                {part(move || payload.get())}
                            </pre>
                        </section>
                        <LogTable caption="Log of this job" logs />
                    </div>
                    <div class="stack">
                        {part(move || view! { <Facts job=job() cancel /> })}
                        {part(move || {
                            let (id, holdable) = held.get();
                            view! { <HoldPanel id holdable hold release /> }
                        })}
                    </div>
                </div>
            }
        },
    )
}

#[component]
fn JobHead(job: Job, retry: Command, run_next: Command) -> impl IntoView {
    let (_, word) = of_job(&job);
    let rest = format!("{} of {} attempts spent.", job.attempt, job.max_attempts);
    let id = job.id;
    view! {
        <Crumbs href="/admin/jobs" label="Jobs" here=id.to_string() />
        <PageHead heading=format!("{} {id}", job.kind) now=format!("{word}.") rest>
            {(job.state == JobState::Dead)
                .then(|| {
                    view! {
                        <CommandForm action=retry>
                            <input type="hidden" name="id" value=id />
                            <Submit class="button primary" pending=retry.pending()>
                                {format!("Retry job {id}")}
                            </Submit>
                        </CommandForm>
                    }
                })}
            {(matches!(job.state, JobState::Scheduled | JobState::Available) && job.hold.is_none())
                .then(|| {
                    view! {
                        <CommandForm action=run_next>
                            <input type="hidden" name="id" value=id />
                            <Submit pending=run_next.pending()>"Run next"</Submit>
                        </CommandForm>
                    }
                })}
        </PageHead>
    }
}

/// Why the job is not running, while it could.
#[component]
fn VerdictPlate(state: JobState, verdict: Verdict) -> impl IntoView {
    if matches!(state, JobState::Completed | JobState::Cancelled | JobState::Running) {
        return ().into_any();
    }
    let (aspect, word) = match verdict.cause.as_str() {
        "dead" => (Aspect::Danger, "Dead"),
        "turn" | "not_due" => (Aspect::Idle, "Waiting"),
        "no_worker" | "unknown_kind" => (Aspect::Danger, "Stuck"),
        _ => (Aspect::Held, "Held"),
    };
    let eta = verdict.eta.map(|at| {
        view! {
            "Earliest start: "
            <Time at />
            ". "
        }
    });
    let link = verdict.link.map(|href| view! { <a href=href>"Go to the cause"</a> });
    view! {
        <div class=format!("verdict {}", aspect.class()) role="status">
            <p>
                <State of=aspect word />
                " "
                {verdict.sentence}
            </p>
            <p class="muted">{eta} {link}</p>
        </div>
    }
    .into_any()
}

/// How far the job says it is.
#[component]
fn HowFar(job: Job) -> impl IntoView {
    job.progress.map(|progress| {
        let reported = progress.updated_at;
        view! {
            <section class="panel" aria-labelledby="progress">
                <h2 id="progress">"Progress"</h2>
                <ProgressBar progress />
                <p class="muted">"Reported " <Time at=reported /> "."</p>
            </section>
        }
    })
}

#[component]
fn LastError(job: Job) -> impl IntoView {
    job.error.map(|error| {
        let remedy = job.error_class.map(|class| {
            view! {
                <p class="muted">
                    "Class " <span class="id">{class.name()}</span> ". " {class.remedy()}
                </p>
            }
        });
        view! {
            <section class="panel" aria-labelledby="last-error">
                <div class="section-head">
                    <h2 id="last-error">"Last error"</h2>
                    <Copy text=error.clone() what="error" />
                </div>
                <ErrorText error />
                {remedy}
            </section>
        }
    })
}
