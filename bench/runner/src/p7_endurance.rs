//! P7: what is left of the throughput while somebody holds a transaction open, and with millions of finished jobs in the history.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::contender::{Product, Work};
use crate::options::Options;
use crate::report::{Metric, Row, rate};
use crate::server::{Database, Server};
use crate::stats::median;
use crate::{drain, history, peers};

/// The load while the transaction is held.
const JOBS_PER_SECOND: u64 = 800;
/// Batches a second that it is sent in.
const BATCHES: u64 = 10;
/// The concurrency of P1's best settings with one process.
const WORK: Work = Work::Best(2000);

/// Measures the row.
pub async fn measure(server: &Server, options: &Options) -> Result<Row> {
    let mut product = peers::ours(options);
    product.prepare(server).await?;
    let held = product.database(server, "held").await?;
    let free = product.database(server, "free").await?;
    let aged = product.database(server, "aged").await?;
    let old = options.size(5_000_000);
    eprintln!("adding {old} finished jobs");
    history::add(&aged, old).await?;

    // A vacuum keeps what a snapshot of its own database may still see; the other database is out of its reach.
    let mut holder = held.pool.begin().await?;
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT txid_current()")
        .execute(&mut *holder)
        .await?;
    let hold = options.hold();
    eprintln!("{JOBS_PER_SECOND} jobs/s for {} s, a transaction held open", hold.as_secs());
    tokio::try_join!(load(&held, &product, hold), load(&free, &product, hold))?;

    // Long enough that a single look at the queues is not most of it.
    let jobs = 5 * options.drained();
    let mut rates: [Vec<f64>; 3] = Default::default();
    for round in 1..=options.rounds() {
        eprintln!("endurance, round {round} of {}", options.rounds());
        for (database, rates) in [&held, &free, &aged].into_iter().zip(&mut rates) {
            let product = counted(&product, database, jobs).await?;
            let drained = drain::in_database(database, &product, WORK, 1, jobs).await?;
            eprintln!("  {:<36} {}", database.name, rate(drained));
            rates.push(drained);
        }
    }
    holder.rollback().await?;
    for database in [held, free, aged] {
        server.drop(database).await?;
    }
    let [held, free, aged] = rates.map(|rates| median(&rates));
    Ok(Row {
        id: "P7",
        what: format!(
            "transaction open {} s at {JOBS_PER_SECOND} jobs/s; {old} finished jobs",
            hold.as_secs()
        ),
        ours: format!("held {}, history {}", rate(held), rate(aged)),
        against: format!("neither {}", rate(free)),
        metrics: vec![
            Metric::higher("xmin_ratio", held / free, 0.80, 0.95, "%"),
            Metric::higher("history_ratio", aged / free, 0.95, 1.0, "%"),
        ],
    })
}

/// Asks the counters whether `jobs` more are done: to look for a last row costs as much as there are dead ones, and would be most of
/// what is measured.
async fn counted(product: &Product, database: &Database, jobs: u64) -> Result<Product> {
    let done: i64 = sqlx::query_scalar("SELECT coalesce(sum(completed), 0)::bigint FROM job_stats")
        .fetch_one(&database.pool)
        .await?;
    let left =
        format!("SELECT coalesce(sum(completed), 0) < {} FROM job_stats", done + jobs as i64);
    let mut product = product.clone();
    // A few strings in a run of half an hour.
    product.tables.waiting = left.leak();
    product.tables.unfinished = product.tables.waiting;
    Ok(product)
}

/// A steady load, worked off by one worker.
async fn load(database: &Database, product: &Product, time: Duration) -> Result<()> {
    let worker = product.start_worker(database, Work::Default)?;
    let began = Instant::now();
    let pause = Duration::from_secs(1) / BATCHES as u32;
    let mut ticks = tokio::time::interval(pause);
    while began.elapsed() < time {
        ticks.tick().await;
        product.enqueue(database, JOBS_PER_SECOND / BATCHES).await?;
    }
    while database.holds(product.tables.unfinished).await? {
        tokio::time::sleep(pause).await;
    }
    worker.kill().await
}
