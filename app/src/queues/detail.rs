//! One queue, and what can be done with it.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use signalbox_model::actor::Permission;
use signalbox_model::format;
use signalbox_model::queue::{MAX_CONCURRENT_BOUND, PAUSE_MINUTES_BOUND, Queue, QueueState};

use super::api::{BoundQueue, DrainQueue, PauseQueue, QueueFacts, ReadQueue, ResumeQueue};
use super::row::{Failed, Progress, standing};
use crate::components::aspect::State;
use crate::components::command::{Command, CommandForm};
use crate::components::facts_panel::FactsPanel;
use crate::components::field::Field;
use crate::components::live::{live, page, part};
use crate::components::log_table::LogTable;
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::submit::Submit;
use crate::components::time::MaybeTime;

/// The page.
#[component]
pub(crate) fn QueuePage() -> impl IntoView {
    let params = use_params_map();
    let name = move || params.with(|params| params.get("name").unwrap_or_default());
    let pause = Command::of::<PauseQueue>(Permission::OperateQueues);
    let resume = Command::of::<ResumeQueue>(Permission::OperateQueues);
    let drain = Command::of::<DrainQueue>(Permission::OperateQueues);
    let bound = Command::of::<BoundQueue>(Permission::OperateQueues);
    page(
        live(move || ReadQueue { name: name() }),
        |facts: &QueueFacts| (format!("Queue {}", facts.queue.name), facts.as_of),
        move |facts| {
            let history = Signal::derive(move || facts.with(|facts| facts.history.clone()));
            let queue = move || facts.with(|facts| facts.queue.clone());
            // Forms are drawn anew only when the queue's state has changed: what is being typed stays.
            let state = Memo::new(move |_| facts.with(|facts| facts.queue.state));
            view! {
                {part(move || view! { <QueueHead queue=queue() /> })}
                <div class="columns aside">
                    <div class="stack">
                        {move || {
                            let name = facts.with_untracked(|facts| facts.queue.name.clone());
                            match state.get() {
                                QueueState::Running => {
                                    view! {
                                        <PauseForm name=name.clone() pause />
                                        <DrainForm name drain />
                                    }
                                        .into_any()
                                }
                                QueueState::Paused | QueueState::Draining => {
                                    view! { <ResumeForm name resume /> }.into_any()
                                }
                            }
                        }}
                        {part(move || {
                            let Queue { name, max_concurrent, .. } = queue();
                            view! { <BoundForm name max_concurrent bound /> }
                        })}
                        {part(move || {
                            let Queue { name, failed, .. } = queue();
                            (failed > 0).then(|| view! { <ClearFailed name failed /> })
                        })}
                        <LogTable caption="History" logs=history />
                    </div>
                    {part(move || view! { <Facts queue=queue() /> })}
                </div>
            }
        },
    )
}

#[component]
fn QueueHead(queue: Queue) -> impl IntoView {
    let (_, word) = standing(&queue);
    let now = match (queue.state, &queue.reason) {
        (QueueState::Running, _) | (_, None) => format!("{word}."),
        (_, Some(reason)) => format!("{word}: {}.", reason.trim_end_matches('.')),
    };
    let rest = format!(
        "{} waiting, {} running.",
        format::count(queue.waiting),
        format::count(queue.running)
    );
    view! {
        <Crumbs href="/admin/queues" label="Queues" here=queue.name.clone() />
        <PageHead heading=format!("Queue {}", queue.name) now rest />
    }
}

#[component]
fn Facts(queue: Queue) -> impl IntoView {
    let (aspect, word) = standing(&queue);
    let jobs = format!("/admin/jobs?queue={}", queue.name);
    view! {
        <FactsPanel label="Facts of this queue">
            <dl class="facts">
                <dt>"State"</dt>
                <dd>
                    <State of=aspect word />
                    <Progress queue=queue.clone() />
                </dd>
                <dt>"Waiting"</dt>
                <dd>
                    <a href=jobs>{format::count(queue.waiting)}</a>
                </dd>
                <dt>"Scheduled"</dt>
                <dd>{format::count(queue.scheduled)}</dd>
                <dt>"Running"</dt>
                <dd>{format::count(queue.running)}</dd>
                <dt>"Failed"</dt>
                <dd>
                    <Failed queue=&queue />
                </dd>
                <dt>"At most"</dt>
                <dd>
                    {queue
                        .max_concurrent
                        .map_or_else(
                            || "unbounded".to_owned(),
                            |bound| format!("{} at once", format::count(bound)),
                        )}
                </dd>
                <dt>"Changed by"</dt>
                <dd>{queue.changed_by.unwrap_or_else(|| "–".to_owned())}</dd>
                <dt>"Changed"</dt>
                <dd>
                    <MaybeTime at=queue.changed_at />
                </dd>
            </dl>
        </FactsPanel>
    }
    .into_any()
}

#[component]
fn PauseForm(name: String, pause: Command) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="pause">
            <h2 id="pause">"Pause"</h2>
            <p class="hint">
                "None of its jobs starts. Those at work go on; what comes in waits, and nothing is lost."
            </p>
            <CommandForm action=pause>
                <input type="hidden" name="name" value=name.clone() />
                <Field name="reason" id="pause-reason" label="Reason" />
                <Field
                    name="minutes"
                    kind="number"
                    label="Minutes"
                    required=false
                    min=1
                    max=PAUSE_MINUTES_BOUND
                    hint="The pause ends by itself then. Empty: until it is resumed."
                />
                <p class="actions">
                    <Submit pending=pause.pending()>{format!("Pause {name}")}</Submit>
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}

#[component]
fn DrainForm(name: String, drain: Command) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="drain">
            <h2 id="drain">"Drain"</h2>
            <p class="hint">
                "The jobs it holds now run to their end; newer ones wait. When none of the old ones is \
                 left, it is paused."
            </p>
            <CommandForm action=drain>
                <input type="hidden" name="name" value=name.clone() />
                <Field name="reason" id="drain-reason" label="Reason to drain" />
                <p class="actions">
                    <Submit pending=drain.pending()>{format!("Drain {name}")}</Submit>
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}

#[component]
fn ResumeForm(name: String, resume: Command) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="resume">
            <h2 id="resume">"Resume"</h2>
            <p class="hint">"Its jobs start again, on every worker, at once."</p>
            <CommandForm action=resume>
                <input type="hidden" name="name" value=name.clone() />
                <Field name="reason" id="resume-reason" label="Reason" />
                <p class="actions">
                    <Submit class="button primary" pending=resume.pending()>
                        {format!("Resume {name}")}
                    </Submit>
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}

/// Leads to the preview of removing what failed here; there the reason is asked for.
#[component]
fn ClearFailed(name: String, failed: i64) -> impl IntoView {
    let letters = format!("/admin/dead-letter-queue?queue={name}");
    let preview = format!("/admin/dead-letter-queue/bulk?action=delete&queue={name}");
    let gave_up = format::plural(failed, "job that gave up waits", "jobs that gave up wait");
    view! {
        <section class="panel" aria-labelledby="failed">
            <h2 id="failed">"Clear failed"</h2>
            <p class="hint">
                {gave_up} " for a person. " <a href=letters>"Look at them"</a>
                " first: they may only need another try."
            </p>
            <p class="actions">
                <a class="button" href=preview>
                    {format!("Clear failed jobs of {name}")}
                </a>
            </p>
        </section>
    }
    .into_any()
}

#[component]
fn BoundForm(name: String, max_concurrent: Option<i64>, bound: Command) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="bound">
            <h2 id="bound">"Bound"</h2>
            <CommandForm action=bound>
                <input type="hidden" name="name" value=name.clone() />
                <Field
                    name="max_concurrent"
                    kind="number"
                    label="Jobs at once"
                    required=false
                    min=0
                    max=MAX_CONCURRENT_BOUND
                    value=max_concurrent.map(|bound| bound.to_string()).unwrap_or_default()
                    hint="On all workers together. Empty: no bound."
                />
                <Field name="reason" id="bound-reason" label="Reason for the bound" />
                <p class="actions">
                    <Submit pending=bound.pending()>{format!("Set bound of {name}")}</Submit>
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}
