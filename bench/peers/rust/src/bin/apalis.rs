//! apalis with apalis-postgres.

use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_postgres::{Config, PostgresStorage};
use serde::{Deserialize, Serialize};
use signalbox_bench_peers::{
    Failure, Latencies, Settings, Task as Asked, database_url, handler_started, print_seconds, task,
};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

const QUEUE: &str = "noop";

/// Jobs in one statement.
const CHUNK: usize = 10_000;

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Noop {}

async fn noop(_: Noop) -> Result<(), BoxDynError> {
    handler_started();
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let pool = PgPoolOptions::new().max_connections(20).connect(&database_url()?).await?;
    match task()? {
        Asked::Setup => PostgresStorage::setup(&pool).await?,
        Asked::Enqueue(count) => {
            let began = Instant::now();
            for from in (0..count).step_by(CHUNK) {
                push(&pool, CHUNK.min(count - from)).await?;
            }
            print_seconds(began);
        }
        Asked::Work(settings) => work(pool, settings).await?,
        Asked::Latency(count, every) => tokio::select! {
            ended = work(pool.clone(), Settings::Best) => ended?,
            sampled = sample(&pool, count, every) => sampled?,
        },
    }
    Ok(())
}

async fn sample(pool: &PgPool, count: usize, every: Duration) -> Result<(), Failure> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut latencies = Latencies::new();
    for _ in 0..count {
        latencies.sample(every, push(pool, 1)).await?;
    }
    latencies.print();
    Ok(())
}

async fn push(pool: &PgPool, count: usize) -> Result<(), Failure> {
    let payload = serde_json::to_vec(&Noop {})?;
    let tasks = (0..count).map(|_| TaskBuilder::new(payload.clone()).build()).collect();
    let mut connection = pool.acquire().await?;
    Ok(apalis_postgres::queries::push_tasks(&mut *connection, QUEUE, tasks).await?)
}

async fn work(pool: PgPool, settings: Settings) -> Result<(), Failure> {
    let config = Config::default().queue(QUEUE);
    let config = match settings {
        Settings::Default => config,
        // Its README and examples: notifications instead of the poll timer, large batches, no second lock, a heartbeat a second
        // (the last completions wait for one).
        Settings::Best => config
            .batch_size(2000)
            .lock_tasks(false)
            .heartbeat_interval(Duration::from_secs(1))
            .missed_heartbeats(10),
    };
    let storage: PostgresStorage<Noop> = PostgresStorage::new(&pool).with_config(config);
    match settings {
        Settings::Default => WorkerBuilder::new("bench").backend(storage).build(noop).run().await?,
        Settings::Best => {
            // Notifications alone never find what was queued before the start.
            let backend = storage.with_pubsub().poll_with_interval(Duration::from_millis(5));
            WorkerBuilder::new("bench")
                .backend(backend)
                .parallelize(tokio::spawn)
                .build(noop)
                .run()
                .await?;
        }
    }
    Ok(())
}
