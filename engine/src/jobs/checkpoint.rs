//! Where a long job goes on after an interruption: a value of its own, written in the transaction
//! of the work that it stands for.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use signalbox_model::Timestamp;
use signalbox_model::error_class::ErrorClass;
use signalbox_model::job::JobId;
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::jobs::handler::JobError;
use crate::jobs::run::Run;

/// Keeps `value` for the job's next run, while this run has its lease.
pub(crate) async fn keep<T: Serialize>(
    tx: &mut PgConnection,
    run: &Run,
    value: &T,
    now: Timestamp,
) -> Result<(), JobError> {
    let value = serde_json::to_value(value).map_err(unreadable)?;
    let kept = sqlx::query(
        "WITH lease AS (
             -- Locked until the end of the transaction: whoever would take the job back waits.
             SELECT id FROM jobs_running WHERE id = $1 AND lease_token = $2 FOR KEY SHARE
         )
         INSERT INTO job_checkpoints (job_id, value, updated_at) SELECT id, $3, $4 FROM lease
         ON CONFLICT (job_id) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
    )
    .bind(run.lease.job_id)
    .bind(run.lease.token)
    .bind(value)
    .bind(now)
    .execute(tx)
    .await?;
    if kept.rows_affected() == 1 { Ok(()) } else { Err(JobError::lease_lost()) }
}

/// What was kept last.
pub(crate) async fn restore<T: DeserializeOwned>(
    db: &PgPool,
    job: JobId,
) -> Result<Option<T>, JobError> {
    let value: Option<Value> =
        sqlx::query_scalar("SELECT value FROM job_checkpoints WHERE job_id = $1")
            .bind(job)
            .fetch_optional(db)
            .await?;
    value.map(serde_json::from_value).transpose().map_err(unreadable)
}

/// Tried again, not buried at once: a worker of another version may be able to read it.
fn unreadable(error: serde_json::Error) -> JobError {
    JobError::retry(ErrorClass::Internal, format!("checkpoint: {error}"))
}

/// Forgets the checkpoints of jobs that have ended; a dead one may be retried. Returns how many.
pub(crate) async fn forget_ended(db: impl PgExecutor<'_>) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query(
        "DELETE FROM job_checkpoints c
         WHERE NOT EXISTS (SELECT FROM jobs_ready WHERE id = c.job_id)
           AND NOT EXISTS (SELECT FROM jobs_scheduled WHERE id = c.job_id)
           AND NOT EXISTS (SELECT FROM jobs_running WHERE id = c.job_id)
           AND NOT EXISTS (SELECT FROM dead_letter_queue d WHERE d.job_id = c.job_id)",
    )
    .execute(db)
    .await?;
    Ok(forgotten.rows_affected())
}
