//! A schedule has not ended well for too long.

use signalbox_model::job::JobState;
use signalbox_model::runbook::{Finding, Lever, Remedy};

use super::Steps;
use crate::alerts::{self, Gap};
use crate::{CommandError, Ctx, fleet};

pub(super) async fn look(ctx: &Ctx) -> Result<Steps, CommandError> {
    let mut steps = Steps::default();
    for Gap { subject, ok, detail, schedule, kind } in alerts::gaps(ctx).await? {
        let Some(schedule) = schedule else {
            let link = format!("/admin/jobs?kind={kind}#list");
            steps.check(Finding::new(subject, ok, detail).at(link));
            continue;
        };
        let link = format!("/admin/schedules/{}", schedule.name);
        steps.check(Finding::new(subject, ok, detail).at(&link));
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
