//! Pipeline `domains` against the sandbox's MCP server, over real HTTP: what it finds, that
//! running it again adds nothing, and what an outage does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::{UNLIMITED, World};
use futures::TryStreamExt;
use signalbox_engine::exports::CsvStream;
use signalbox_engine::jobs::list;
use signalbox_engine::{CommandError, breaker, dead_letters, matviews, settings};
use signalbox_model::actor::Role;
use signalbox_model::breaker::BreakerState;
use signalbox_model::domain::DateFilter;
use signalbox_model::job::{JobFilter, JobState};
use signalbox_model::matview::ViewSource;
use signalbox_pipelines::domains::{commands, export, store};
use signalbox_sandbox::{Fault, FaultMode, Provider};

impl World {
    /// A world with `posts` posts at the provider and rates that do not get in the way.
    async fn new(posts: usize) -> World {
        World::start(posts, Duration::from_millis(500), &UNLIMITED).await
    }

    async fn discover(&self, limit: i64) {
        commands::trigger_discovery(&self.ctx, &self.registry, limit).await.unwrap();
    }

    async fn rows(&self, table: &'static str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.db.pool).await.unwrap()
    }

    async fn breaker(&self) -> BreakerState {
        breaker::store::list(&self.ctx).await.unwrap()[0].state
    }

    /// How many jobs are in each of these states.
    async fn jobs(&self, state: JobState) -> usize {
        let filter = JobFilter { state: Some(state), limit: Some(200), ..JobFilter::default() };
        list::list(&self.ctx, &self.registry, &filter).await.unwrap().items.len()
    }
}

#[tokio::test]
async fn discovery_leads_to_domains_and_mentions() {
    let world = World::new(12).await;
    world.discover(12).await;
    world.worker.drain().await.unwrap();
    assert_eq!(world.rows("posts").await, 12);
    assert!(world.rows("comments").await > 50);
    let found = store::list(&world.ctx, DateFilter::All, None).await.unwrap();
    assert!(found.domains.len() >= 5, "{} domains", found.domains.len());
    assert_eq!(found.new.all, found.domains.len() as i64);
    let detail = store::detail(&world.ctx, found.domains[0].id).await.unwrap();
    assert_eq!(detail.mentions.len() as i64, detail.domain.mentions);
    assert_eq!(detail.per_day.len(), 30);
    assert_eq!(world.jobs(JobState::Completed).await, 1 + 12 + 12);
    assert_eq!(dead_letters::counts(&world.ctx).await.unwrap().pending, 0);
}

#[tokio::test]
async fn running_the_same_window_again_adds_nothing() {
    let world = World::new(6).await;
    world.discover(6).await;
    world.worker.drain().await.unwrap();
    let before = (
        world.rows("domains").await,
        world.rows("domain_mentions").await,
        world.rows("comments").await,
    );
    world.clock.advance(Duration::from_secs(86_400));
    world.discover(6).await;
    world.worker.drain().await.unwrap();
    let after = (
        world.rows("domains").await,
        world.rows("domain_mentions").await,
        world.rows("comments").await,
    );
    assert_eq!(before, after);
    assert_eq!(world.jobs(JobState::Completed).await, 2 * (1 + 6 + 6));
}

#[tokio::test]
async fn discovery_stops_at_its_limit() {
    let world = World::new(50).await;
    world.discover(15).await;
    world.worker.drain().await.unwrap();
    assert_eq!(world.rows("posts").await, 15);
    let calls = world.sandbox.calls(Provider::Mcp);
    assert_eq!(calls.ended("search_engine"), 2);
}

#[tokio::test]
async fn op_11_triggers_refuse_what_makes_no_sense() {
    let world = World::new(1).await;
    for limit in [0, 1001] {
        let refused =
            commands::trigger_discovery(&world.ctx, &world.registry, limit).await.unwrap_err();
        assert!(matches!(refused, CommandError::Invalid(_)));
    }
    let refused =
        commands::trigger_backfill(&world.ctx, &world.registry, 91, 10).await.unwrap_err();
    assert!(matches!(refused, CommandError::Invalid(_)));
    let unknown =
        commands::trigger_harvesting(&world.ctx, &world.registry, 4711).await.unwrap_err();
    assert!(matches!(unknown, CommandError::NotFound { .. }));
    let mut viewer = world.ctx.clone();
    viewer.actor.role = Role::Viewer;
    let refused = commands::trigger_discovery(&viewer, &world.registry, 5).await.unwrap_err();
    assert!(matches!(refused, CommandError::Forbidden { .. }));
    assert_eq!(world.rows("jobs").await, 0);
}

/// One outage from start to end: the breaker opens at its threshold, nothing goes out while it is
/// open, jobs park unspent, the first success closes it, the backlog completes, no letter is left.
async fn survives(mode: FaultMode) {
    let world = World::new(10).await;
    world.discover(10).await;
    let discovery = world.worker.claim(1).await.unwrap().remove(0);
    let ended = world.worker.run(discovery).await;
    world.worker.settle(&[ended]).await.unwrap();

    world.sandbox.set_fault(Provider::Mcp, Fault::new(mode));
    let before = world.sandbox.calls(Provider::Mcp).total;
    world.worker.drain().await.unwrap();
    assert_eq!(world.breaker().await, BreakerState::Open);
    let during = world.sandbox.calls(Provider::Mcp).total;
    assert_eq!(during - before, 5, "{mode:?}: the threshold's calls, and not one more");
    world.clock.advance(Duration::from_secs(59));
    assert_eq!(world.worker.drain().await.unwrap(), 0);
    assert_eq!(
        world.sandbox.calls(Provider::Mcp).total,
        during,
        "{mode:?}: a call went out while open"
    );

    world.clock.advance(Duration::from_secs(2));
    assert_eq!(world.breaker().await, BreakerState::HalfOpen);
    world.worker.drain().await.unwrap();
    assert_eq!(world.sandbox.calls(Provider::Mcp).total, during + 1, "{mode:?}: one trial");
    assert_eq!(world.breaker().await, BreakerState::Open);
    let spent: i64 = sqlx::query_scalar("SELECT coalesce(sum(attempt), 0) FROM jobs")
        .fetch_one(&world.db.pool)
        .await
        .unwrap();
    assert_eq!(spent, 0, "{mode:?}: an attempt was spent on the outage");

    world.sandbox.set_fault(Provider::Mcp, Fault::none());
    world.clock.advance(Duration::from_secs(61));
    world.worker.drain().await.unwrap();
    world.clock.advance(Duration::from_secs(61));
    world.worker.drain().await.unwrap();
    assert_eq!(world.breaker().await, BreakerState::Closed);
    assert_eq!(
        world.jobs(JobState::Completed).await,
        1 + 10 + 10,
        "{mode:?}: the backlog completes"
    );
    assert_eq!(world.rows("dead_letter_queue").await, 0);
}

#[tokio::test]
async fn op_1_an_outage_of_500s_parks_the_jobs_and_they_complete_after_it() {
    survives(FaultMode::Error).await;
}

#[tokio::test]
async fn op_1_a_hanging_provider_parks_the_jobs_and_they_complete_after_it() {
    survives(FaultMode::Hang).await;
}

#[tokio::test]
async fn op_1_a_provider_that_talks_nonsense_parks_the_jobs_and_they_complete_after_it() {
    survives(FaultMode::BadJson).await;
}

#[tokio::test]
async fn a_refused_key_parks_the_jobs_too() {
    survives(FaultMode::BadKey).await;
}

#[tokio::test]
async fn one_bad_post_is_buried_alone() {
    let world = World::new(5).await;
    let bad = world.sandbox.corpus().posts()[0].id.clone();
    world.sandbox.set_fault(Provider::Mcp, Fault::new(FaultMode::ToolError).matching(bad));
    world.discover(5).await;
    for _ in 0..6 {
        world.worker.drain().await.unwrap();
        world.clock.advance(Duration::from_secs(3600));
    }
    assert_eq!(dead_letters::counts(&world.ctx).await.unwrap().pending, 1);
    assert_eq!(world.jobs(JobState::Completed).await, 1 + 4 + 4);
    assert_eq!(world.breaker().await, BreakerState::Closed);
}

async fn text(stream: impl CsvStream) -> String {
    let chunks: Vec<_> = stream.try_collect().await.unwrap();
    String::from_utf8(chunks.concat()).unwrap()
}

#[tokio::test]
async fn op_12_the_exports_are_csv_without_live_formulas() {
    let world = World::new(12).await;
    world.discover(12).await;
    world.worker.drain().await.unwrap();
    let stream = export::domains_csv(&world.ctx, DateFilter::All).await.unwrap();
    let all = text(stream).await;
    assert!(
        all.starts_with("id,domain,display_name,mentions,posts,first_seen_at,last_seen_at\r\n")
    );
    assert_eq!(all.matches("\r\n").count() as i64, 1 + world.rows("domains").await);

    sqlx::query("UPDATE domain_mentions SET raw_url = '=1+1,\"x\"'||chr(10)||id")
        .execute(&world.db.pool)
        .await
        .unwrap();
    let id = store::list(&world.ctx, DateFilter::All, None).await.unwrap().domains[0].id;
    let mentions = text(export::mentions_csv(&world.ctx, id, None).await.unwrap()).await;
    assert!(mentions.contains(",\"'=1+1,\"\"x\"\"\n"), "{mentions}");
    let since = Some(world.ctx.now() + chrono::Duration::days(1));
    let none = text(export::mentions_csv(&world.ctx, id, since).await.unwrap()).await;
    assert_eq!(none.matches('\n').count(), 1, "the header alone");
    assert!(export::mentions_csv(&world.ctx, 4711, None).await.is_err());
}

#[tokio::test]
async fn a_rate_is_never_exceeded_as_counted_at_the_provider() {
    let world = World::new(30).await;
    settings::change(&world.ctx, "discovery_rpm", 60, None).await.unwrap();
    for _ in 0..30 {
        world.discover(10).await;
    }
    // No time passes: a burst of a sixth of the rate goes out at once, the rest waits.
    world.worker.drain().await.unwrap();
    assert_eq!(world.sandbox.calls(Provider::Mcp).ended("search_engine"), 10);
    assert_eq!(world.jobs(JobState::Available).await, 20);
}

#[tokio::test]
async fn op_9_pages_show_the_same_from_either_source_and_say_which() {
    let world = World::new(6).await;
    world.discover(6).await;
    world.worker.drain().await.unwrap();
    let list = async || store::list(&world.ctx, DateFilter::All, None).await.unwrap();
    let plain = list().await;
    let id = plain.domains[0].id;
    let plain_detail = store::detail(&world.ctx, id).await.unwrap();
    assert_eq!(plain.freshness.source, ViewSource::Plain);

    matviews::switch(&world.ctx, true).await.unwrap();
    matviews::refresh(&world.db.pool, &world.ctx.clock, false).await.unwrap();
    let materialized = list().await;
    assert_eq!(materialized.freshness.source, ViewSource::Materialized);
    assert_eq!((&materialized.domains, materialized.new), (&plain.domains, plain.new));
    let detail = store::detail(&world.ctx, id).await.unwrap();
    assert_eq!((&detail.domain, &detail.per_day), (&plain_detail.domain, &plain_detail.per_day));
    assert_eq!(detail.top_posts, plain_detail.top_posts);

    // What is found later is not in the list yet, but has a page.
    let late: i64 = sqlx::query_scalar(
        "INSERT INTO domains (name, display_name, first_seen_at, last_seen_at)
         VALUES ('late.example', 'late.example', $1, $1) RETURNING id",
    )
    .bind(world.ctx.now())
    .fetch_one(&world.db.pool)
    .await
    .unwrap();
    assert_eq!(list().await.domains.len(), plain.domains.len());
    let detail = store::detail(&world.ctx, late).await.unwrap();
    assert_eq!(detail.freshness.source, ViewSource::Plain);
    world.clock.advance(Duration::from_secs(16 * 60));
    let stale = list().await;
    assert!(stale.freshness.fell_back);
    assert_eq!(stale.domains.len(), plain.domains.len() + 1);
}
