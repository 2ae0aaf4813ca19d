//! Sweeps: upkeep that is done again and again. Each is idempotent, takes no input but the time,
//! says what it did, and leaves that for operators to see.

use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::sweep::{Sweep, SweepStatus, Swept};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgPool, Row};

use crate::breaker::{calls, history};
use crate::clock::SharedClock;
use crate::dead_letters::{cap, runner};
use crate::jobs::{checkpoint, hold, progress};
use crate::{CommandError, Ctx, alerts, auth, jobs, trends};

/// Finished jobs, attempts, logs and counters are kept this long (OP-16).
pub const KEEP_DAYS: i64 = 90;

/// Partitions are made this many days ahead.
const DAYS_AHEAD: i32 = 7;

/// A key keeps a repeated enqueue from running twice for this long.
const IDEMPOTENCY_DAYS: i64 = 7;

/// Runs `sweep`, and notes how that went. A run that found nothing to do is noted only if the last
/// note is a minute old: some run every second.
///
/// # Errors
/// When the database does not answer; the next run does what was left.
pub async fn run(db: &PgPool, clock: &SharedClock, sweep: Sweep) -> Result<Swept, sqlx::Error> {
    let started = clock.now();
    let result = carry_out(db, sweep, started).await;
    let duration_ms = (clock.now() - started).num_milliseconds();
    let report = result.as_ref().ok().copied();
    let effect = report.filter(|swept| swept.had_effect());
    let error = result.as_ref().err().map(ToString::to_string);
    sqlx::query(
        "INSERT INTO sweeps AS s (name, run_at, duration_ms, report, effect, effect_at, error, error_at)
         VALUES ($1, $2, $3, $4, $5, CASE WHEN $5 IS NOT NULL THEN $2 END,
                 $6, CASE WHEN $6 IS NOT NULL THEN $2 END)
         ON CONFLICT (name) DO UPDATE SET run_at = excluded.run_at,
             duration_ms = excluded.duration_ms, report = excluded.report,
             effect = coalesce(excluded.effect, s.effect),
             effect_at = coalesce(excluded.effect_at, s.effect_at),
             error = coalesce(excluded.error, s.error),
             error_at = coalesce(excluded.error_at, s.error_at)
         WHERE excluded.effect IS NOT NULL OR excluded.error IS NOT NULL
            OR s.run_at <= excluded.run_at - interval '1 minute'",
    )
    .bind(sweep.name())
    .bind(started)
    .bind(duration_ms)
    .bind(report.map(Json))
    .bind(effect.map(Json))
    .bind(error)
    .execute(db)
    .await?;
    result
}

async fn carry_out(db: &PgPool, sweep: Sweep, now: Timestamp) -> Result<Swept, sqlx::Error> {
    let days = chrono::Duration::days;
    Ok(match sweep {
        Sweep::LostWorkers => {
            let jobs = jobs::reclaim_lost(db, now).await?;
            Swept::LostWorkers { jobs_taken_back: i64::try_from(jobs).unwrap_or(i64::MAX) }
        }
        Sweep::Partitions => Swept::Partitions { made: make_partitions(db, now).await?.into() },
        Sweep::Retention => Swept::Retention {
            partitions_dropped: drop_partitions(db, now - days(KEEP_DAYS)).await?.into(),
            counters_deleted: count(
                jobs::forget_before(db, now - days(KEEP_DAYS)).await?
                    + trends::forget_before(db, now - days(KEEP_DAYS)).await?,
            ),
        },
        Sweep::IdempotencyKeys => {
            let expired = sqlx::query("DELETE FROM idempotency_keys WHERE created_at < $1")
                .bind(now - days(IDEMPOTENCY_DAYS))
                .execute(db)
                .await?;
            Swept::IdempotencyKeys { forgotten: count(expired.rows_affected()) }
        }
        Sweep::Sessions => Swept::Sessions { forgotten: count(auth::forget_ended(db, now).await?) },
        Sweep::DeadLetterCap => {
            let trimmed = cap::trim(db, now).await?;
            Swept::DeadLetterCap {
                by_age: count(trimmed.by_age),
                by_count: count(trimmed.by_count),
            }
        }
        Sweep::BulkOperations => Swept::BulkOperations {
            forgotten: count(runner::forget_before(db, now - days(KEEP_DAYS)).await?),
        },
        Sweep::ProviderCalls => Swept::ProviderCalls {
            calls_forgotten: count(calls::forget_old(db, now).await?),
            moves_forgotten: count(history::forget_before(db, now - days(KEEP_DAYS)).await?),
        },
        Sweep::JobProgress => Swept::JobProgress {
            reports_forgotten: count(progress::forget_ended(db, now).await?),
            checkpoints_forgotten: count(checkpoint::forget_ended(db).await?),
            holds_forgotten: count(hold::forget_ended(db).await?),
        },
        Sweep::Alerts => Swept::Alerts {
            forgotten: count(alerts::forget_before(db, now - days(KEEP_DAYS)).await?),
        },
    })
}

fn count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Makes the partitions of today and of the days ahead.
///
/// # Errors
/// When the database does not answer.
pub async fn make_partitions(db: &PgPool, now: Timestamp) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar("SELECT make_partitions($1, $2)")
        .bind(now.date_naive())
        .bind(DAYS_AHEAD)
        .fetch_one(db)
        .await
}

async fn drop_partitions(db: &PgPool, oldest: Timestamp) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar("SELECT drop_partitions($1)").bind(oldest.date_naive()).fetch_one(db).await
}

/// How every sweep stands, also those that have not run yet.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn list(ctx: &Ctx) -> Result<Vec<SweepStatus>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let rows = sqlx::query("SELECT * FROM sweeps").fetch_all(&ctx.db).await?;
    let of = |sweep: Sweep| {
        let row = rows
            .iter()
            .find(|row| row.try_get("name").is_ok_and(|name: &str| name == sweep.name()));
        row.map_or_else(|| Ok(not_run(sweep)), |row| status(sweep, row))
    };
    Ok(Sweep::ALL.into_iter().map(of).collect::<Result<_, sqlx::Error>>()?)
}

fn not_run(sweep: Sweep) -> SweepStatus {
    SweepStatus {
        name: sweep,
        description: sweep.describe().to_owned(),
        run_at: None,
        duration_ms: None,
        report: None,
        effect: None,
        effect_at: None,
        error: None,
        error_at: None,
    }
}

fn status(sweep: Sweep, row: &PgRow) -> Result<SweepStatus, sqlx::Error> {
    // A report of another version may have another shape: it is not worth failing for.
    let swept = |column: &str| -> Result<Option<Swept>, sqlx::Error> {
        let report: Option<serde_json::Value> = row.try_get(column)?;
        Ok(report.and_then(|report| serde_json::from_value(report).ok()))
    };
    Ok(SweepStatus {
        run_at: row.try_get("run_at")?,
        duration_ms: row.try_get("duration_ms")?,
        report: swept("report")?,
        effect: swept("effect")?,
        effect_at: row.try_get("effect_at")?,
        error: row.try_get("error")?,
        error_at: row.try_get("error_at")?,
        ..not_run(sweep)
    })
}
