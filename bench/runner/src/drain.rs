//! One drain: how long somebody's workers take to empty a full queue.
//!
//! The queue is filled while nobody works, the gate on its tables is closed, the workers start, connect, and stand waiting for the
//! lock of their first claim. Then the gate opens: that is the start, the same for all, with no program's start-up time in it. The
//! end is when no job is left to do, by asking every few milliseconds.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::contender::{Contender, Product, Work};
use crate::process::Process;
use crate::server::{Database, Gate, Server};

/// How often is asked whether all is done. The question reads past the rows that are done, so that
/// asking more often would slow down what is measured.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// After this long a drain counts as failed.
const DEADLINE: Duration = Duration::from_secs(90);
/// How long the workers may take to stand before the gate.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// What is left of their start-up after the first claim has been sent: a second process, compilers.
const WARM_UP: Duration = Duration::from_millis(500);

/// Fills a fresh database with `jobs` and drains it. Returns jobs per second.
pub async fn fresh(server: &Server, contender: &Contender, jobs: u64) -> Result<f64> {
    let product = &contender.product;
    let database = product.database(server, "drain").await?;
    let drained = in_database(&database, product, contender.work, contender.processes, jobs).await;
    server.drop(database).await?;
    drained
}

/// Adds `jobs` to a database that nobody works in, and drains them. Returns jobs per second.
pub async fn in_database(
    database: &Database,
    product: &Product,
    work: Work,
    processes: usize,
    jobs: u64,
) -> Result<f64> {
    product.enqueue(database, jobs).await?;
    database.settle().await?;
    let gate = database.close_gate(product.tables.claimed).await?;
    let mut workers = Vec::new();
    for _ in 0..processes {
        workers.push(product.start_worker(database, work)?);
    }
    until_all_wait(database, &mut workers).await?;
    if !database.holds(product.tables.waiting).await? {
        bail!("the gate did not hold: jobs were done before the clock started");
    }
    let seconds = open_and_wait(database, product, gate, &mut workers).await;
    for worker in workers {
        worker.kill().await?;
    }
    Ok(jobs as f64 / seconds?)
}

/// Returns when as many connections as there are workers wait before the gate.
pub async fn until_all_wait(database: &Database, workers: &mut [Process]) -> Result<()> {
    let until = Instant::now() + START_DEADLINE;
    while database.waiting_for_locks().await?.len() < workers.len() {
        workers.iter_mut().try_for_each(Process::check)?;
        if Instant::now() > until {
            bail!("the workers never claimed");
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
    tokio::time::sleep(WARM_UP).await;
    Ok(())
}

async fn open_and_wait(
    database: &Database,
    product: &Product,
    gate: Gate,
    workers: &mut [Process],
) -> Result<f64> {
    let began = Instant::now();
    gate.open().await?;
    for query in [product.tables.waiting, product.tables.unfinished] {
        while database.holds(query).await? {
            workers.iter_mut().try_for_each(Process::check)?;
            if began.elapsed() > DEADLINE {
                bail!("not drained within {} s", DEADLINE.as_secs());
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
    Ok(began.elapsed().as_secs_f64())
}
