//! graphile_worker, the Rust port of Graphile Worker.

use std::time::{Duration, Instant};

use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, LocalQueueConfig, RawJobSpec, TaskHandler, WorkerContext,
    WorkerOptions, WorkerUtils,
};
use serde::{Deserialize, Serialize};
use signalbox_bench_peers::{
    Failure, Latencies, Settings, Task, database_url, handler_started, print_seconds, task,
};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

/// Jobs in one statement.
const CHUNK: usize = 10_000;

#[derive(Clone, Serialize, Deserialize)]
struct Noop {}

impl TaskHandler for Noop {
    const IDENTIFIER: &'static str = "noop";

    async fn run(self, _: WorkerContext) -> impl IntoTaskHandlerResult {
        handler_started();
        Ok::<(), String>(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let pool = PgPoolOptions::new().max_connections(20).connect(&database_url()?).await?;
    let utils = WorkerUtils::new(pool.clone(), "graphile_worker".to_owned());
    match task()? {
        Task::Setup => utils.migrate().await?,
        Task::Enqueue(count) => {
            let job = RawJobSpec {
                identifier: "noop".to_owned(),
                payload: serde_json::json!({}),
                spec: JobSpec::default(),
            };
            let jobs = vec![job; count];
            let began = Instant::now();
            for chunk in jobs.chunks(CHUNK) {
                utils.add_raw_jobs(chunk).await?;
            }
            print_seconds(began);
        }
        Task::Work(settings) => options(pool, settings).init().await?.run().await?,
        Task::Latency(count, every) => {
            // A local queue adds to the latency of a single job: without one.
            let options = WorkerOptions::default().pg_pool(pool).concurrency(10);
            let worker = options.define_job::<Noop>().init().await?;
            tokio::spawn(async move { worker.run().await });
            tokio::time::sleep(Duration::from_secs(1)).await;
            let mut latencies = Latencies::new();
            for _ in 0..count {
                let enqueue =
                    async { Ok(utils.add_job(Noop {}, JobSpec::default()).await.map(drop)?) };
                latencies.sample(every, enqueue).await?;
            }
            latencies.print();
        }
    }
    Ok(())
}

fn options(pool: PgPool, settings: Settings) -> WorkerOptions {
    let options = WorkerOptions::default().pg_pool(pool).define_job::<Noop>();
    match settings {
        Settings::Default => options,
        // Its own throughput benchmark (benches/perf_test.rs), with the local queue that is best for 20,000 jobs.
        Settings::Best => options
            .concurrency(500)
            .poll_interval(Duration::from_millis(5))
            .complete_job_batch_delay(Duration::from_millis(5))
            .local_queue(LocalQueueConfig::default().with_size(1000)),
    }
}
