//! What the overview and `GET /api/admin/jobs` show (OP-2, OP-8), read together.

use signalbox_model::actor::Permission;
use signalbox_model::breaker::Breaker;
use signalbox_model::dead_letter::DeadLetterFilter;
use signalbox_model::metrics::{COUNT_CAP, Overview, QueueDepth};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use crate::breaker::store;
use crate::{CommandError, Ctx, dead_letters, jobs, kill_switch, logs};

/// The longest window, in hours: as long as the counters are kept.
pub const HOURS_BOUND: i64 = 24 * 90;

/// How many dead letters and log entries come along.
const NEWEST: i64 = 20;

/// The state of everything, with metrics over the last `hours`, of one kind or of all.
///
/// # Errors
/// Without [`Permission::ReadConsole`]; when `hours` is not 1 to [`HOURS_BOUND`]; when the database
/// does not answer.
pub async fn overview(ctx: &Ctx, hours: i64, kind: Option<&str>) -> Result<Overview, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    if !(1..=HOURS_BOUND).contains(&hours) {
        return Err(CommandError::invalid("hours", format!("must be 1 to {HOURS_BOUND}")));
    }
    let now = ctx.now();
    let circuit_breakers = store::list(ctx).await?;
    Ok(Overview {
        as_of: now,
        hours,
        metrics: jobs::per_kind(&ctx.db, now - chrono::Duration::hours(hours), kind).await?,
        queues: queue_depths(&ctx.db, kind).await?,
        dead_letter_counts: dead_letters::count(&ctx.db).await?,
        dead_letters: dead_letters::list(ctx, &DeadLetterFilter::default(), None, Some(NEWEST))
            .await?
            .items,
        recent_logs: logs::newest(&ctx.db, NEWEST).await?,
        mcp_circuit_breaker: mcp(&circuit_breakers)?,
        circuit_breakers,
        kill_switch: kill_switch::position(&ctx.db).await?,
    })
}

fn mcp(breakers: &[Breaker]) -> Result<Breaker, CommandError> {
    breakers
        .iter()
        .find(|breaker| breaker.provider == store::MCP)
        .cloned()
        .ok_or(CommandError::Unavailable(sqlx::Error::RowNotFound))
}

/// What waits and runs per queue and kind. Each lane is counted to a cap, so that the cost does
/// not grow with the backlog.
pub(crate) async fn queue_depths(
    db: &PgPool,
    kind: Option<&str>,
) -> Result<Vec<QueueDepth>, sqlx::Error> {
    sqlx::query(
        "WITH RECURSIVE ready AS (
             (SELECT queue, kind FROM jobs_ready ORDER BY queue, kind LIMIT 1)
             UNION ALL
             SELECT n.queue, n.kind FROM ready l CROSS JOIN LATERAL (
                 SELECT queue, kind FROM jobs_ready
                 WHERE (queue, kind) > (l.queue, l.kind) ORDER BY queue, kind LIMIT 1) n
         ), scheduled AS (
             (SELECT queue, kind FROM jobs_scheduled ORDER BY queue, kind LIMIT 1)
             UNION ALL
             SELECT n.queue, n.kind FROM scheduled l CROSS JOIN LATERAL (
                 SELECT queue, kind FROM jobs_scheduled
                 WHERE (queue, kind) > (l.queue, l.kind) ORDER BY queue, kind LIMIT 1) n
         ), running AS (
             SELECT queue, kind, count(*) AS n FROM jobs_running GROUP BY queue, kind
         ), lane AS (
             SELECT queue, kind FROM ready UNION SELECT queue, kind FROM scheduled
             UNION SELECT queue, kind FROM running
         )
         SELECT queue, kind, coalesce(running.n, 0) AS running,
             (SELECT count(*) FROM (SELECT FROM jobs_ready r
               WHERE r.queue = lane.queue AND r.kind = lane.kind LIMIT $1) c) AS available,
             (SELECT count(*) FROM (SELECT FROM jobs_scheduled s
               WHERE s.queue = lane.queue AND s.kind = lane.kind LIMIT $1) c) AS scheduled,
             (SELECT min(head.run_at) FROM generate_series(0, 9) AS p(priority) CROSS JOIN LATERAL (
               SELECT run_at FROM jobs_ready r
               WHERE r.queue = lane.queue AND r.kind = lane.kind AND r.priority = p.priority
               ORDER BY run_at LIMIT 1) head) AS oldest
         FROM lane LEFT JOIN running USING (queue, kind)
         WHERE $2::text IS NULL OR kind = $2
         ORDER BY queue, kind",
    )
    .bind(COUNT_CAP + 1)
    .bind(kind)
    .try_map(|row: PgRow| {
        Ok(QueueDepth {
            queue: row.try_get("queue")?,
            kind: row.try_get("kind")?,
            available: row.try_get("available")?,
            scheduled: row.try_get("scheduled")?,
            running: row.try_get("running")?,
            oldest_waiting_since: row.try_get("oldest")?,
        })
    })
    .fetch_all(db)
    .await
}
