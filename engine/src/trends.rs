//! How the whole did over time, and what happened meanwhile (OP-8).

use std::fmt::Write as _;

use chrono::{DurationRound, TimeDelta};
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::metrics::{DURATION_BUCKETS_MS, quantile_ms};
use signalbox_model::trend::{Span, TrendPoint, Trends};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use crate::{CommandError, Ctx, dead_letters, logs, overview};

/// The events that may explain a bend in a curve: whatever moves a lever or a breaker.
const MOMENTS: [&str; 31] = [
    "alert_fired",
    "alert_resolved",
    "auto_throttle",
    "circuit_breaker_closed",
    "circuit_breaker_forced_closed",
    "circuit_breaker_forced_open",
    "circuit_breaker_half_open",
    "circuit_breaker_open",
    "circuit_breaker_reset",
    "config_change",
    "config_expired",
    "config_keep",
    "config_revert",
    "dlq_bulk",
    "dlq_group",
    "dlq_trimmed",
    "fleet_start",
    "fleet_stop",
    "health_check",
    "kill_switch",
    "matviews_switch",
    "queue_bound",
    "queue_drain",
    "queue_drained",
    "queue_pause",
    "queue_resume",
    "runbook_end",
    "runbook_start",
    "schedule_pause",
    "schedule_resume",
    "worker_lost",
];

/// The most moments that are shown.
const MOMENTS_SHOWN: i64 = 60;

/// The last `span`, up to now.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn read(ctx: &Ctx, span: Span) -> Result<Trends, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let as_of = ctx.now();
    let step = TimeDelta::minutes(span.step_min());
    let last = as_of.duration_trunc(step).unwrap_or(as_of);
    let first = last - step * i32::try_from(span.points() - 1).unwrap_or(0);
    Ok(Trends {
        as_of,
        span,
        points: points(&ctx.db, span, first, last).await?,
        moments: logs::of_events(&ctx.db, &MOMENTS, first, MOMENTS_SHOWN).await?,
    })
}

async fn points(
    db: &PgPool,
    span: Span,
    first: Timestamp,
    last: Timestamp,
) -> Result<Vec<TrendPoint>, sqlx::Error> {
    // One sum a bucket: unnesting the histograms of a week would take ten times as long.
    let mut histogram = String::new();
    for bucket in 1..=DURATION_BUCKETS_MS.len() + 1 {
        let comma = if bucket == 1 { "" } else { ", " };
        let _ = write!(histogram, "{comma}sum(histogram[{bucket}])::bigint");
    }
    let query = format!(
        "WITH steps AS (
             SELECT generate_series($1::timestamptz, $2, make_interval(mins => $3)) AS at
         ), ended AS (
             SELECT date_bin(make_interval(mins => $3), minute, $1) AS at,
                    sum(completed)::bigint AS completed, sum(failed)::bigint AS failed,
                    ARRAY[{histogram}] AS histogram
             FROM job_stats WHERE minute >= $1 GROUP BY 1
         ), depths AS (
             SELECT date_bin(make_interval(mins => $3), minute, $1) AS at,
                    max(waiting) AS waiting, max(running) AS running, max(dead) AS dead
             FROM depth_samples WHERE minute >= $1 GROUP BY 1
         )
         SELECT at, coalesce(completed, 0) AS completed, coalesce(failed, 0) AS failed,
                coalesce(histogram, '{{}}') AS histogram, waiting, running, dead
         FROM steps LEFT JOIN ended USING (at) LEFT JOIN depths USING (at) ORDER BY at"
    );
    sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(first)
        .bind(last)
        .bind(i32::try_from(span.step_min()).unwrap_or(1))
        .try_map(|row: PgRow| {
            let histogram: Vec<i64> = row.try_get("histogram")?;
            Ok(TrendPoint {
                at: row.try_get("at")?,
                completed: row.try_get("completed")?,
                failed: row.try_get("failed")?,
                p50_ms: quantile_ms(&histogram, 0.5),
                p95_ms: quantile_ms(&histogram, 0.95),
                waiting: row.try_get("waiting")?,
                running: row.try_get("running")?,
                dead: row.try_get("dead")?,
            })
        })
        .fetch_all(db)
        .await
}

/// The minute that a sample at `now` is for.
pub(crate) fn minute(now: Timestamp) -> Timestamp {
    now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now)
}

/// Notes how much waits, runs and lies dead in this minute, if nobody has yet.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn sample(db: &PgPool, now: Timestamp) -> Result<(), sqlx::Error> {
    let lanes = overview::queue_depths(db, None).await?;
    let waiting: Vec<_> = lanes.iter().filter(|lane| lane.available > 0).collect();
    // Together, so that a minute that is sampled has all its queues.
    sqlx::query(
        "WITH sampled AS (
             INSERT INTO depth_samples (minute, waiting, running, dead) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING RETURNING minute
         )
         INSERT INTO queue_depth_samples (minute, queue, waiting)
         SELECT minute, queue, sum(waiting)::bigint
         FROM sampled CROSS JOIN unnest($5::text[], $6::bigint[]) AS lane (queue, waiting)
         GROUP BY minute, queue",
    )
    .bind(minute(now))
    .bind(lanes.iter().map(|lane| lane.available).sum::<i64>())
    .bind(lanes.iter().map(|lane| lane.running).sum::<i64>())
    .bind(dead_letters::count(db).await?.pending)
    .bind(waiting.iter().map(|lane| lane.queue.as_str()).collect::<Vec<_>>())
    .bind(waiting.iter().map(|lane| lane.available).collect::<Vec<_>>())
    .execute(db)
    .await
    .map(drop)
}

/// Forgets the samples before `oldest`. Returns how many.
pub(crate) async fn forget_before(db: &PgPool, oldest: Timestamp) -> Result<u64, sqlx::Error> {
    let samples = sqlx::query("DELETE FROM depth_samples WHERE minute < $1").bind(oldest);
    let queues = sqlx::query("DELETE FROM queue_depth_samples WHERE minute < $1").bind(oldest);
    let forgotten = samples.execute(db).await?.rows_affected();
    Ok(forgotten + queues.execute(db).await?.rows_affected())
}
