//! awa, with the storage engine of its 0.6.

use std::time::{Duration, Instant};

use awa::model::{insert_many_copy_from_pool, migrations};
use awa::{Client, InsertOpts, InsertParams, JobArgs, JobResult, QueueConfig};
use serde::{Deserialize, Serialize};
use signalbox_bench_peers::{
    Failure, Latencies, Settings, Task, database_url, handler_started, print_seconds, task,
    until_killed,
};
use sqlx_08::PgPool;
use sqlx_08::postgres::PgPoolOptions;

/// Jobs in one COPY.
const CHUNK: usize = 10_000;

#[derive(Clone, Debug, Deserialize, Serialize, JobArgs)]
struct Noop {}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let pool = PgPoolOptions::new().max_connections(20).connect(&database_url()?).await?;
    match task()? {
        Task::Setup => {
            migrations::run(&pool).await?;
            // The first start on an empty database chooses the storage engine of 0.6; until then jobs go the old way.
            let client = client(pool, Settings::Best)?;
            client.start().await?;
            client.shutdown(Duration::from_secs(5)).await;
        }
        Task::Enqueue(count) => {
            let job = InsertParams {
                kind: Noop::kind().to_owned(),
                args: serde_json::json!({}),
                opts: InsertOpts::default(),
            };
            let jobs = vec![job; count];
            let began = Instant::now();
            for chunk in jobs.chunks(CHUNK) {
                insert_many_copy_from_pool(&pool, chunk).await?;
            }
            print_seconds(began);
        }
        Task::Work(settings) => {
            let client = client(pool, settings)?;
            client.start().await?;
            until_killed().await?;
        }
        Task::Latency(count, every) => {
            let client = client(pool.clone(), Settings::Best)?;
            client.start().await?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let mut latencies = Latencies::new();
            for _ in 0..count {
                let enqueue = async { Ok(awa::insert(&pool, &Noop {}).await.map(drop)?) };
                latencies.sample(every, enqueue).await?;
            }
            latencies.print();
        }
    }
    Ok(())
}

fn client(pool: PgPool, settings: Settings) -> Result<Client, Failure> {
    let queue = match settings {
        Settings::Default => QueueConfig::default(),
        Settings::Best => QueueConfig {
            max_workers: 2000,
            poll_interval: Duration::from_millis(5),
            claimers: 2,
            ..QueueConfig::default()
        },
    };
    let builder = Client::builder(pool).queue("default", queue);
    let client = builder.register::<Noop, _, _>(|_, _| async {
        handler_started();
        Ok(JobResult::Completed)
    });
    Ok(client.build()?)
}
