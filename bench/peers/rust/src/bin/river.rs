//! River's client for Rust.

use std::time::{Duration, Instant};

use riverqueue::migrate::PostgresMigrator;
use riverqueue::{BoxError, Client, Job, JobArgs, QueueConfig, WorkContext, WorkOutcome, Workers};
use serde::{Deserialize, Serialize};
use signalbox_bench_peers::{
    Failure, Latencies, Settings, Task, database_url, handler_started, print_seconds, task,
    until_killed,
};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

/// Jobs in one call.
const CHUNK: usize = 10_000;

#[derive(Clone, Debug, Deserialize, JobArgs, Serialize)]
#[river(kind = "noop")]
struct Noop {}

async fn noop(_: WorkContext, _: Job<Noop>) -> Result<WorkOutcome, BoxError> {
    handler_started();
    Ok(WorkOutcome::Complete)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let pool = PgPoolOptions::new().max_connections(20).connect(&database_url()?).await?;
    match task()? {
        Task::Setup => drop(PostgresMigrator::new(pool).migrate_up().await?),
        Task::Enqueue(count) => {
            let client = Client::builder(pool).build()?;
            let began = Instant::now();
            for from in (0..count).step_by(CHUNK) {
                client.insert_many(vec![Noop {}; CHUNK.min(count - from)]).await?;
            }
            print_seconds(began);
        }
        Task::Work(settings) => {
            let _run = client(pool, settings)?.start()?;
            until_killed().await?;
        }
        Task::Latency(count, every) => {
            let client = client(pool, Settings::Best)?;
            let mut run = client.start()?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let mut latencies = Latencies::new();
            for _ in 0..count {
                let enqueue = async { Ok(client.insert(Noop {}).await.map(drop)?) };
                latencies.sample(every, enqueue).await?;
            }
            latencies.print();
            run.stop().await?;
        }
    }
    Ok(())
}

fn client(pool: PgPool, settings: Settings) -> Result<Client, Failure> {
    let mut workers = Workers::new();
    workers.add_fn(noop)?;
    let builder = Client::builder(pool).workers(workers);
    let builder = match settings {
        // The number of its README; River has no default of its own.
        Settings::Default => builder.queue("default", QueueConfig::new(10)),
        Settings::Best => {
            let shortest = Duration::from_millis(1);
            let queue = QueueConfig::new(2000).with_fetch_poll_interval(Duration::from_millis(5));
            builder.fetch_cooldown(shortest).queue("default", queue.with_fetch_cooldown(shortest))
        }
    };
    Ok(builder.build()?)
}
