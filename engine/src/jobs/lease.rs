//! A worker's lease. All jobs of a worker share it: one heartbeat for the worker, not one a job.

use std::time::Duration;

use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::system_log::LogLevel;
use sqlx::PgPool;
use uuid::Uuid;

use crate::jobs::handler::Registry;
use crate::jobs::{hold, transitions};
use crate::logs::{self, NewLog};
use crate::notify;

fn until(now: Timestamp, lease: Duration) -> Timestamp {
    now + chrono::Duration::from_std(lease).unwrap_or(chrono::Duration::days(1))
}

/// Makes a worker known, with a lease from `now` on. Returns its id, a new one every time.
///
/// # Errors
/// When the database does not answer.
pub async fn register(
    db: &PgPool,
    registry: &Registry,
    name: &str,
    lease: Duration,
    now: Timestamp,
) -> Result<Uuid, sqlx::Error> {
    let id = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO workers (id, name, kinds, started_at, heartbeat_at, lease_until)
         VALUES ($1, $2, $3, $4, $4, $5)",
    )
    .bind(id)
    .bind(name)
    .bind(registry.names())
    .bind(now)
    .bind(until(now, lease))
    .execute(db)
    .await?;
    Ok(id)
}

/// Extends the lease of a worker that still has it. `false` says that it was lost: its jobs may
/// run elsewhere, and it must start anew under another id.
///
/// # Errors
/// When the database does not answer.
pub async fn renew(
    db: &PgPool,
    worker: Uuid,
    lease: Duration,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let renewed = sqlx::query(
        "UPDATE workers SET heartbeat_at = $2, lease_until = $3 WHERE id = $1 AND lease_until > $2",
    )
    .bind(worker)
    .bind(now)
    .bind(until(now, lease))
    .execute(db)
    .await?;
    Ok(renewed.rows_affected() == 1)
}

/// Ends the lease of a worker that stops; what it still holds is free for others.
///
/// # Errors
/// When the database does not answer.
pub async fn deregister(db: &PgPool, worker: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM workers WHERE id = $1").bind(worker).execute(db).await.map(drop)
}

/// Takes the jobs of workers whose lease has ended back into their queues, no attempt spent, and
/// forgets workers that have been gone for a day. Returns how many jobs.
///
/// # Errors
/// When the database does not answer.
pub async fn reclaim_lost(db: &PgPool, now: Timestamp) -> Result<usize, sqlx::Error> {
    let mut tx = db.begin().await?;
    let jobs = transitions::reclaim(&mut tx, now).await?;
    if !jobs.is_empty() {
        hold::keep(&mut tx, &jobs).await?;
        let message = format!(
            "{} taken back from workers that disappeared",
            signalbox_model::format::plural(jobs.len() as i64, "job", "jobs")
        );
        let sample: Vec<_> = jobs.iter().take(20).collect();
        let log =
            NewLog::new("worker_lost", LogLevel::Warn, message).with(json!({ "jobs": sample }));
        logs::write(&mut *tx, now, log).await?;
        notify::notify(&mut *tx, notify::JOBS).await?;
    }
    sqlx::query("DELETE FROM workers WHERE lease_until < $1")
        .bind(now - chrono::Duration::days(1))
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(jobs.len())
}
