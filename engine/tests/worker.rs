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
use signalbox_engine::jobs::{JobContext, Registry, commands, enqueue};
use signalbox_engine::testing::{TestDb, TestWorker};
use signalbox_engine::{Ctx, db, queues};
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
    let mut claimer = Claimer::default();
    let mut conn = database.pool.acquire().await.unwrap();
    let clock = SystemClock::shared();
    let mut claim = async |jobs| {
        let claimed =
            claimer.claim(&mut conn, &registry, worker.id(), jobs, clock.now()).await.unwrap();
        let mut ids: Vec<_> = claimed.jobs.iter().map(|job| job.id).collect();
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
async fn av_6_a_wish_for_a_job_ends_when_it_is_claimed_by_its_turn() {
    let database = TestDb::new().await;
    let registry = Registry::builder().build();
    let clock = SystemClock::shared();
    let worker = TestWorker::new(&database.pool, clock.clone(), &registry).await.unwrap();
    let mut claimer = Claimer::default();
    let mut conn = database.pool.acquire().await.unwrap();
    enqueue_all(&database.pool, &registry, "system.noop", 2).await;
    assert_eq!(
        claimer.claim(&mut conn, &registry, worker.id(), 1, clock.now()).await.unwrap().jobs.len(),
        1
    );
    // The claimer goes on where it was, and does not know of the wish.
    let ctx = Ctx::new(database.pool.clone(), clock.clone(), Actor::system("test"));
    commands::run_next(&ctx, 2).await.unwrap();
    assert_eq!(
        claimer.claim(&mut conn, &registry, worker.id(), 1, clock.now()).await.unwrap().jobs[0].id,
        2
    );
    let wishes: i64 = sqlx::query_scalar("SELECT count(*) FROM expedited_jobs")
        .fetch_one(&database.pool)
        .await
        .unwrap();
    assert_eq!(wishes, 0, "it would be put first again when it is tried again");
}

#[tokio::test]
async fn av_6_a_paused_queue_starts_nothing_though_its_lanes_are_known() {
    let database = TestDb::new().await;
    let registry = Registry::builder().build();
    let clock = SystemClock::shared();
    let worker = TestWorker::new(&database.pool, clock.clone(), &registry).await.unwrap();
    let ctx = Ctx::new(database.pool.clone(), clock.clone(), Actor::system("test"));
    let mut claimer = Claimer::default();
    let mut conn = database.pool.acquire().await.unwrap();
    let mut claim = async |jobs| {
        claimer
            .claim(&mut conn, &registry, worker.id(), jobs, clock.now())
            .await
            .unwrap()
            .jobs
            .len()
    };
    enqueue_all(&database.pool, &registry, "system.noop", 20).await;
    assert_eq!(claim(5).await, 5);
    queues::pause(&ctx, &registry, "system", "to see it stop", None).await.unwrap();
    assert_eq!(claim(5).await, 0, "a claimer in the middle of a lane");
    queues::resume(&ctx, &registry, "system", "seen").await.unwrap();
    queues::bound_to(&ctx, &registry, "system", Some(7), "no more than that").await.unwrap();
    assert_eq!(claim(20).await, 2, "five run already");
    queues::bound_to(&ctx, &registry, "system", None, "as many as there are").await.unwrap();
    queues::drain(&ctx, &registry, "system", "to see it end").await.unwrap();
    enqueue_all(&database.pool, &registry, "system.noop", 5).await;
    assert_eq!(claim(20).await, 13, "those that were there when the drain began");
    assert_eq!(claim(20).await, 0, "nor those that came later");
}

#[tokio::test]
async fn st_1_a_shutdown_leaves_no_job_of_a_claim_that_was_under_way() {
    let database = TestDb::new().await;
    let registry = Registry::builder().build();
    enqueue_all(&database.pool, &registry, "system.noop", 5).await;
    // The claim can read the queue, and waits where it would lease the jobs.
    let mut gate = database.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE jobs_ready IN EXCLUSIVE MODE").execute(&mut *gate).await.unwrap();
    let worker = Worker::start(
        database.pool.clone(),
        SystemClock::shared(),
        registry.clone(),
        WorkerOptions::default(),
    );
    let waits = "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                 WHERE d.datname = current_database() AND NOT l.granted)";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&database.pool).await.unwrap() {
        tokio::task::yield_now().await;
    }
    let stopping = worker.shutdown(tokio::time::sleep(Duration::from_secs(30)));
    let opening = async {
        tokio::task::yield_now().await;
        gate.commit().await.unwrap();
    };
    tokio::join!(stopping, opening);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs_running")
        .fetch_one(&database.pool)
        .await
        .unwrap();
    assert_eq!(left, 0, "leased, and given up with the worker's lease");
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
