//! P12: the kill switch, while four worker processes are busy: how long after the request anything still starts.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Utc};
use serde_json::json;

use crate::contender::{Program, Work};
use crate::options::Options;
use crate::peers;
use crate::report::{Metric, Row};
use crate::server::{Database, Server};
use crate::stats::{largest, median};

/// Worker processes.
const WORKERS: usize = 4;
/// How long they work before the switch is thrown.
const WORK_FOR: Duration = Duration::from_secs(1);
/// How long is watched for a start afterwards.
const WATCH: Duration = Duration::from_secs(2);

/// Whoever started nothing for so long before the switch was not busy.
const BUSY_MS: i64 = 250;

/// The starts of all jobs, wherever their rows are now.
const LAST_START: &str = "SELECT max(at) FROM (
         SELECT max(started_at) AS at FROM jobs_running
         UNION ALL SELECT max(started_at) FROM jobs_finished
         UNION ALL SELECT max(started_at) FROM job_attempts
     ) AS starts";

/// Measures the row.
pub async fn measure(server: &Server, options: &Options) -> Result<Row> {
    let mut product = peers::ours(options);
    product.prepare(server).await?;
    let Program::Ours(ours) = &product.program else { bail!("not ours") };
    let mut stops_ms = Vec::new();
    for round in 1..=options.rounds() {
        eprintln!("kill switch, round {round} of {}", options.rounds());
        let database = product.database(server, "kill").await?;
        let web = ours.start_web(&database).await?;
        // More than the workers can do before the switch is thrown.
        let job = json!({ "kind": "system.sleep", "payload": { "ms": 100 } });
        web.enqueue(&job, if options.quick { 20_000 } else { 60_000 }).await?;
        let mut workers = Vec::new();
        for _ in 0..WORKERS {
            workers.push(ours.start_worker(&database, Work::Default)?);
        }
        tokio::time::sleep(WORK_FOR).await;
        let before = last_start(&database).await?;
        let thrown = Utc::now();
        web.post("/api/admin/kill-switch", json!({ "reason": "measured" })).await?;
        tokio::time::sleep(WATCH).await;
        let last = last_start(&database).await?;
        let left: bool = database.holds(product.tables.waiting).await?;
        for worker in workers {
            worker.kill().await?;
        }
        web.process.kill().await?;
        server.drop(database).await?;
        if !left || (thrown - before).num_milliseconds() > BUSY_MS {
            bail!("the workers were idle when the switch was thrown: it stopped nothing");
        }
        stops_ms.push(((last - thrown).as_seconds_f64() * 1e3).max(0.0));
        eprintln!("  the last start came after {:.0} ms", stops_ms[stops_ms.len() - 1]);
    }
    Ok(Row {
        id: "P12",
        what: format!("kill switch, {WORKERS} busy workers"),
        ours: format!(
            "last start after {:.0} ms, at worst {:.0} ms",
            median(&stops_ms),
            largest(&stops_ms)
        ),
        against: "the request".to_owned(),
        // Of a stop the worst round counts.
        metrics: vec![Metric::lower("kill_switch_ms", largest(&stops_ms), 1000.0, 100.0, "ms")],
    })
}

async fn last_start(database: &Database) -> Result<DateTime<Utc>> {
    let last: Option<DateTime<Utc>> =
        sqlx::query_scalar(LAST_START).fetch_one(&database.pool).await?;
    last.context("nothing ever started")
}
