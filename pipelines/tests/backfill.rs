//! Backfill against the sandbox, which counts the searches (OP-11): it goes on where it was,
//! whatever happens to it, and no faster than it may.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use chrono::{Days, NaiveDate};
use common::{UNLIMITED, World};
use signalbox_engine::jobs::{commands as jobs, deregister, hold, list, reclaim_lost};
use signalbox_engine::testing::TestWorker;
use signalbox_engine::{CommandError, settings};
use signalbox_model::actor::Role;
use signalbox_model::job::{Job, JobId, JobState};
use signalbox_pipelines::domains::commands;
use signalbox_sandbox::{CallResult, Fault, FaultMode, Provider};

impl World {
    /// A provider with ten posts, which are one page of every search.
    async fn new() -> World {
        World::start(10, Duration::from_secs(30), &UNLIMITED).await
    }

    /// Starts a backfill of `days` days that costs one search a day.
    async fn backfill(&self, days: i64) -> JobId {
        commands::trigger_backfill(&self.ctx, &self.registry, days, 10).await.unwrap().id
    }

    async fn job(&self, id: JobId) -> Job {
        list::detail(&self.ctx, &self.registry, id).await.unwrap().job
    }

    async fn says(&self, id: JobId) -> String {
        self.job(id).await.progress.map(|progress| progress.message).unwrap_or_default()
    }

    /// Searches that were answered.
    fn searches(&self) -> u64 {
        self.sandbox.calls(Provider::Mcp).of("search_engine", CallResult::Ok)
    }

    /// The day `back` days ago.
    fn day(&self, back: u64) -> NaiveDate {
        self.ctx.now().date_naive().checked_sub_days(Days::new(back)).unwrap()
    }

    /// From now on the search of the day `back` days ago meets `mode`.
    fn trouble(&self, mode: FaultMode, back: u64) {
        let text = format!("after:{}", self.day(back));
        let fault = Fault::new(mode).operation("search_engine").matching(text);
        self.sandbox.set_fault(Provider::Mcp, fault.latency_ms(300));
    }

    /// Waits until a search has met that trouble.
    async fn until_met(&self, result: CallResult) {
        let met = async {
            while self.sandbox.calls(Provider::Mcp).of("search_engine", result) == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), met).await.expect("the search goes out");
    }

    async fn rows(&self, table: &'static str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.db.pool).await.unwrap()
    }
}

#[tokio::test]
async fn op_11_a_backfill_searches_each_day_once_and_says_how_far_it_is() {
    let world = World::new().await;
    let id = world.backfill(3).await;
    world.worker.drain().await.unwrap();
    assert_eq!(world.searches(), 3);
    assert_eq!(world.job(id).await.state, JobState::Completed);
    assert_eq!(world.says(id).await, "3 of 3 days, 30 posts");
    assert_eq!(world.rows("posts").await, 10);
    assert_eq!(world.rows("jobs WHERE kind = 'domains.harvesting'").await, 10);
    let shown = commands::backfills(&world.ctx).await.unwrap();
    assert_eq!(shown.backfills.iter().map(|job| job.id).collect::<Vec<_>>(), [id]);
    assert_eq!(shown.searches_per_minute, 100_000);
}

#[tokio::test]
async fn op_11_after_a_crash_no_finished_day_is_searched_again() {
    let world = World::new().await;
    let id = world.backfill(5).await;
    world.trouble(FaultMode::Hang, 2);
    let job = world.worker.claim(1).await.unwrap().remove(0);
    let dying = TestWorker::new(&world.db.pool, world.ctx.clock.clone(), &world.registry);
    let dying = dying.await.unwrap();
    let run = tokio::spawn(async move { dying.run(job).await });
    world.until_met(CallResult::Hang).await;
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled(), "it died in the middle of the third day");
    assert_eq!(world.searches(), 2);

    world.sandbox.set_fault(Provider::Mcp, Fault::none());
    // Midnight passes: the days stay those of its beginning.
    world.clock.advance(Duration::from_secs(86_400));
    deregister(&world.db.pool, world.worker.id()).await.unwrap();
    assert_eq!(reclaim_lost(&world.db.pool, world.ctx.now()).await.unwrap(), 1);
    let next = TestWorker::new(&world.db.pool, world.ctx.clock.clone(), &world.registry);
    next.await.unwrap().drain().await.unwrap();
    let done = world.job(id).await;
    assert_eq!((done.state, done.attempt), (JobState::Completed, 0));
    assert_eq!(world.searches(), 5, "each day once; the third was interrupted before its answer");
    assert_eq!(world.says(id).await, "5 of 5 days, 50 posts");
}

#[tokio::test]
async fn op_11_an_outage_parks_a_backfill_and_it_goes_on_where_it_was() {
    let world = World::new().await;
    let id = world.backfill(4).await;
    world.trouble(FaultMode::Error, 2);
    world.worker.drain().await.unwrap();
    let parked = world.job(id).await;
    assert_eq!((parked.state, parked.attempt), (JobState::Scheduled, 0));
    assert_eq!(world.says(id).await, "2 of 4 days, 20 posts");
    world.sandbox.set_fault(Provider::Mcp, Fault::none());
    world.clock.advance(Duration::from_secs(120));
    world.worker.drain().await.unwrap();
    assert_eq!(world.job(id).await.state, JobState::Completed);
    assert_eq!(world.searches(), 4);
}

#[tokio::test]
async fn op_11_a_backfill_keeps_to_discovery_rpm_as_counted_at_the_provider() {
    let world = World::new().await;
    settings::change(&world.ctx, "discovery_rpm", 6, None).await.unwrap();
    let id = world.backfill(9).await;
    for second in 0..60 {
        world.worker.drain().await.unwrap();
        assert!(world.searches() <= 6, "{} searches after {second} s", world.searches());
        world.clock.advance(Duration::from_secs(1));
    }
    assert!(world.searches() >= 5, "only {} searches in a minute", world.searches());
    assert_eq!(world.job(id).await.attempt, 0);
    for _ in 0..10 {
        world.clock.advance(Duration::from_secs(12));
        world.worker.drain().await.unwrap();
    }
    assert_eq!(world.job(id).await.state, JobState::Completed);
    assert_eq!(world.searches(), 9, "each day once, whoever waited");
}

#[tokio::test]
async fn op_11_a_held_backfill_makes_no_call_and_goes_on_when_it_is_released() {
    let world = World::new().await;
    let id = world.backfill(4).await;
    world.trouble(FaultMode::RateLimit, 2);
    world.worker.drain().await.unwrap();
    assert_eq!(world.says(id).await, "2 of 4 days, 20 posts");
    world.sandbox.set_fault(Provider::Mcp, Fault::none());
    world.clock.advance(Duration::from_secs(60));

    // It runs when it is held: it stops before its next call.
    let job = world.worker.claim(1).await.unwrap().remove(0);
    assert_eq!(job.id, id);
    hold::hold(&world.ctx, id, "too dear today").await.unwrap();
    let ended = world.worker.run_stopped(job).await;
    world.worker.settle(&[ended]).await.unwrap();
    world.clock.advance(Duration::from_secs(86_400));
    world.worker.drain().await.unwrap();
    assert_eq!(world.searches(), 2, "a call went out while it was held");
    let held = world.job(id).await;
    assert_eq!((held.wait_reason.as_deref(), held.attempt), (Some("held"), 0));
    assert_eq!(held.progress.unwrap().eta, None);

    hold::release(&world.ctx, id).await.unwrap();
    world.worker.drain().await.unwrap();
    assert_eq!(world.job(id).await.state, JobState::Completed);
    assert_eq!(world.searches(), 4);
}

#[tokio::test]
async fn op_11_a_cancelled_backfill_ends_and_keeps_what_it_has_found() {
    let world = World::new().await;
    let id = world.backfill(3).await;
    world.trouble(FaultMode::RateLimit, 1);
    world.worker.drain().await.unwrap();
    world.sandbox.set_fault(Provider::Mcp, Fault::none());
    world.clock.advance(Duration::from_secs(60));
    let job = world.worker.claim(1).await.unwrap().remove(0);
    jobs::cancel(&world.ctx, id).await.unwrap();
    let ended = world.worker.run_stopped(job).await;
    world.worker.settle(&[ended]).await.unwrap();
    assert_eq!(world.job(id).await.state, JobState::Cancelled);
    world.clock.advance(Duration::from_secs(86_400));
    world.worker.drain().await.unwrap();
    assert_eq!((world.searches(), world.rows("posts").await), (1, 10));
}

#[tokio::test]
async fn op_11_a_backfill_that_works_long_gives_up_its_place_and_comes_back() {
    let world = World::new().await;
    let id = world.backfill(4).await;
    world.trouble(FaultMode::Slow, 1);
    let job = world.worker.claim(1).await.unwrap().remove(0);
    let eleven_minutes_pass = async {
        world.until_met(CallResult::Slow).await;
        world.clock.advance(Duration::from_secs(11 * 60));
    };
    let (ended, ()) = tokio::join!(world.worker.run(job), eleven_minutes_pass);
    world.worker.settle(&[ended]).await.unwrap();
    let resting = world.job(id).await;
    assert_eq!((resting.wait_reason.as_deref(), resting.attempt), (Some("snoozed"), 0));
    assert_eq!(world.says(id).await, "2 of 4 days, 20 posts");
    world.sandbox.set_fault(Provider::Mcp, Fault::none());
    world.worker.drain().await.unwrap();
    assert_eq!(world.job(id).await.state, JobState::Completed);
    assert_eq!(world.searches(), 3, "and the slow one");
}

#[tokio::test]
async fn op_11_a_backfill_run_twice_adds_nothing_twice() {
    let world = World::new().await;
    world.backfill(2).await;
    world.worker.drain().await.unwrap();
    let counts = async || {
        (
            world.rows("posts").await,
            world.rows("comments").await,
            world.rows("domain_mentions").await,
            world.rows("jobs WHERE kind <> 'domains.backfill'").await,
        )
    };
    let before = counts().await;
    assert!(before.2 > 0);
    world.backfill(2).await;
    world.worker.drain().await.unwrap();
    assert_eq!(counts().await, before);
    assert_eq!(world.searches(), 4);
}

#[tokio::test]
async fn op_11_the_list_is_for_those_who_may_see_the_console() {
    let world = World::new().await;
    let mut powerless = world.ctx.clone();
    powerless.actor.role = Role::QaLead;
    let refused = commands::backfills(&powerless).await.unwrap_err();
    assert!(matches!(refused, CommandError::Forbidden { .. }));
    let refused = commands::trigger_backfill(&powerless, &world.registry, 1, 1).await.unwrap_err();
    assert!(matches!(refused, CommandError::Forbidden { .. }));
    assert_eq!(world.rows("jobs").await, 0);
}
