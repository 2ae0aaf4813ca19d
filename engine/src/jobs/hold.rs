//! Holding one job, and releasing it. While a hold's row is there, whoever puts the job back among
//! the waiting ones moves it on to the held ones, in the same transaction: [`keep`].

use std::collections::HashMap;

use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::hold::Hold;
use signalbox_model::job::{Job, JobId, JobState};
use signalbox_model::kill_switch::reason;
use signalbox_model::system_log::LogLevel;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, Row};

use crate::audit::{self, Act};
use crate::jobs::{list, transitions};
use crate::logs::{self, NewLog};
use crate::{CommandError, Ctx, notify};

/// A job that moves while it is looked for is looked for this often.
const TRIES: usize = 3;

/// Holds a job until it is released: at once while it waits, as soon as its worker has stopped it
/// while it runs. No attempt is spent.
///
/// # Errors
/// Without [`Permission::RunJobs`]; without a reason; when there is no such job, it has ended, or
/// it is held already; when the database does not answer.
pub async fn hold(ctx: &Ctx, id: JobId, why: &str) -> Result<(), CommandError> {
    ctx.demand(Permission::RunJobs)?;
    let why = reason(why).map_err(|detail| CommandError::invalid("reason", detail))?;
    for _ in 0..TRIES {
        let mut tx = ctx.db.begin().await?;
        if let Some(verb) = hold_in(&mut tx, ctx, id, why).await? {
            record(&mut tx, ctx, (id, "hold", verb), Some(why)).await?;
            notify::notify(&mut *tx, notify::CONTROLS).await?;
            tx.commit().await?;
            return Ok(());
        }
    }
    let job = list::read(ctx, id).await?;
    Err(CommandError::Conflict(match job.hold {
        Some(hold) => format!("Job {id} is {} already.", hold.words()),
        None => format!("Job {id} is {}: there is nothing to hold.", job.state.name()),
    }))
}

/// Lets a held job go on: it is due when it was due before.
///
/// # Errors
/// Without [`Permission::RunJobs`]; when there is no such job, or it is not held; when the database
/// does not answer.
pub async fn release(ctx: &Ctx, id: JobId) -> Result<(), CommandError> {
    ctx.demand(Permission::RunJobs)?;
    let mut tx = ctx.db.begin().await?;
    if !transitions::release_hold(&mut tx, id, ctx.now()).await? {
        drop(tx);
        let state = list::read(ctx, id).await?.state.name();
        return Err(CommandError::Conflict(format!("Job {id} is {state}, and not held.")));
    }
    record(&mut tx, ctx, (id, "release", "released"), None).await?;
    notify::notify(&mut *tx, notify::JOBS).await?;
    tx.commit().await?;
    Ok(())
}

/// Holds a job in the caller's transaction, and says how; nothing, and nothing is noted, for one
/// that is held already, has ended, or is just moving.
pub(super) async fn hold_in(
    tx: &mut PgConnection,
    ctx: &Ctx,
    id: JobId,
    why: &str,
) -> Result<Option<&'static str>, sqlx::Error> {
    if !note(tx, ctx, id, why).await? {
        return Ok(None);
    }
    if transitions::hold_waiting(tx, &[id]).await? == 1 {
        return Ok(Some("held"));
    }
    if is_running(tx, id).await? {
        return Ok(Some("asked to stop and held"));
    }
    sqlx::query("DELETE FROM job_holds WHERE job_id = $1").bind(id).execute(tx).await?;
    Ok(None)
}

/// Notes the hold. Returns whether there was none.
async fn note(tx: &mut PgConnection, ctx: &Ctx, id: JobId, why: &str) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query(
        "INSERT INTO job_holds (job_id, reason, held_by, held_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (job_id) DO NOTHING",
    )
    .bind(id)
    .bind(why)
    .bind(&ctx.actor.email)
    .bind(ctx.now())
    .execute(tx)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// Whether the job runs. Its end is settled only after `tx`, and finds the hold.
async fn is_running(tx: &mut PgConnection, id: JobId) -> Result<bool, sqlx::Error> {
    let running: Option<JobId> =
        sqlx::query_scalar("SELECT id FROM jobs_running WHERE id = $1 FOR NO KEY UPDATE")
            .bind(id)
            .fetch_optional(tx)
            .await?;
    Ok(running.is_some())
}

async fn record(
    tx: &mut PgConnection,
    ctx: &Ctx,
    (id, action, verb): (JobId, &str, &str),
    why: Option<&str>,
) -> Result<(), sqlx::Error> {
    let because = why.map(|why| format!(": {why}")).unwrap_or_default();
    let message = format!("Job {id} {verb} by {}{because}", ctx.actor.email);
    let event = format!("job_{action}");
    let facts = json!({ "reason": why, "requestedBy": ctx.actor.email });
    let log = NewLog::new(&event, LogLevel::Info, message).job(id).with(facts);
    logs::write(&mut *tx, ctx.now(), log).await?;
    let (action, subject) = (format!("job.{action}"), format!("job {id}"));
    let act = Act { action: &action, subject: &subject, reason: why, details: json!({}) };
    audit::record(tx, ctx, act).await
}

/// Of `jobs`, whose runs have just ended, those that are held go to the held ones; a hold ends with
/// its job.
pub(crate) async fn keep(tx: &mut PgConnection, jobs: &[JobId]) -> Result<(), sqlx::Error> {
    let held: Vec<JobId> =
        sqlx::query_scalar("SELECT job_id FROM job_holds WHERE job_id = ANY($1)")
            .bind(jobs)
            .fetch_all(&mut *tx)
            .await?;
    if held.is_empty() {
        return Ok(());
    }
    transitions::hold_waiting(tx, &held).await?;
    forget(tx, &held).await
}

/// Of `jobs`, forgets the holds of those that neither wait nor run.
async fn forget(tx: &mut PgConnection, jobs: &[JobId]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM job_holds h WHERE job_id = ANY($1)
             AND NOT EXISTS (SELECT FROM jobs_scheduled WHERE id = h.job_id)
             AND NOT EXISTS (SELECT FROM jobs_running WHERE id = h.job_id)",
    )
    .bind(jobs)
    .execute(tx)
    .await
    .map(drop)
}

/// Forgets the holds of all jobs that have ended. Returns how many.
pub(crate) async fn forget_ended(db: impl PgExecutor<'_>) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query(
        "DELETE FROM job_holds h
         WHERE NOT EXISTS (SELECT FROM jobs_scheduled WHERE id = h.job_id)
           AND NOT EXISTS (SELECT FROM jobs_running WHERE id = h.job_id)",
    )
    .execute(db)
    .await?;
    Ok(forgotten.rows_affected())
}

/// The same jobs, each with its hold; one that waits is shown as due when it was before.
pub(crate) async fn added_to(
    mut jobs: Vec<Job>,
    db: impl PgExecutor<'_>,
) -> Result<Vec<Job>, sqlx::Error> {
    let may_be_held = |job: &&mut Job| matches!(job.state, JobState::Scheduled | JobState::Running);
    let ids: Vec<_> = jobs.iter_mut().filter(may_be_held).map(|job| job.id).collect();
    if ids.is_empty() {
        return Ok(jobs);
    }
    let mut holds: HashMap<JobId, (Hold, Option<Timestamp>)> =
        sqlx::query("SELECT * FROM job_holds WHERE job_id = ANY($1)")
            .bind(ids)
            .try_map(|row: PgRow| {
                let hold = Hold {
                    by: row.try_get("held_by")?,
                    since: row.try_get("held_at")?,
                    reason: row.try_get("reason")?,
                };
                Ok((row.try_get("job_id")?, (hold, row.try_get("run_at")?)))
            })
            .fetch_all(db)
            .await?
            .into_iter()
            .collect();
    for job in jobs.iter_mut().filter(may_be_held) {
        if let Some((hold, run_at)) = holds.remove(&job.id) {
            job.run_at = run_at.unwrap_or(job.run_at);
            job.hold = Some(hold);
        }
    }
    Ok(jobs)
}
