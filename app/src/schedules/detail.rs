//! One schedule: when it ticks, what it has done, and what can be done with it.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use signalbox_model::actor::Permission;
use signalbox_model::schedule::Schedule;

use super::api::{
    ChangeSchedule, PauseSchedule, ReadSchedule, ResetSchedule, ResumeSchedule, RunSchedule,
    ScheduleFacts,
};
use super::row::{LastJobLink, standing};
use super::times::{TimesPanel, Upcoming};
use crate::components::aspect::State;
use crate::components::command::{Command, CommandForm};
use crate::components::facts_panel::FactsPanel;
use crate::components::field::Field;
use crate::components::live::{live, page, part};
use crate::components::log_table::LogTable;
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::query::Query;
use crate::components::submit::Submit;
use crate::components::time::MaybeTime;

/// The page.
#[component]
pub(crate) fn SchedulePage() -> impl IntoView {
    let params = use_params_map();
    let name = move || params.with(|params| params.get("name").unwrap_or_default());
    let query = Query::current(&["cron", "zone"], "#times");
    let run = Command::of::<RunSchedule>(Permission::OperateSchedules);
    let pause = Command::of::<PauseSchedule>(Permission::OperateSchedules);
    let resume = Command::of::<ResumeSchedule>(Permission::OperateSchedules);
    let change = Command::of::<ChangeSchedule>(Permission::OperateSchedules);
    let reset = Command::of::<ResetSchedule>(Permission::OperateSchedules);
    page(
        live(move || {
            let query = query.get();
            ReadSchedule { name: name(), cron: query.text("cron"), zone: query.text("zone") }
        }),
        |facts: &ScheduleFacts| {
            let other = if facts.preview.is_some() { ", other times" } else { "" };
            (format!("Schedule {}{other}", facts.schedule.name), facts.as_of)
        },
        move |facts| {
            let history = Signal::derive(move || facts.with(|facts| facts.history.clone()));
            let schedule = move || facts.with(|facts| facts.schedule.clone());
            view! {
                {part(move || view! { <ScheduleHead schedule=schedule() run /> })}
                <div class="columns aside">
                    <div class="stack">
                        {part(move || view! { <Upcoming ticks=schedule().next_ticks /> })}
                        {part(move || {
                            let ScheduleFacts { schedule, preview, .. } = facts.get();
                            view! { <TimesPanel schedule preview change reset /> }
                        })}
                        <LogTable caption="History" logs=history />
                    </div>
                    <div class="stack">
                        {part(move || view! { <Facts schedule=schedule() /> })}
                        {part(move || {
                            let schedule = schedule();
                            if schedule.paused {
                                view! { <Resume schedule resume /> }.into_any()
                            } else {
                                view! { <PauseForm schedule pause /> }.into_any()
                            }
                        })}
                    </div>
                </div>
            }
        },
    )
}

#[component]
fn ScheduleHead(schedule: Schedule, run: Command) -> impl IntoView {
    let now = match &schedule.pause {
        Some(pause) => format!("Paused: {}.", pause.reason.trim_end_matches('.')),
        None => format!("{}.", schedule.description.trim_end_matches('.')),
    };
    let rest = format!("{} in {}.", schedule.cron, schedule.time_zone);
    view! {
        <Crumbs href="/admin/schedules" label="Schedules" here=schedule.name.clone() />
        <PageHead heading=schedule.name.clone() now rest>
            <CommandForm action=run>
                <input type="hidden" name="name" value=schedule.name />
                <Submit class="button primary" pending=run.pending()>
                    "Run now"
                </Submit>
            </CommandForm>
        </PageHead>
    }
}

#[component]
fn Facts(schedule: Schedule) -> impl IntoView {
    let (aspect, word) = standing(&schedule);
    let set_by = schedule.changed_by.map(|by| {
        view! {
            <dt>"Times set by"</dt>
            <dd>{by} " " <MaybeTime at=schedule.changed_at /></dd>
        }
    });
    let pause = schedule.pause.map(|pause| {
        view! {
            <dt>"Paused by"</dt>
            <dd>{pause.by} " " <MaybeTime at=pause.at /></dd>
        }
    });
    view! {
        <FactsPanel label="Facts of this schedule">
            <dl class="facts">
                <dt>"State"</dt>
                <dd>
                    <State of=aspect word />
                </dd>
                {pause}
                <dt>"Job type"</dt>
                <dd>
                    <a href=format!("/admin/jobs?kind={}", schedule.kind)>{schedule.kind.clone()}</a>
                </dd>
                {set_by}
                <dt>"Last run"</dt>
                <dd>
                    <MaybeTime at=schedule.last_run_at />
                </dd>
                <dt>"Last job"</dt>
                <dd>
                    <LastJobLink job=schedule.last_job />
                </dd>
                <dt>"If missed"</dt>
                <dd>{schedule.missed_ticks.describe()}</dd>
            </dl>
        </FactsPanel>
    }
    .into_any()
}

#[component]
fn PauseForm(schedule: Schedule, pause: Command) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="pause">
            <h2 id="pause">"Pause"</h2>
            <p class="hint">
                "It does not tick until it is resumed. Ticks that pass meanwhile are dropped."
            </p>
            <CommandForm action=pause>
                <input type="hidden" name="name" value=schedule.name.clone() />
                <Field name="reason" id="pause-reason" label="Reason" />
                <p class="actions">
                    <Submit pending=pause.pending()>{format!("Pause {}", schedule.name)}</Submit>
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}

#[component]
fn Resume(schedule: Schedule, resume: Command) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="resume">
            <h2 id="resume">"Resume"</h2>
            <p class="hint">
                "It goes on with its next tick. Those that passed while it was paused are dropped."
            </p>
            <CommandForm action=resume>
                <input type="hidden" name="name" value=schedule.name.clone() />
                <Submit class="button primary" pending=resume.pending()>
                    {format!("Resume {}", schedule.name)}
                </Submit>
            </CommandForm>
        </section>
    }
    .into_any()
}
