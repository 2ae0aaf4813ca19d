//! How everything stands, read together (AV-3, AV-4, ST-2, ST-3). It is asked for every second by
//! whatever watches: each figure is read from small tables, by index, or counted to a cap.

mod sources;
mod totals;

use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::health::{Connections, Health, KindRuns, QueueHealth, ScheduleHealth};
use signalbox_model::job::JobId;
use signalbox_model::metrics::COUNT_CAP;
use signalbox_model::queue::Queue;
use sqlx::{PgPool, Row};
use uuid::Uuid;

pub use self::totals::Totals;
use crate::jobs::Registry;
use crate::{CommandError, Ctx, dead_letters, fleet, kill_switch, overview, queues, schedules};

/// What a schedule's row says by `wait_reason` when a job was put off.
const DEFERRED: [&str; 3] = ["snoozed", "provider", "held"];

/// How everything stands. `totals` is what earlier calls have counted.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn read(
    ctx: &Ctx,
    registry: &Registry,
    totals: &mut Totals,
) -> Result<Health, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let now = ctx.now();
    let counted = totals.advance(&ctx.db, now).await?;
    let (sources, rates) = sources::read(ctx, registry, &counted).await?;
    Ok(Health {
        as_of: now,
        calls_since: totals.calls_since(),
        sources,
        rates,
        queues: with_depths(&ctx.db, queues::list(ctx, registry).await?).await?,
        fleet: fleet::read(ctx).await?,
        current_jobs: current_jobs(&ctx.db).await?,
        schedules: schedules(ctx).await?,
        kill_switch: kill_switch::position(&ctx.db).await?,
        dead_letters: dead_letters::count(&ctx.db).await?,
        connections: connections(&ctx.db).await?,
        runs: runs(registry, &counted),
    })
}

/// The queues with how many of their jobs were put off, and since when the oldest due one waits.
async fn with_depths(db: &PgPool, queues: Vec<Queue>) -> Result<Vec<QueueHealth>, sqlx::Error> {
    let names: Vec<_> = queues.iter().map(|queue| queue.name.as_str()).collect();
    let deferred: Vec<i64> = sqlx::query_scalar(
        "SELECT (SELECT count(*) FILTER (WHERE wait_reason = ANY($2))
                 FROM (SELECT wait_reason FROM jobs_scheduled s WHERE s.queue = n.name LIMIT $3) c)
         FROM unnest($1::text[]) WITH ORDINALITY AS n(name, place) ORDER BY place",
    )
    .bind(&names)
    .bind(DEFERRED)
    .bind(COUNT_CAP)
    .fetch_all(db)
    .await?;
    let lanes = overview::queue_depths(db, None).await?;
    let oldest = |name: &str| {
        let here = lanes.iter().filter(|lane| lane.queue == name);
        here.filter_map(|lane| lane.oldest_waiting_since).min()
    };
    let health = |(queue, deferred): (Queue, i64)| QueueHealth {
        oldest_waiting_since: oldest(&queue.name),
        queue,
        deferred,
    };
    Ok(queues.into_iter().zip(deferred).map(health).collect())
}

async fn current_jobs(db: &PgPool) -> Result<Vec<(String, JobId)>, sqlx::Error> {
    let rows: Vec<(Uuid, JobId)> = sqlx::query_as(
        "SELECT DISTINCT ON (worker_id) worker_id, id FROM jobs_running
         ORDER BY worker_id, started_at, id",
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|(worker, job)| (worker.to_string(), job)).collect())
}

async fn schedules(ctx: &Ctx) -> Result<ScheduleHealth, CommandError> {
    let all = schedules::list(ctx).await?;
    let next = all.iter().filter(|schedule| !schedule.paused).map(|s| s.next_run_at).min();
    let paused = all.iter().filter(|schedule| schedule.paused).count();
    let lag_ms = next.map_or(0, |next: Timestamp| (ctx.now() - next).num_milliseconds().max(0));
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    Ok(ScheduleHealth {
        scheduled: count(all.len() - paused),
        paused: count(paused),
        next_run_at: next,
        lag_ms,
    })
}

async fn connections(db: &PgPool) -> Result<Connections, sqlx::Error> {
    let row = sqlx::query(
        "SELECT count(*) AS open, current_setting('max_connections')::bigint AS most
         FROM pg_stat_activity WHERE backend_type = 'client backend'",
    )
    .fetch_one(db)
    .await?;
    let open = i64::from(db.size());
    let idle = i64::try_from(db.num_idle()).unwrap_or(0);
    Ok(Connections {
        in_use: (open - idle).max(0),
        open,
        pool_max: i64::from(db.options().get_max_connections()),
        server: row.try_get("open")?,
        server_max: row.try_get("most")?,
    })
}

fn runs(registry: &Registry, counted: &totals::Counted) -> Vec<KindRuns> {
    let ended = |kind: &str, outcome: &str| {
        counted.runs.get(&(kind.to_owned(), outcome.to_owned())).copied().unwrap_or(0)
    };
    let runs = registry.specs().map(|spec| KindRuns {
        kind: spec.name.to_owned(),
        queue: spec.queue.to_owned(),
        completed: ended(spec.name, "completed"),
        failed: ended(spec.name, "failed"),
    });
    runs.collect()
}
