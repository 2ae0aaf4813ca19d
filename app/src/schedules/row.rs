//! A schedule and a sweep as rows.

use leptos::prelude::*;
use signalbox_model::format;
use signalbox_model::job::JobState;
use signalbox_model::schedule::{LastJob, Schedule};

use super::api::SweepLine;
use crate::components::aspect::{Aspect, State, state_word};
use crate::components::command::{Command, CommandForm};
use crate::components::submit::Submit;
use crate::components::time::{MaybeTime, Time};

/// A schedule.
#[component]
pub(super) fn ScheduleRow(schedule: Schedule, run: Command) -> impl IntoView {
    let (aspect, word) = standing(&schedule);
    let changed = schedule.default.is_some().then_some(", changed");
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/admin/schedules/{}", schedule.name)>{schedule.name.clone()}</a>
                <span class="sub id">{schedule.kind}</span>
            </th>
            <td class="wide">
                {schedule.description}
                <span class="sub id">{schedule.cron} " " {schedule.time_zone} {changed}</span>
            </td>
            <td>
                <State of=aspect word />
            </td>
            <td class="nowrap">
                <MaybeTime at=schedule.last_run_at />
            </td>
            <td>
                <LastJobLink job=schedule.last_job />
            </td>
            <td class="nowrap">
                {if schedule.paused {
                    view! { <span class="muted">"paused"</span> }.into_any()
                } else {
                    view! { <Time at=schedule.next_run_at /> }.into_any()
                }}
            </td>
            <td class="row-actions">
                <div>
                    <CommandForm action=run>
                        <input type="hidden" name="name" value=schedule.name.clone() />
                        <Submit class="button small" pending=run.pending()>
                            "Run now"
                            <span class="unseen">" " {schedule.name}</span>
                        </Submit>
                    </CommandForm>
                </div>
            </td>
        </tr>
    }
    .into_any()
}

/// A schedule's aspect and word.
pub(super) fn standing(schedule: &Schedule) -> (Aspect, &'static str) {
    if schedule.paused { (Aspect::Held, "Paused") } else { (Aspect::Clear, "Active") }
}

/// The last job, and how it ended.
#[component]
pub(super) fn LastJobLink(job: Option<LastJob>) -> impl IntoView {
    let Some(LastJob { id, state }) = job else {
        return view! { <span class="muted">"none"</span> }.into_any();
    };
    let (aspect, word) = match state {
        Some(state) => (aspect_of(state), state_word(state)),
        None => (Aspect::Idle, "No longer kept"),
    };
    view! {
        <State of=aspect word />
        <span class="sub">
            <a href=format!("/admin/jobs/{id}")>"Job " {id}</a>
        </span>
    }
    .into_any()
}

const fn aspect_of(state: JobState) -> Aspect {
    match state {
        JobState::Completed => Aspect::Clear,
        JobState::Running => Aspect::Running,
        JobState::Dead => Aspect::Danger,
        JobState::Scheduled | JobState::Available | JobState::Cancelled => Aspect::Idle,
    }
}

/// A sweep.
#[component]
pub(super) fn SweepRow(sweep: SweepLine) -> impl IntoView {
    let (aspect, word) = match (sweep.run_at, &sweep.did) {
        (None, _) => (Aspect::Idle, "Not run yet"),
        (Some(_), Some(_)) => (Aspect::Clear, "In order"),
        (Some(_), None) => (Aspect::Danger, "Failed"),
    };
    let did = sweep.did.unwrap_or_else(|| "–".to_owned());
    let effect = sweep.effect.map(|(effect, at)| {
        view! {
            {effect}
            <span class="sub">
                <Time at />
            </span>
        }
    });
    let error = sweep.error.map(|(error, at)| {
        view! {
            {format::shorten(&error, 200)}
            <span class="sub">
                <Time at />
            </span>
        }
    });
    view! {
        <tr>
            <th scope="row">
                {sweep.description} <span class="sub id">{sweep.name}</span>
            </th>
            <td>
                <State of=aspect word />
            </td>
            <td class="nowrap">
                <MaybeTime at=sweep.run_at />
            </td>
            <td class="num">
                {sweep.duration_ms.map_or_else(|| "–".to_owned(), format::duration_ms)}
            </td>
            <td>{did}</td>
            <td>{effect}</td>
            <td class="wide">{error}</td>
        </tr>
    }
    .into_any()
}
