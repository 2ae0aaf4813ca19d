//! The levers of the runbooks: each is an operator's command, with its own permission and audit, and is noted in the run under way.

use signalbox_model::breaker::BreakerAction;
use signalbox_model::bulk_operation::{BulkAction, BulkRequest};
use signalbox_model::dead_letter::DeadLetterFilter;
use signalbox_model::fleet::Part;
use signalbox_model::kill_switch::reason;
use signalbox_model::runbook::{Incident, Lever, Step};

use super::record;
use crate::breaker::force;
use crate::dead_letters::bulk;
use crate::jobs::commands as jobs;
use crate::jobs::handler::Registry;
use crate::{CommandError, Ctx, fleet, kill_switch, matviews, queues, schedules};

/// Pulls `lever` on `target`, and says what that did.
///
/// # Errors
/// Those of the command; without a reason.
pub async fn pull(
    ctx: &Ctx,
    registry: &Registry,
    incident: Incident,
    (lever, target): (Lever, &str),
    why: &str,
) -> Result<String, CommandError> {
    let why = reason(why).map_err(|detail| CommandError::invalid("reason", detail))?;
    let done = act(ctx, registry, lever, target, why).await?;
    let what = format!("{done} ({why})");
    if let Err(error) = record::add(ctx, incident, Step::Mitigation, &what).await {
        // The command is done, and told so by its own log and audit: it must not look as if it had failed.
        tracing::error!(%error, what, "a lever is missing in the record of its run");
    }
    Ok(done)
}

async fn act(
    ctx: &Ctx,
    registry: &Registry,
    lever: Lever,
    target: &str,
    why: &str,
) -> Result<String, CommandError> {
    Ok(match lever {
        Lever::HoldBreakerOpen => {
            force::act(ctx, target, BreakerAction::ForceOpen, why, None).await?;
            format!("The breaker of {target} is held open.")
        }
        Lever::ResetBreaker => {
            force::act(ctx, target, BreakerAction::Reset, why, None).await?;
            format!("The breaker of {target} is closed: calls go out.")
        }
        Lever::RedriveCanary => {
            let operation = bulk::start(ctx, &canary(target, why)).await?;
            format!("Bulk operation {} tries a few of {} first.", operation.id, operation.previewed)
        }
        Lever::PauseQueue => {
            queues::pause(ctx, registry, target, why, None).await?;
            format!("Queue {target} is paused.")
        }
        Lever::ResumeQueue => {
            queues::resume(ctx, registry, target, why).await?;
            format!("Queue {target} runs.")
        }
        Lever::StopEverything => {
            kill_switch::activate(ctx, why).await?;
            "The kill switch is on: no job starts.".to_owned()
        }
        Lever::ReleaseEverything => {
            kill_switch::deactivate(ctx, why).await?;
            "The kill switch is off: jobs start again.".to_owned()
        }
        Lever::StartWorkers => {
            fleet::start(ctx, &Part::Workers, why).await?;
            "The workers take jobs again.".to_owned()
        }
        Lever::StartScheduler => {
            fleet::start(ctx, &Part::Scheduler, why).await?;
            "The scheduler goes on.".to_owned()
        }
        Lever::RunSchedule => {
            let job = schedules::run_now(ctx, registry, target, Some(why)).await?;
            format!("Schedule {target} runs as job {job}.")
        }
        Lever::ResumeSchedule => {
            schedules::resume(ctx, target, Some(why)).await?;
            format!("Schedule {target} ticks.")
        }
        Lever::CancelJob => {
            let id = target
                .parse()
                .map_err(|_| CommandError::invalid("target", "must be a job's number"))?;
            jobs::cancel(ctx, id).await?;
            format!("Job {id} is asked to stop.")
        }
        Lever::RefreshMatviews => {
            let job = matviews::refresh_now(ctx, registry).await?;
            format!("The views are refreshed by job {job}.")
        }
        Lever::ReadPlainViews => {
            matviews::switch(ctx, false).await?;
            "Lists read the plain views.".to_owned()
        }
    })
}

fn canary(fingerprint: &str, why: &str) -> BulkRequest {
    BulkRequest {
        action: BulkAction::RedriveCanary,
        filter: DeadLetterFilter {
            fingerprint: Some(fingerprint.to_owned()),
            ..DeadLetterFilter::default()
        },
        all: false,
        reason: why.to_owned(),
        rate_per_second: None,
        up_to: None,
    }
}
