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

pub(super) async fn look(ctx: &Ctx) -> Result<Steps, CommandError> {
    let mut steps = Steps::default();
    let began = Instant::now();
    db::ping(&ctx.db).await?;
    let ms = began.elapsed().as_millis();
    let answers = Finding::new("Answer", ms < SLOW_MS, format!("in {ms} ms"));
    let found = db::examine(&ctx.db).await?;
    let used = 100 * found.connections / found.max_connections.max(1);
    let detail = format!("{} of {} in use", found.connections, found.max_connections);
    let connections = Finding::new("Connections", used < PERCENT, detail);
    let row = sqlx::query(
        "SELECT extract(epoch FROM max(clock_timestamp() - xact_start))::bigint AS longest_s,
                count(*) FILTER (WHERE wait_event_type = 'Lock') AS waiting,
                count(*) FILTER (WHERE state = 'idle in transaction') AS idle
         FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    )
    .fetch_one(&ctx.db)
    .await?;
    let longest_s: i64 = row.try_get::<Option<i64>, _>("longest_s")?.unwrap_or(0);
    let (waiting, idle): (i64, i64) = (row.try_get("waiting")?, row.try_get("idle")?);
    let longest = Finding::new(
        "Longest transaction",
        longest_s < 60 * LONG_MINUTES,
        format!("{longest_s} s"),
    );
    for finding in [answers, connections, longest] {
        steps.check(finding);
    }
    steps.diagnosis.push(Finding::new(
        "Waiting for a lock",
        waiting == 0,
        format::plural(waiting, "connection", "connections"),
    ));
    steps.diagnosis.push(Finding::new(
        "Idle in a transaction",
        idle == 0,
        format::plural(idle, "connection", "connections"),
    ));
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
