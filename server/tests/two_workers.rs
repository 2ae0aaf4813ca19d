//! Two worker processes against one database keep one limit, counted where the calls arrive.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Stdio;
use std::time::Duration;

use signalbox_engine::clock::SystemClock;
use signalbox_engine::testing::TestDb;
use signalbox_engine::vault::Vault;
use signalbox_engine::{Ctx, settings};
use signalbox_model::actor::{Actor, Role};
use signalbox_pipelines::domains::commands;
use signalbox_pipelines::{ProviderConfig, registry};
use signalbox_sandbox::{Fault, FaultMode, Provider, Sandbox, SandboxOptions};
use tokio::process::{Child, Command};

const MINUTE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(150);
/// The operations that harvesting calls, under `comments_rpm`.
const HARVESTING: [&str; 2] = ["web_data_tiktok_posts", "web_data_tiktok_comments"];

struct World {
    sandbox: Sandbox,
    ctx: Ctx,
    workers: Vec<Child>,
    /// Dropped last.
    db: TestDb,
}

impl World {
    /// `posts` posts waiting to be discovered, and these settings.
    async fn new(posts: usize, changed: &[(&str, i64)]) -> World {
        rustls::crypto::ring::default_provider().install_default().ok();
        let options = SandboxOptions { posts, ..SandboxOptions::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        sandbox.set_fault(Provider::Mcp, Fault::new(FaultMode::Slow).latency_ms(60));
        let db = TestDb::new().await;
        let actor = Actor::new("a@example.org", Role::Admin);
        let ctx = Ctx::new(db.pool.clone(), SystemClock::shared(), actor);
        for (key, value) in changed {
            settings::change(&ctx, key, *value, None).await.unwrap();
        }
        let none = ProviderConfig {
            mcp_base_url: None,
            mcp_api_key: None,
            mcp_timeout: Duration::from_secs(1),
        };
        commands::trigger_discovery(
            &ctx,
            &registry(none, &Vault::default()).unwrap(),
            posts as i64,
        )
        .await
        .unwrap();
        let mut world = World { sandbox, ctx, workers: Vec::new(), db };
        world.workers = vec![world.worker(), world.worker()];
        world
    }

    fn worker(&self) -> Child {
        Command::new(env!("CARGO_BIN_EXE_signalbox"))
            .arg("worker")
            .env("DATABASE_URL", &self.db.url)
            .env("MCP_BASE_URL", self.sandbox.mcp_url())
            .env("MCP_API_KEY", "key")
            .env("RUST_LOG", "warn")
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// Returns once so many jobs of `kind` have completed.
    async fn until_completed(&self, kind: &str, at_least: i64) {
        let watch = async {
            while self.completed(kind).await < at_least {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let done = tokio::time::timeout(PATIENCE, watch).await;
        assert!(done.is_ok(), "{} of {at_least} {kind}", self.completed(kind).await);
    }

    async fn completed(&self, kind: &str) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM jobs_finished WHERE kind = $1")
            .bind(kind)
            .fetch_one(&self.ctx.db)
            .await
            .unwrap()
    }

    async fn workers_that_harvested(&self) -> i64 {
        sqlx::query_scalar(
            "SELECT count(DISTINCT worker_id) FROM jobs_finished WHERE kind = 'domains.harvesting'",
        )
        .fetch_one(&self.ctx.db)
        .await
        .unwrap()
    }
}

#[tokio::test]
async fn op_3_two_processes_keep_one_concurrency_limit() {
    let limit = 3;
    let world = World::new(
        60,
        &[
            ("max_concurrent_harvesting_jobs", limit),
            ("comments_rpm", 100_000),
            ("discovery_rpm", 100_000),
            ("http_enrich_rpm", 100_000),
        ],
    )
    .await;
    world.until_completed("domains.harvesting", 60).await;
    assert_eq!(world.workers_that_harvested().await, 2, "both took part");
    let calls = world.sandbox.calls(Provider::Mcp);
    for operation in HARVESTING {
        let most = calls.max_in_flight(operation) as i64;
        assert!(most <= limit, "{most} calls of {operation} at once, {limit} jobs allowed");
        assert!(most > 1, "the limit is used: {most} calls of {operation} at once");
    }
}

#[tokio::test]
async fn op_3_two_processes_keep_one_rate() {
    let rpm = 60;
    let world = World::new(
        60,
        &[("comments_rpm", rpm), ("discovery_rpm", 100_000), ("http_enrich_rpm", 100_000)],
    )
    .await;
    // More than a minute's worth, so that the window slides.
    let arrived = || {
        let calls = world.sandbox.calls(Provider::Mcp);
        HARVESTING.iter().map(|operation| calls.ended(operation)).sum::<u64>()
    };
    let watch = async {
        while arrived() < rpm as u64 + 5 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let done = tokio::time::timeout(PATIENCE, watch).await;
    assert!(done.is_ok(), "only {} calls arrived: the window did not slide", arrived());
    let most = world.sandbox.most_together(Provider::Mcp, &HARVESTING, MINUTE);
    assert!(most <= rpm as usize, "{most} calls within a minute, {rpm} allowed");
    assert!(most >= rpm as usize / 2, "the rate is used: {most} of {rpm}");
}
