//! A schedule has not ended well for too long.

use chrono::Duration;
use signalbox_model::job::JobState;
use signalbox_model::runbook::{Finding, Lever, Remedy};
use signalbox_model::schedule::Schedule;

use super::{Steps, clock_time, span};
use crate::{CommandError, Ctx, fleet, jobs, schedules};

/// As many ticks may bring nothing. Discovery ticks every 10 min: 30 min (OP-13).
const TICKS: i32 = 3;

pub(super) async fn look(ctx: &Ctx) -> Result<Steps, CommandError> {
    let mut steps = Steps::default();
    // Of each kind only its last success is wanted, which is known however long ago it was.
    let metrics = jobs::per_kind(&ctx.db, ctx.now(), None).await?;
    for schedule in schedules::list(ctx).await? {
        let success = metrics
            .iter()
            .find(|kind| kind.job_type == schedule.kind)
            .and_then(|kind| kind.last_success_at);
        let allowed = interval(&schedule) * TICKS;
        // One that has never run has no gap yet.
        let since = success.or(schedule.last_run_at);
        let ok = since.is_none_or(|since| ctx.now() - since < allowed);
        let detail = match success {
            Some(at) => {
                format!("ended well last at {}; {} may pass", clock_time(at), span(allowed))
            }
            None if schedule.last_run_at.is_none() => "has not run yet".to_owned(),
            None => "has not ended well yet".to_owned(),
        };
        let link = format!("/admin/schedules/{}", schedule.name);
        steps.check(Finding::new(&schedule.name, ok, detail).at(&link));
        if let Some(job) = &schedule.last_job
            && matches!(job.state, Some(JobState::Dead | JobState::Scheduled))
        {
            let what = format!("Last job of {}", schedule.name);
            let state = job.state.map_or("gone", JobState::name);
            steps.diagnosis.push(
                Finding::new(what, false, format!("job {} is {state}", job.id))
                    .at(format!("/admin/jobs/{}", job.id)),
            );
        }
        if schedule.paused {
            steps.diagnosis.push(
                Finding::new(format!("Schedule {}", schedule.name), false, "paused").at(&link),
            );
            steps.remedies.push(Remedy::new(
                Lever::ResumeSchedule,
                &schedule.name,
                format!("Resume {}", schedule.name),
                "It ticks again, and makes up for what it missed by its own rule.",
            ));
        }
        if !ok {
            steps.remedies.push(Remedy::new(
                Lever::RunSchedule,
                &schedule.name,
                format!("Run {} now", schedule.name),
                "One more job of its kind starts, as its limits allow; its ticks stay as they are.",
            ));
        }
    }
    if steps.detection.is_empty() {
        steps.check(Finding::new("Schedules", true, "none is declared"));
    }
    let (_, scheduler) = fleet::stops(ctx).await?;
    match scheduler {
        None => steps.diagnosis.push(Finding::new("Scheduler", true, "ticks")),
        Some(stop) => {
            steps.diagnosis.push(
                Finding::new("Scheduler", false, format!("stopped: {}", stop.reason))
                    .at("/admin/workers"),
            );
            steps.remedies.push(Remedy::new(
                Lever::StartScheduler,
                "",
                "Start the scheduler",
                "The schedules tick again.",
            ));
        }
    }
    Ok(steps)
}

/// The time between two of its next ticks.
fn interval(schedule: &Schedule) -> Duration {
    match schedule.next_ticks.as_slice() {
        [first, second, ..] => second.at - first.at,
        _ => Duration::days(1),
    }
}
