//! The database is slow or short of connections.

use std::time::Instant;

use signalbox_model::format;
use signalbox_model::runbook::{Finding, Lever, Remedy};
use sqlx::Row;

use super::Steps;
use crate::{CommandError, Ctx, db};

/// A statement that does nothing takes less than this.
const SLOW_MS: u128 = 50;
/// More than this share of the connections in use is an incident.
const PERCENT: i64 = 80;
/// A transaction open for longer than this holds back vacuum, and with it every page.
const LONG_MINUTES: i64 = 5;

/// Where connections are listed, and closed.
const PAGE: &str = "/admin/database";

/// What the other connections are about.
struct Activity {
    longest_s: i64,
    waiting: i64,
    idle: i64,
}

pub(super) async fn detection(ctx: &Ctx) -> Result<Vec<Finding>, CommandError> {
    found(ctx, &activity(ctx).await?).await
}

pub(super) async fn look(ctx: &Ctx) -> Result<Steps, CommandError> {
    let mut steps = Steps::default();
    let activity = activity(ctx).await?;
    for finding in found(ctx, &activity).await? {
        steps.check(finding);
    }
    let Activity { waiting, idle, .. } = activity;
    steps.diagnosis.push(
        Finding::new(
            "Waiting for a lock",
            waiting == 0,
            format::plural(waiting, "connection", "connections"),
        )
        .at(PAGE),
    );
    steps.diagnosis.push(
        Finding::new(
            "Idle in a transaction",
            idle == 0,
            format::plural(idle, "connection", "connections"),
        )
        .at(PAGE),
    );
    let size: i64 = sqlx::query_scalar("SELECT pg_database_size(current_database())")
        .fetch_one(&ctx.db)
        .await?;
    steps.diagnosis.push(Finding::new("Size", true, format!("{} MiB", format::count(size >> 20))));
    steps.remedies.push(Remedy::new(
        Lever::StopEverything,
        "",
        "Stop all jobs",
        "The kill switch: no job starts, running ones go back to their queues unspent. The \
         database has only the console left.",
    ));
    Ok(steps)
}

async fn activity(ctx: &Ctx) -> Result<Activity, CommandError> {
    let row = sqlx::query(
        "SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)::bigint AS longest_s,
                count(*) FILTER (WHERE wait_event_type = 'Lock') AS waiting,
                count(*) FILTER (WHERE state = 'idle in transaction') AS idle
         FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    )
    .fetch_one(&ctx.db)
    .await?;
    Ok(Activity {
        longest_s: row.try_get("longest_s")?,
        waiting: row.try_get("waiting")?,
        idle: row.try_get("idle")?,
    })
}

async fn found(ctx: &Ctx, activity: &Activity) -> Result<Vec<Finding>, CommandError> {
    let began = Instant::now();
    db::ping(&ctx.db).await?;
    let ms = began.elapsed().as_millis();
    let answers = Finding::new("Answer", ms < SLOW_MS, format!("in {ms} ms"));
    let found = db::examine(&ctx.db).await?;
    let used = 100 * found.connections / found.max_connections.max(1);
    let detail = format!("{} of {} in use", found.connections, found.max_connections);
    let connections = Finding::new("Connections", used < PERCENT, detail).at(PAGE);
    let longest_s = activity.longest_s;
    let in_time = longest_s < 60 * LONG_MINUTES;
    let longest = Finding::new("Longest transaction", in_time, format!("{longest_s} s")).at(PAGE);
    Ok(vec![answers, connections, longest])
}
