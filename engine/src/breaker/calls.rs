//! The record of every call to a provider: what a back-test replays.

use std::time::Duration;

use signalbox_model::Timestamp;
use signalbox_model::job::JobId;
use sqlx::{PgExecutor, PgPool, Row};

use crate::provider::Operation;

/// Calls are kept this long: a back-test looks at the last day, and may at the one before.
pub(crate) const KEEP: chrono::Duration = chrono::Duration::hours(48);

/// How a call ended, as its breaker sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was answered.
    Ok,
    /// It failed by the provider's fault.
    Failed,
    /// The breaker let none out.
    Refused,
    /// The provider asked to slow down: neither good nor bad to its breaker.
    Limited,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Failed => "failed",
            Outcome::Refused => "refused",
            Outcome::Limited => "limited",
        }
    }
}

/// A call that went out, as it is replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call {
    /// When it ended.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// Whether it failed.
    pub failed: bool,
    /// The job that made it.
    pub job: JobId,
}

/// Records a call that ended at `now`.
pub(crate) async fn record(
    db: impl PgExecutor<'_>,
    operation: Operation,
    job: JobId,
    (outcome, took): (Outcome, Duration),
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO provider_calls (provider, operation, at, took_ms, outcome, job_id)
         VALUES ($1, $6, $2, $3, $4, $5)",
    )
    .bind(operation.provider)
    .bind(now)
    .bind(i32::try_from(took.as_millis()).unwrap_or(i32::MAX))
    .bind(outcome.name())
    .bind(job)
    .bind(operation.name())
    .execute(db)
    .await
    .map(drop)
}

/// The newest calls that went out since `since`, at most `limit`, the oldest first.
pub(crate) async fn since(
    db: &PgPool,
    provider: &str,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<Call>, sqlx::Error> {
    let mut calls = sqlx::query(
        "SELECT at, took_ms, outcome = 'failed' AS failed, job_id FROM provider_calls
         WHERE provider = $1 AND at > $2 AND outcome IN ('ok', 'failed') ORDER BY at DESC, id DESC LIMIT $3",
    )
    .bind(provider)
    .bind(since)
    .bind(limit)
    .try_map(|row: sqlx::postgres::PgRow| {
        let took_ms: i32 = row.try_get("took_ms")?;
        Ok(Call {
            at: row.try_get("at")?,
            took: Duration::from_millis(u64::from(took_ms.unsigned_abs())),
            failed: row.try_get("failed")?,
            job: row.try_get("job_id")?,
        })
    })
    .fetch_all(db)
    .await?;
    calls.reverse();
    Ok(calls)
}

/// How many calls the breaker really held back since `since`.
pub(crate) async fn refused_since(
    db: &PgPool,
    provider: &str,
    since: Timestamp,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(*) FROM provider_calls
         WHERE provider = $1 AND at > $2 AND outcome = 'refused'",
    )
    .bind(provider)
    .bind(since)
    .fetch_one(db)
    .await
}

/// Forgets calls that ended longer ago than [`KEEP`]. Returns how many.
pub(crate) async fn forget_old(db: &PgPool, now: Timestamp) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query("DELETE FROM provider_calls WHERE at < $1")
        .bind(now - KEEP)
        .execute(db)
        .await?;
    Ok(forgotten.rows_affected())
}
