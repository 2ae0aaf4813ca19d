//! A real worker, with its tasks and timers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use signalbox_engine::clock::SystemClock;
use signalbox_engine::jobs::claim::Claimer;
use signalbox_engine::jobs::handler::{Job, JobError, KindSpec, Timeout};
use signalbox_engine::jobs::worker::{Worker, WorkerOptions};
use signalbox_engine::jobs::{JobContext, Registry, enqueue};
use signalbox_engine::testing::{TestDb, TestWorker};
use signalbox_engine::{Ctx, db};
use signalbox_model::actor::Actor;
use signalbox_model::job::NewJob;
use sqlx::PgPool;
use tokio::sync::Semaphore;

const fn spec(name: &'static str) -> KindSpec {
    KindSpec {
        name,
        queue: "test",
        max_attempts: 1,
        timeout: Timeout::Fixed(Duration::from_secs(30)),
        concurrency: None,
        calls: None,
    }
}

/// How many of a kind have begun, run now, and ran at most; and the permission to end.
#[derive(Clone)]
struct Runs {
    begun: Arc<Semaphore>,
    may_end: Arc<Semaphore>,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Runs {
    fn new() -> Runs {
        let closed = || Arc::new(Semaphore::new(0));
        Runs { begun: closed(), may_end: closed(), now: Arc::default(), most: Arc::default() }
    }

    async fn run(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.begun.add_permits(1);
        self.may_end.acquire().await.unwrap().forget();
        self.now.fetch_sub(1, Ordering::SeqCst);
    }

    async fn wait_for(&self, begun: u32) {
        self.begun.acquire_many(begun).await.unwrap().forget();
    }
}

/// `test.wait`: runs until it may end.
#[derive(Deserialize)]
struct Wait {}

impl Job for Wait {
    type Resources = Runs;
    const SPEC: KindSpec = spec("test.wait");

    async fn run(self, _: &JobContext, runs: &Runs) -> Result<(), JobError> {
        runs.run().await;
        Ok(())
    }
}

/// `test.connected`: the same, and keeps a connection of the handlers' pool.
#[derive(Deserialize)]
struct Connected {}

impl Job for Connected {
    type Resources = Runs;
    const SPEC: KindSpec = spec("test.connected");

    async fn run(self, cx: &JobContext, runs: &Runs) -> Result<(), JobError> {
        let _connection = cx.db.acquire().await?;
        runs.run().await;
        Ok(())
    }
}

async fn enqueue_all(db: &PgPool, registry: &Registry, kind: &str, jobs: usize) {
    let ctx = Ctx::new(db.clone(), SystemClock::shared(), Actor::system("test"));
    let jobs = vec![NewJob::new(kind, json!({})); jobs];
    enqueue::enqueue_batch(&ctx, registry, jobs).await.unwrap();
}

#[tokio::test]
async fn a_worker_goes_on_while_its_handlers_hold_every_connection() {
    let database = TestDb::new().await;
    let (waiting, connected) = (Runs::new(), Runs::new());
    let mut builder = Registry::builder();
    builder.add::<Wait>(waiting.clone()).add::<Connected>(connected.clone());
    let registry = builder.build();
    let connections = database.pool.options().get_max_connections();
    enqueue_all(&database.pool, &registry, "test.connected", connections as usize).await;
    let worker = Worker::start(
        database.pool.clone(),
        SystemClock::shared(),
        registry.clone(),
        WorkerOptions::default(),
    );
    connected.wait_for(connections).await;

    // The pool is empty now. Another process enqueues, and the worker hears, claims and runs.
    let elsewhere = db::connect(&database.url, 1).await.unwrap();
    enqueue_all(&elsewhere, &registry, "test.wait", 1).await;
    waiting.wait_for(1).await;

    waiting.may_end.add_permits(1);
    connected.may_end.add_permits(connections as usize);
    worker.shutdown(tokio::time::sleep(Duration::from_secs(30))).await;
    let recorded: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs_finished")
        .fetch_one(&elsewhere)
        .await
        .unwrap();
    assert_eq!(recorded, i64::from(connections) + 1);
}

#[tokio::test]
async fn a_claimer_goes_on_where_it_ended_and_comes_back_for_what_lies_before() {
    let database = TestDb::new().await;
    let registry = Registry::builder().build();
    let worker = TestWorker::new(&database.pool, SystemClock::shared(), &registry).await.unwrap();
    let mut claimer = Claimer::new(database.pool.clone());
    let clock = SystemClock::shared();
    let mut claim = async |jobs| {
        let claimed = claimer.claim(&registry, worker.id(), jobs, clock.now()).await.unwrap();
        let mut ids: Vec<_> = claimed.iter().map(|job| job.id).collect();
        ids.sort_unstable();
        ids
    };
    enqueue_all(&database.pool, &registry, "system.noop", 20).await;
    assert_eq!(claim(5).await, (1..=5).collect::<Vec<_>>());
    assert_eq!(claim(5).await, (6..=10).collect::<Vec<_>>());
    // A more urgent one goes before the place where the last claim ended.
    let ctx = Ctx::new(database.pool.clone(), SystemClock::shared(), Actor::system("test"));
    let urgent = NewJob { priority: Some(0), ..NewJob::new("system.noop", json!({})) };
    let urgent = enqueue::enqueue(&ctx, &registry, urgent).await.unwrap().id;
    let mut rest = claim(20).await;
    rest.extend(claim(20).await);
    rest.sort_unstable();
    assert_eq!(rest, (11..=20).chain([urgent]).collect::<Vec<_>>());
    assert!(claim(20).await.is_empty());
}

#[tokio::test]
async fn no_more_jobs_run_at_once_than_the_concurrency() {
    let database = TestDb::new().await;
    let runs = Runs::new();
    let mut builder = Registry::builder();
    builder.add::<Wait>(runs.clone());
    let registry = builder.build();
    enqueue_all(&database.pool, &registry, "test.wait", 100).await;
    let options = WorkerOptions { concurrency: 4, ..WorkerOptions::default() };
    let worker =
        Worker::start(database.pool.clone(), SystemClock::shared(), registry.clone(), options);
    runs.wait_for(4).await;
    runs.may_end.add_permits(100);
    runs.wait_for(96).await;
    worker.shutdown(tokio::time::sleep(Duration::from_secs(30))).await;
    assert_eq!(runs.most.load(Ordering::SeqCst), 4);
    let recorded: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs_finished")
        .fetch_one(&database.pool)
        .await
        .unwrap();
    assert_eq!(recorded, 100);
}
