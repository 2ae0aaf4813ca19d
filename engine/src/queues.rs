//! Queues: pause, drain, bound (AV-6, ST-4). The claim reads their rows together with its lanes,
//! so that a change acts on every worker at its next claim.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::job::{Job, is_name};
use signalbox_model::kill_switch::reason;
use signalbox_model::metrics::COUNT_CAP;
use signalbox_model::queue::{Drain, MAX_CONCURRENT_BOUND, PAUSE_MINUTES_BOUND, Queue, QueueState};
use signalbox_model::system_log::LogLevel;
use signalbox_model::why::QueueHold;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

use crate::audit::{self, Act};
use crate::jobs::Registry;
use crate::logs::{self, NewLog};
use crate::{CommandError, Ctx, notify};

/// The jobs of a queue up to an id, wherever they wait or run.
const LEFT: &str = "(SELECT count(*) FROM jobs_ready WHERE queue = q.name AND id <= q.drain_up_to)
     + (SELECT count(*) FROM jobs_scheduled WHERE queue = q.name AND id <= q.drain_up_to)
     + (SELECT count(*) FROM jobs_running WHERE queue = q.name AND id <= q.drain_up_to)";

/// Every queue that has jobs, kinds or a row of its own, by name.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn list(ctx: &Ctx, registry: &Registry) -> Result<Vec<Queue>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let mut conn = ctx.db.acquire().await?;
    let names = names(&mut conn, registry).await?;
    let now = ctx.now();
    let sql = format!(
        "SELECT n.name, q.paused_at, q.paused_until, q.drain_total, q.max_concurrent, q.reason,
                q.changed_by, q.changed_at, {LEFT} AS drain_left,
                (SELECT count(*) FROM (SELECT FROM jobs_ready r WHERE r.queue = n.name LIMIT $2) c) AS waiting,
                (SELECT count(*) FROM (SELECT FROM jobs_scheduled s WHERE s.queue = n.name LIMIT $2) c) AS scheduled,
                (SELECT count(*) FROM jobs_running r WHERE r.queue = n.name) AS running,
                (SELECT count(*) FROM (SELECT FROM dead_letter_queue d
                                       WHERE d.queue = n.name AND d.status = 'pending' LIMIT $2) c) AS failed
         FROM unnest($1::text[]) AS n(name) LEFT JOIN queues q ON q.name = n.name ORDER BY n.name"
    );
    Ok(sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(names.into_iter().collect::<Vec<_>>())
        .bind(COUNT_CAP)
        .try_map(|row| queue(&row, now))
        .fetch_all(&mut *conn)
        .await?)
}

/// One queue.
///
/// # Errors
/// As [`list`]; when there is no such queue.
pub async fn read(ctx: &Ctx, registry: &Registry, name: &str) -> Result<Queue, CommandError> {
    let queues = list(ctx, registry).await?;
    let found = queues.into_iter().find(|queue| queue.name == name);
    found.ok_or_else(|| CommandError::NotFound { what: format!("queue {name}") })
}

fn queue(row: &PgRow, now: Timestamp) -> Result<Queue, sqlx::Error> {
    let paused_at: Option<Timestamp> = row.try_get("paused_at")?;
    let paused_until: Option<Timestamp> = row.try_get("paused_until")?;
    let changed_at: Option<Timestamp> = row.try_get("changed_at")?;
    let total: Option<i64> = row.try_get("drain_total")?;
    let left: i64 = row.try_get("drain_left")?;
    let drain = total.map(|total| Drain::at(total, left, changed_at.unwrap_or(now), now));
    let state = match (paused_at, drain) {
        (Some(_), _) if paused_until.is_none_or(|until| until > now) => QueueState::Paused,
        (_, Some(_)) => QueueState::Draining,
        _ => QueueState::Running,
    };
    Ok(Queue {
        name: row.try_get("name")?,
        state,
        reason: row.try_get("reason")?,
        changed_by: row.try_get("changed_by")?,
        changed_at,
        paused_until,
        drain,
        max_concurrent: row.try_get::<Option<i32>, _>("max_concurrent")?.map(i64::from),
        waiting: row.try_get("waiting")?,
        scheduled: row.try_get("scheduled")?,
        running: row.try_get("running")?,
        failed: row.try_get("failed")?,
    })
}

/// The queues there are: skips from queue to queue in the indexes, whatever they hold.
async fn names(
    conn: &mut PgConnection,
    registry: &Registry,
) -> Result<BTreeSet<String>, sqlx::Error> {
    let stored: Vec<String> = sqlx::query_scalar(
        "WITH RECURSIVE ready AS (
             (SELECT queue FROM jobs_ready ORDER BY queue LIMIT 1)
             UNION ALL
             SELECT (SELECT queue FROM jobs_ready r WHERE r.queue > ready.queue ORDER BY queue LIMIT 1)
             FROM ready WHERE queue IS NOT NULL
         ), scheduled AS (
             (SELECT queue FROM jobs_scheduled ORDER BY queue LIMIT 1)
             UNION ALL
             SELECT (SELECT queue FROM jobs_scheduled s WHERE s.queue > scheduled.queue ORDER BY queue LIMIT 1)
             FROM scheduled WHERE queue IS NOT NULL
         )
         SELECT queue FROM ready WHERE queue IS NOT NULL
         UNION SELECT queue FROM scheduled WHERE queue IS NOT NULL
         UNION SELECT queue FROM jobs_running
         UNION SELECT name FROM queues",
    )
    .fetch_all(conn)
    .await?;
    Ok(registry.specs().map(|spec| spec.queue.to_owned()).chain(stored).collect())
}

/// Starts none of the queue's jobs any more; those at work go on. With `minutes` the pause ends by
/// itself.
///
/// # Errors
/// Without [`Permission::OperateQueues`]; without a reason; for minutes out of range; when there is
/// no such queue; when it is paused already; when the database does not answer.
pub async fn pause(
    ctx: &Ctx,
    registry: &Registry,
    name: &str,
    why: &str,
    minutes: Option<i64>,
) -> Result<(), CommandError> {
    if minutes.is_some_and(|minutes| !(1..=PAUSE_MINUTES_BOUND).contains(&minutes)) {
        let detail = format!("must be 1 to {PAUSE_MINUTES_BOUND}, or left out");
        return Err(CommandError::invalid("minutes", detail));
    }
    let until = minutes.map(|minutes| ctx.now() + chrono::Duration::minutes(minutes));
    let statement =
        "INSERT INTO queues (name, paused_at, paused_until, reason, changed_by, changed_at)
         VALUES ($1, $2, $5, $3, $4, $2)
         ON CONFLICT (name) DO UPDATE SET paused_at = $2, paused_until = $5, reason = $3,
             drain_up_to = NULL, drain_total = NULL, changed_by = $4, changed_at = $2
         WHERE queues.paused_at IS NULL OR queues.paused_until <= $2";
    let change = Change { verb: "pause", past: "paused", why, details: json!({ "until": until }) };
    change.carry_out(ctx, registry, name, "is paused already", statement, until).await
}

/// Lets the queue's jobs start again: ends a pause and a drain.
///
/// # Errors
/// As [`pause`]; when it neither is paused nor drains.
pub async fn resume(
    ctx: &Ctx,
    registry: &Registry,
    name: &str,
    why: &str,
) -> Result<(), CommandError> {
    let statement = "UPDATE queues SET paused_at = NULL, paused_until = NULL, drain_up_to = NULL,
             drain_total = NULL, reason = $3, changed_by = $4, changed_at = $2
         WHERE name = $1 AND (paused_at IS NOT NULL OR drain_up_to IS NOT NULL)
           AND $5::timestamptz IS NULL";
    let change = Change { verb: "resume", past: "resumed", why, details: json!({}) };
    change.carry_out(ctx, registry, name, "is neither paused nor drained", statement, None).await
}

/// Works off what the queue holds now; newer jobs wait. When nothing of the old is left, the queue
/// is paused.
///
/// # Errors
/// As [`pause`]; when it drains already.
pub async fn drain(
    ctx: &Ctx,
    registry: &Registry,
    name: &str,
    why: &str,
) -> Result<(), CommandError> {
    // Ids come from one sequence: whatever is enqueued later has a higher one.
    let statement = "WITH last AS (SELECT last_value AS id FROM job_ids), total AS (
             SELECT (SELECT count(*) FROM jobs_ready WHERE queue = $1)
                  + (SELECT count(*) FROM jobs_scheduled WHERE queue = $1)
                  + (SELECT count(*) FROM jobs_running WHERE queue = $1) AS jobs
         )
         INSERT INTO queues (name, drain_up_to, drain_total, reason, changed_by, changed_at)
         SELECT $1, last.id, total.jobs, $3, $4, $2 FROM last, total WHERE $5::timestamptz IS NULL
         ON CONFLICT (name) DO UPDATE SET paused_at = NULL, paused_until = NULL,
             drain_up_to = excluded.drain_up_to, drain_total = excluded.drain_total,
             reason = $3, changed_by = $4, changed_at = $2
         WHERE queues.drain_up_to IS NULL";
    let change = Change { verb: "drain", past: "set to drain", why, details: json!({}) };
    change.carry_out(ctx, registry, name, "is drained already", statement, None).await
}

/// Bounds how many of the queue's jobs run at once, on all workers together; `None` lifts the
/// bound.
///
/// # Errors
/// As [`pause`]; for a bound out of range.
pub async fn bound_to(
    ctx: &Ctx,
    registry: &Registry,
    name: &str,
    max_concurrent: Option<i64>,
    why: &str,
) -> Result<(), CommandError> {
    if max_concurrent.is_some_and(|bound| !(0..=MAX_CONCURRENT_BOUND).contains(&bound)) {
        let detail = format!("must be 0 to {MAX_CONCURRENT_BOUND}, or null for no bound");
        return Err(CommandError::invalid("maxConcurrent", detail));
    }
    let change = Change {
        verb: "bound",
        past: "bounded",
        why,
        details: json!({ "maxConcurrent": max_concurrent }),
    };
    let why = change.check(ctx, registry, name).await?;
    let mut tx = ctx.db.begin().await?;
    sqlx::query(
        "INSERT INTO queues (name, max_concurrent, reason, changed_by, changed_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (name) DO UPDATE SET max_concurrent = $2",
    )
    .bind(name)
    .bind(max_concurrent.and_then(|bound| i32::try_from(bound).ok()))
    .bind(why)
    .bind(&ctx.actor.email)
    .bind(ctx.now())
    .execute(&mut *tx)
    .await?;
    change.record(&mut tx, ctx, name, why).await?;
    tx.commit().await?;
    Ok(())
}

/// One operator's change of a queue.
struct Change<'a> {
    verb: &'static str,
    past: &'static str,
    why: &'a str,
    details: Value,
}

impl<'a> Change<'a> {
    /// Runs `statement` with name, now, reason, actor and `until`; a conflict if it changes no row.
    async fn carry_out(
        self,
        ctx: &Ctx,
        registry: &Registry,
        name: &str,
        otherwise: &str,
        statement: &'static str,
        until: Option<Timestamp>,
    ) -> Result<(), CommandError> {
        let why = self.check(ctx, registry, name).await?;
        let mut tx = ctx.db.begin().await?;
        let changed = sqlx::query(statement)
            .bind(name)
            .bind(ctx.now())
            .bind(why)
            .bind(&ctx.actor.email)
            .bind(until)
            .execute(&mut *tx)
            .await?;
        if changed.rows_affected() == 0 {
            return Err(CommandError::Conflict(format!("Queue {name} {otherwise}.")));
        }
        self.record(&mut tx, ctx, name, why).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The permission, the reason and the queue; returns the reason, trimmed.
    async fn check(
        &self,
        ctx: &Ctx,
        registry: &Registry,
        name: &str,
    ) -> Result<&'a str, CommandError> {
        ctx.demand(Permission::OperateQueues)?;
        let why = reason(self.why).map_err(|detail| CommandError::invalid("reason", detail))?;
        let known =
            is_name(name) && names(&mut *ctx.db.acquire().await?, registry).await?.contains(name);
        if known { Ok(why) } else { Err(CommandError::NotFound { what: format!("queue {name}") }) }
    }

    async fn record(
        &self,
        tx: &mut PgConnection,
        ctx: &Ctx,
        name: &str,
        why: &str,
    ) -> Result<(), sqlx::Error> {
        let message = format!("Queue {name} {} by {}: {why}", self.past, ctx.actor.email);
        let facts = json!({ "queue": name, "reason": why, "requestedBy": ctx.actor.email, "change": self.details });
        let event = format!("queue_{}", self.verb);
        logs::write(&mut *tx, ctx.now(), NewLog::new(&event, LogLevel::Warn, message).with(facts))
            .await?;
        let action = format!("queue.{}", self.verb);
        let subject = format!("queue {name}");
        let details = self.details.clone();
        let act = Act { action: &action, subject: &subject, reason: Some(why), details };
        audit::record(tx, ctx, act).await?;
        notify::notify(&mut *tx, notify::JOBS).await
    }
}

/// Ends pauses whose time has come, and pauses queues that have been drained. The leader's work.
/// Returns how many queues changed.
///
/// # Errors
/// When the database does not answer.
pub async fn settle(db: &PgPool, now: Timestamp) -> Result<usize, sqlx::Error> {
    let mut tx = db.begin().await?;
    let resumed: Vec<String> = sqlx::query_scalar(
        "UPDATE queues SET paused_at = NULL, paused_until = NULL, reason = NULL,
             changed_by = 'system:scheduler', changed_at = $1
         WHERE paused_until <= $1 RETURNING name",
    )
    .bind(now)
    .fetch_all(&mut *tx)
    .await?;
    let sql = format!(
        "UPDATE queues q SET paused_at = $1, drain_up_to = NULL, drain_total = NULL,
             reason = coalesce(reason, '') || ' (drained)', changed_by = 'system:scheduler', changed_at = $1
         WHERE drain_up_to IS NOT NULL AND {LEFT} = 0 RETURNING name"
    );
    let drained: Vec<String> =
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(now).fetch_all(&mut *tx).await?;
    for (event, names, what) in [
        ("queue_resume", &resumed, "runs again: its pause has ended"),
        ("queue_drained", &drained, "is drained, and paused"),
    ] {
        for name in names {
            let log = NewLog::new(event, LogLevel::Info, format!("Queue {name} {what}"));
            logs::write(&mut *tx, now, log.with(json!({ "queue": name }))).await?;
        }
    }
    if !resumed.is_empty() {
        notify::notify(&mut *tx, notify::JOBS).await?;
    }
    tx.commit().await?;
    Ok(resumed.len() + drained.len())
}

/// What holds `job` in its queue at `now`.
pub(crate) async fn hold(
    conn: &mut PgConnection,
    job: &Job,
    now: Timestamp,
) -> Result<Option<QueueHold>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT coalesce(reason, '') AS reason, paused_at IS NOT NULL AND (paused_until IS NULL OR paused_until > $2)
                AS paused, paused_until, drain_up_to < $3 AS newer
         FROM queues WHERE name = $1",
    )
    .bind(&job.queue)
    .bind(now)
    .bind(job.id)
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (queue, reason) = (job.queue.clone(), row.try_get("reason")?);
    if row.try_get("paused")? {
        return Ok(Some(QueueHold::Paused { queue, reason, until: row.try_get("paused_until")? }));
    }
    let newer: Option<bool> = row.try_get("newer")?;
    Ok(newer.unwrap_or(false).then_some(QueueHold::Draining { queue, reason }))
}

/// How many jobs of `queue` may run at once, if that is bounded.
pub(crate) async fn bound(
    conn: &mut PgConnection,
    queue: &str,
) -> Result<Option<i64>, sqlx::Error> {
    let bound: Option<Option<i32>> =
        sqlx::query_scalar("SELECT max_concurrent FROM queues WHERE name = $1")
            .bind(queue)
            .fetch_optional(conn)
            .await?;
    Ok(bound.flatten().map(i64::from))
}
