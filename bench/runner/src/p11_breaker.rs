//! P11: a breaker that opens on a provider with a long queue: how long claims still touch that queue, and what the closed gate costs
//! the others.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::process::Command;

use crate::contender::{Product, Program, Work};
use crate::options::Options;
use crate::ours::{Ours, free_address};
use crate::process::Process;
use crate::report::{Metric, Row, rate};
use crate::server::{Database, Server};
use crate::stats::{largest, median};
use crate::{drain, peers};

/// Worker processes at the queue.
const WORKERS: usize = 4;
/// How long is watched for a claim after the breaker has opened: less than its cool-down.
const WATCH: Duration = Duration::from_secs(3);
/// Long enough that no trial call is due while we watch and drain.
const COOLDOWN_MS: i64 = 86_400_000;
/// The concurrency of P1's best settings with one process.
const WORK: Work = Work::Best(2000);

/// The starts of the provider's jobs, wherever their rows are now.
const LAST_START: &str = "SELECT max(at) FROM (
         SELECT max(started_at) AS at FROM jobs_running WHERE kind = 'domains.discovery'
         UNION ALL
         SELECT max(started_at) FROM job_attempts
     ) AS starts";

/// Whether jobs of the queue that is not blocked wait.
const LEFT_WAITING: &str = "SELECT coalesce((SELECT max(queue) FROM jobs_ready) = 'system', false)";
/// Whether any of them is not done.
const LEFT_UNFINISHED: &str = "SELECT EXISTS (SELECT FROM jobs_running WHERE queue = 'system')";

/// Measures the row.
pub async fn measure(server: &Server, options: &Options) -> Result<Row> {
    let mut product = peers::ours(options);
    product.prepare(server).await?;
    let Program::Ours(ours) = &product.program else { bail!("not ours") };
    let sandbox = Sandbox::start(options).await?;
    let queued = options.size(100_000);
    let mut stops_ms = Vec::new();
    let blocked = product.database(server, "blocked").await?;
    let free = product.database(server, "free").await?;
    fill(ours, &blocked, queued).await?;
    for round in 1..=options.rounds() {
        eprintln!("breaker, round {round} of {}", options.rounds());
        sandbox.break_provider().await?;
        blocked.execute("DELETE FROM circuit_breakers").await?;
        stops_ms.push(stop_ms(ours, &blocked, &sandbox).await?);
        eprintln!(
            "  the last start came {:.0} ms after the breaker opened",
            stops_ms[stops_ms.len() - 1]
        );
    }
    let costs = gate_cost(&product, &blocked, &free, options).await?;
    sandbox.process.kill().await?;
    for database in [blocked, free] {
        server.drop(database).await?;
    }
    let (with, without) = costs;
    Ok(Row {
        id: "P11",
        what: format!("breaker opens on {queued} queued jobs, {WORKERS} workers"),
        ours: format!("last claim after {:.0} ms; others drain {}", median(&stops_ms), rate(with)),
        against: format!("without the blocked queue {}", rate(without)),
        metrics: vec![
            // Of a stop the worst round counts.
            Metric::lower("breaker_stop_ms", largest(&stops_ms), 1000.0, 100.0, "ms"),
            Metric::lower("gate_cost", (1.0 - with / without).max(0.0), 0.03, 0.0, "%"),
        ],
    })
}

/// Queues jobs that call the provider, and lifts every limit but the breaker.
async fn fill(ours: &Ours, database: &Database, queued: u64) -> Result<()> {
    let web = ours.start_web(database).await?;
    let settings = [
        ("max_concurrent_discovery_jobs", 1000),
        ("discovery_rpm", 100_000),
        ("mcp_cb_cooldown_ms", COOLDOWN_MS),
    ];
    for (key, value) in settings {
        web.post("/api/admin/config", json!({ "key": key, "value": value })).await?;
    }
    web.enqueue(&json!({ "kind": "domains.discovery", "payload": { "limit": 1 } }), queued).await?;
    web.process.kill().await
}

/// Lets the workers run into the broken provider. Returns how long after the opening the last job started.
async fn stop_ms(ours: &Ours, database: &Database, sandbox: &Sandbox) -> Result<f64> {
    let environment = [("MCP_BASE_URL", sandbox.mcp_url.as_str()), ("MCP_API_KEY", "sandbox")];
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        workers.push(ours.start_worker_with(database, Work::Default, &environment)?);
    }
    let opened = opened_at(database).await;
    tokio::time::sleep(WATCH).await;
    let last: Option<DateTime<Utc>> =
        sqlx::query_scalar(LAST_START).fetch_one(&database.pool).await?;
    for worker in workers {
        worker.kill().await?;
    }
    let last = last.context("no job ever called the provider")?;
    Ok(((last - opened?).as_seconds_f64() * 1e3).max(0.0))
}

async fn opened_at(database: &Database) -> Result<DateTime<Utc>> {
    let until = Instant::now() + Duration::from_secs(30);
    while Instant::now() < until {
        let opened: Option<DateTime<Utc>> = sqlx::query_scalar(
            "SELECT opened_at FROM circuit_breakers WHERE provider = 'mcp' AND state = 'open'",
        )
        .fetch_optional(&database.pool)
        .await?;
        if let Some(opened) = opened {
            return Ok(opened);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("the breaker never opened")
}

/// Drains of another queue, beside the blocked one and without it.
async fn gate_cost(
    product: &Product,
    blocked: &Database,
    free: &Database,
    options: &Options,
) -> Result<(f64, f64)> {
    // Long enough that a few per cent can be told from noise.
    let jobs = 5 * options.drained();
    // What counts as left is the other queue's jobs only; asked by the index, past the blocked ones.
    let mut product = product.clone();
    product.tables.waiting = LEFT_WAITING;
    product.tables.unfinished = LEFT_UNFINISHED;
    let mut rates: [Vec<f64>; 2] = Default::default();
    for round in 1..=options.rounds() {
        eprintln!("gate, round {round} of {}", options.rounds());
        for (database, rates) in [blocked, free].into_iter().zip(&mut rates) {
            let drained = drain::in_database(database, &product, WORK, 1, jobs).await?;
            eprintln!("  {:<36} {}", database.name, rate(drained));
            rates.push(drained);
        }
    }
    Ok((median(&rates[0]), median(&rates[1])))
}

/// The stand-in provider.
struct Sandbox {
    process: Process,
    url: String,
    mcp_url: String,
}

impl Sandbox {
    async fn start(options: &Options) -> Result<Sandbox> {
        let addr = free_address()?;
        let mut command = Command::new(options.bin_dir.join("signalbox-sandbox"));
        command.env("SANDBOX_ADDR", &addr).env("RUST_LOG", "error");
        let log = std::path::Path::new("target/bench-sandbox.log");
        let mut process = Process::start(command, log)?;
        let url = format!("http://{addr}");
        let until = Instant::now() + Duration::from_secs(60);
        while reqwest::get(format!("{url}/_calls/mcp")).await.is_err() {
            process.check()?;
            if Instant::now() > until {
                bail!("the sandbox does not answer; see {}", log.display());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mcp_url = format!("{url}/mcp");
        Ok(Sandbox { process, url, mcp_url })
    }

    /// Every call fails from now on.
    async fn break_provider(&self) -> Result<()> {
        let request = reqwest::Client::new().put(format!("{}/_faults/mcp", self.url));
        request.json(&json!({ "mode": "error" })).send().await?.error_for_status()?;
        Ok(())
    }
}
