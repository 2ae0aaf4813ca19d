//! The one big lever.

use leptos::prelude::*;
use signalbox_model::actor::Permission;
use signalbox_model::format;
use signalbox_model::kill_switch::KillSwitch;
use signalbox_model::metrics::QueueDepth;

use super::api::{ActivateKillSwitch, DeactivateKillSwitch, ReadKillSwitch, SwitchFacts};
use crate::components::command::{Command, CommandForm};
use crate::components::field::Field;
use crate::components::live::{live, page, part};
use crate::components::log_table::LogTable;
use crate::components::page_head::PageHead;
use crate::components::submit::Submit;
use crate::components::time::MaybeTime;

/// The page.
#[component]
pub(crate) fn KillSwitchPage() -> impl IntoView {
    let activate = Command::of::<ActivateKillSwitch>(Permission::OperateKillSwitch);
    let deactivate = Command::of::<DeactivateKillSwitch>(Permission::OperateKillSwitch);
    page(
        live(|| ReadKillSwitch {}),
        |facts: &SwitchFacts| {
            let title = if facts.switch.active { "Kill switch: ON" } else { "Kill switch: off" };
            (title.to_owned(), facts.as_of)
        },
        move |facts| {
            let history = Signal::derive(move || facts.with(|facts| facts.history.clone()));
            view! {
                {part(move || view! { <SwitchHead facts=facts.get() /> })}
                {part(move || {
                    let SwitchFacts { switch, queues, .. } = facts.get();
                    if switch.active {
                        view! { <LeverOn switch waiting=waiting(&queues) deactivate /> }.into_any()
                    } else {
                        view! { <LeverOff running=running(&queues) activate /> }.into_any()
                    }
                })}
                <LogTable caption="History" logs=history />
            }
        },
    )
}

fn running(queues: &[QueueDepth]) -> i64 {
    queues.iter().map(|queue| queue.running).sum()
}

fn waiting(queues: &[QueueDepth]) -> i64 {
    queues.iter().map(|queue| queue.available).sum()
}

#[component]
fn SwitchHead(facts: SwitchFacts) -> impl IntoView {
    let SwitchFacts { switch, queues, .. } = facts;
    let now = if switch.active { "On: no job starts." } else { "Off: jobs start." };
    let rest = format!(
        "{} running, {} waiting.",
        format::count(running(&queues)),
        format::count(waiting(&queues))
    );
    view! { <PageHead heading="Kill switch" now rest /> }
}

#[component]
fn LeverOff(running: i64, activate: Command) -> impl IntoView {
    let effect = format!(
        "Pulling it stops every queue on every worker within 1 s. {} asked to stop and go back to \
         the queue; no attempt is spent, nothing is lost.",
        format::plural(running, "running job is", "running jobs are")
    );
    view! {
        <section class="lever off" aria-labelledby="lever-word">
            <LeverDrawing arm="M72 150V42" x=72 y=32 />
            <div class="stack">
                <p class="plate-word" id="lever-word">
                    "Off"
                </p>
                <p>{effect}</p>
                <CommandForm action=activate>
                    <Field
                        name="reason"
                        label="Reason"
                        multiline=true
                        hint="Shown to everyone while the switch is on, and kept in the log."
                    />
                    <p class="actions">
                        <Submit class="button danger" pending=activate.pending()>
                            "Stop all jobs"
                        </Submit>
                    </p>
                </CommandForm>
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn LeverOn(switch: KillSwitch, waiting: i64, deactivate: Command) -> impl IntoView {
    view! {
        <section class="lever on" aria-labelledby="lever-word">
            <LeverDrawing arm="M72 150 122 62" x=126 y=54 />
            <div class="stack">
                <p class="plate-word" id="lever-word">
                    "On: nothing starts"
                </p>
                <dl class="facts">
                    <dt>"Since"</dt>
                    <dd>
                        <MaybeTime at=switch.changed_at />
                    </dd>
                    <dt>"By"</dt>
                    <dd>{switch.changed_by}</dd>
                    <dt>"Reason"</dt>
                    <dd>{switch.reason}</dd>
                    <dt>"Held"</dt>
                    <dd>{format::plural(waiting, "job", "jobs")}</dd>
                </dl>
                <CommandForm action=deactivate>
                    <Field
                        name="reason"
                        label="Reason to release"
                        hint="Say why it is safe to start again."
                    />
                    <p class="actions">
                        <Submit class="button primary" pending=deactivate.pending()>
                            {format!(
                                "Release: {} may start",
                                format::plural(waiting, "job", "jobs"),
                            )}
                        </Submit>
                    </p>
                </CommandForm>
            </div>
        </section>
    }
    .into_any()
}

/// The lever, its pivot at (72, 150).
#[component]
fn LeverDrawing(arm: &'static str, x: i32, y: i32) -> impl IntoView {
    view! {
        <svg viewBox="0 0 144 176" aria-hidden="true">
            <path class="frame" d="M16 150h112M32 150a40 40 0 0 1 80 0M24 164h96" />
            <path class="arm" d=arm />
            <circle class="grip" cx=x cy=y r="13" />
        </svg>
    }
}
