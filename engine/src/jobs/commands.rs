//! What an operator does to one job.

use serde_json::json;
use signalbox_model::actor::Permission;
use signalbox_model::job::{JobId, JobState};
use signalbox_model::system_log::LogLevel;

use crate::audit::{self, Act};
use crate::jobs::{list, transitions};
use crate::logs::{self, NewLog};
use crate::{CommandError, Ctx, dead_letters, notify};

/// Cancels a job: at once while it waits, as soon as its worker has stopped it while it runs.
///
/// # Errors
/// Without [`Permission::RunJobs`]; when there is no such job, or it has ended; when the database
/// does not answer.
pub async fn cancel(ctx: &Ctx, id: JobId) -> Result<(), CommandError> {
    ctx.demand(Permission::RunJobs)?;
    let mut tx = ctx.db.begin().await?;
    let now = ctx.now();
    let waiting = transitions::cancel_waiting(&mut tx, id, now).await?;
    if !waiting && !transitions::request_cancel(&mut tx, id, now).await? {
        drop(tx);
        return Err(ended(ctx, id, "cancel").await?);
    }
    let verb = if waiting { "cancelled" } else { "asked to stop" };
    let log = NewLog::new(
        "job_cancel",
        LogLevel::Info,
        format!("Job {id} {verb} by {}", ctx.actor.email),
    );
    logs::write(&mut *tx, now, log.job(id)).await?;
    let subject = format!("job {id}");
    let act = Act { action: "job.cancel", subject: &subject, reason: None, details: json!({}) };
    audit::record(&mut tx, ctx, act).await?;
    notify::notify(&mut *tx, notify::CONTROLS).await?;
    tx.commit().await?;
    Ok(())
}

/// Puts a waiting job before all others, even if its queue is paused: how one job is tried while
/// the rest is held. A job that is not due yet becomes due. The kill switch, the provider's
/// breaker and the limits still hold it.
///
/// # Errors
/// Without [`Permission::OperateQueues`]; when there is no such job; when it does not wait; when the
/// database does not answer.
pub async fn run_next(ctx: &Ctx, id: JobId) -> Result<(), CommandError> {
    ctx.demand(Permission::OperateQueues)?;
    let mut tx = ctx.db.begin().await?;
    let now = ctx.now();
    if !transitions::promote(&mut tx, id, now).await? {
        drop(tx);
        return Err(ended(ctx, id, "run").await?);
    }
    sqlx::query(
        "INSERT INTO expedited_jobs (job_id, requested_by, requested_at) VALUES ($1, $2, $3)
         ON CONFLICT (job_id) DO NOTHING",
    )
    .bind(id)
    .bind(&ctx.actor.email)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let message = format!("Job {id} put before all others by {}", ctx.actor.email);
    logs::write(&mut *tx, now, NewLog::new("job_run_next", LogLevel::Info, message).job(id))
        .await?;
    let subject = format!("job {id}");
    let act = Act { action: "job.run_next", subject: &subject, reason: None, details: json!({}) };
    audit::record(&mut tx, ctx, act).await?;
    notify::notify(&mut *tx, notify::JOBS).await?;
    tx.commit().await?;
    Ok(())
}

/// Retries a dead job: the same as retrying its letter.
///
/// # Errors
/// As [`dead_letters::retry`]; a job that is not dead is a conflict.
pub async fn retry(ctx: &Ctx, id: JobId) -> Result<(), CommandError> {
    ctx.demand(Permission::WorkDeadLetters)?;
    let job = list::read(ctx, id).await?;
    match (job.state, job.dead_letter_id) {
        (JobState::Dead, Some(letter)) => dead_letters::retry(ctx, letter).await.map(drop),
        _ => Err(ended(ctx, id, "retry").await?),
    }
}

/// The error for a job that is not in a state for `verb`.
async fn ended(ctx: &Ctx, id: JobId, verb: &str) -> Result<CommandError, CommandError> {
    let job = list::read(ctx, id).await?;
    Ok(CommandError::Conflict(match (job.state, job.hold) {
        (JobState::Scheduled, Some(hold)) => {
            format!("Job {id} is {}. Release it first.", hold.words())
        }
        (state, _) => format!("Job {id} is {}: there is nothing to {verb}.", state.name()),
    }))
}
