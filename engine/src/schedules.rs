//! Schedules (OP-16): what is enqueued when. Each tick is a job under the key
//! `schedule:<name>:<tick>`, so that two leaders cannot run it twice.

use std::str::FromStr;

use croner::Cron;
use serde_json::Value;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::job::NewJob;
use signalbox_model::schedule::Schedule;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use crate::jobs::enqueue;
use crate::jobs::handler::Registry;
use crate::{CommandError, Ctx};

/// A schedule as the code defines it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleSpec {
    /// Its name.
    pub name: &'static str,
    /// The kind of job it enqueues.
    pub kind: &'static str,
    /// The job's payload.
    pub payload: Value,
    /// When, in UTC.
    pub cron: &'static str,
}

/// A cron expression that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("schedule {name}: \"{cron}\" is not a cron expression: {source}")]
pub struct BadCron {
    name: String,
    cron: String,
    source: croner::errors::CronError,
}

/// The first tick of `cron` after `after`.
fn next_tick(name: &str, cron: &str, after: Timestamp) -> Result<Timestamp, BadCron> {
    Cron::from_str(cron)
        .and_then(|parsed| parsed.find_next_occurrence(&after, false))
        .map_err(|source| BadCron { name: name.to_owned(), cron: cron.to_owned(), source })
}

/// Why schedules could not be read or run.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A cron expression makes no sense.
    #[error(transparent)]
    Cron(#[from] BadCron),
}

/// Makes the code's schedules known. What operators changed (paused) stays; a changed cron
/// expression takes effect at once.
///
/// # Errors
/// For a cron expression that makes no sense, or when the database does not answer.
pub async fn declare(
    db: &PgPool,
    specs: &[ScheduleSpec],
    now: Timestamp,
) -> Result<(), ScheduleError> {
    for spec in specs {
        sqlx::query(
            "INSERT INTO schedules (name, kind, payload, cron, next_run_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, payload = excluded.payload,
                 cron = excluded.cron,
                 next_run_at = CASE WHEN schedules.cron = excluded.cron
                     THEN schedules.next_run_at ELSE excluded.next_run_at END",
        )
        .bind(spec.name)
        .bind(spec.kind)
        .bind(&spec.payload)
        .bind(spec.cron)
        .bind(next_tick(spec.name, spec.cron, now)?)
        .execute(db)
        .await?;
    }
    Ok(())
}

/// Enqueues a job for every schedule that is due. Ticks missed while nobody led are run once, not
/// once each. Returns how many were enqueued.
///
/// # Errors
/// As [`declare`].
pub async fn tick(
    db: &PgPool,
    registry: &Registry,
    now: Timestamp,
) -> Result<usize, ScheduleError> {
    let mut tx = db.begin().await?;
    let due = sqlx::query(
        "SELECT * FROM schedules WHERE next_run_at <= $1 AND NOT paused
         ORDER BY name FOR UPDATE SKIP LOCKED",
    )
    .bind(now)
    .fetch_all(&mut *tx)
    .await?;
    for row in &due {
        let name: String = row.try_get("name")?;
        let cron: String = row.try_get("cron")?;
        let tick: Timestamp = row.try_get("next_run_at")?;
        let job = NewJob::new(row.try_get("kind")?, row.try_get("payload")?)
            .with_key(format!("schedule:{name}:{}", tick.to_rfc3339()));
        enqueue::insert(&mut tx, registry, vec![job], now).await?;
        sqlx::query("UPDATE schedules SET last_run_at = $2, next_run_at = $3 WHERE name = $1")
            .bind(&name)
            .bind(tick)
            .bind(next_tick(&name, &cron, now)?)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(due.len())
}

/// All schedules, by name.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn list(ctx: &Ctx) -> Result<Vec<Schedule>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    Ok(sqlx::query("SELECT * FROM schedules ORDER BY name")
        .try_map(|row: PgRow| {
            Ok(Schedule {
                name: row.try_get("name")?,
                kind: row.try_get("kind")?,
                cron: row.try_get("cron")?,
                paused: row.try_get("paused")?,
                next_run_at: row.try_get("next_run_at")?,
                last_run_at: row.try_get("last_run_at")?,
            })
        })
        .fetch_all(&ctx.db)
        .await?)
}
