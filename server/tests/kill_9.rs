//! `kill -9` of a worker in the middle of its work: afterwards every job has completed, once, and
//! its effects are there, once.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::Duration;

use futures::TryStreamExt;
use serde_json::json;
use signalbox_engine::clock::SystemClock;
use signalbox_engine::jobs::{enqueue, list};
use signalbox_engine::testing::{TestDb, TestWorker};
use signalbox_engine::vault::Vault;
use signalbox_engine::{Ctx, dead_letters, settings};
use signalbox_model::actor::{Actor, Role};
use signalbox_model::domain::DateFilter;
use signalbox_model::job::{Job, JobFilter, JobState, NewJob};
use signalbox_pipelines::domains::{commands, export, store};
use signalbox_pipelines::mcp::ApiKey;
use signalbox_pipelines::{ProviderConfig, registry};
use signalbox_sandbox::{Fault, FaultMode, Provider, Sandbox, SandboxOptions};

const POSTS: usize = 240;
/// Discovery, harvesting and extraction of every post, and jobs of another queue.
const JOBS: usize = 1 + 2 * POSTS + NOOPS;
const NOOPS: usize = 40;
/// Each death costs the lease, 15 s, before others may take the jobs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The lines of all mention exports, without what differs by the hour: id and time.
type Mentions = BTreeSet<String>;

struct World {
    sandbox: Sandbox,
    db: TestDb,
    ctx: Ctx,
    config: ProviderConfig,
}

impl World {
    async fn new() -> World {
        rustls::crypto::ring::default_provider().install_default().ok();
        let options = SandboxOptions { posts: POSTS, ..SandboxOptions::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let config = ProviderConfig {
            mcp_base_url: Some(sandbox.mcp_url()),
            mcp_api_key: Some(ApiKey::new("key")),
            mcp_timeout: Duration::from_secs(30),
        };
        let db = TestDb::new().await;
        let actor = Actor::new("a@example.org", Role::Admin);
        let ctx = Ctx::new(db.pool.clone(), SystemClock::shared(), actor);
        for rate in ["discovery_rpm", "comments_rpm", "http_enrich_rpm"] {
            settings::change(&ctx, rate, 100_000, None).await.unwrap();
        }
        World { sandbox, db, ctx, config }
    }

    async fn enqueue_all(&self) {
        let registry = registry(self.config.clone(), &Vault::default()).unwrap();
        commands::trigger_discovery(&self.ctx, &registry, POSTS as i64).await.unwrap();
        let noops = vec![NewJob::new("system.noop", json!({})); NOOPS];
        enqueue::enqueue_batch(&self.ctx, &registry, noops).await.unwrap();
    }

    fn spawn_worker(&self) -> tokio::process::Child {
        tokio::process::Command::new(env!("CARGO_BIN_EXE_signalbox"))
            .arg("serve")
            .env("DATABASE_URL", &self.db.url)
            .env("SIGNALBOX_ADDR", "127.0.0.1:0")
            .env("ADMIN_EMAIL", "a@example.org")
            .env("ADMIN_PASSWORD", "a long enough password")
            .env("MCP_BASE_URL", self.sandbox.mcp_url())
            .env("MCP_API_KEY", "key")
            .env("RUST_LOG", "warn")
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    async fn jobs(&self, state: JobState) -> Vec<Job> {
        let registry = registry(self.config.clone(), &Vault::default()).unwrap();
        let mut filter = JobFilter { state: Some(state), limit: Some(200), ..JobFilter::default() };
        let mut jobs = Vec::new();
        loop {
            let page = list::list(&self.ctx, &registry, &filter).await.unwrap();
            jobs.extend(page.items);
            filter.cursor = page.next_cursor;
            if filter.cursor.is_none() {
                return jobs;
            }
        }
    }

    /// Returns once this many jobs have completed. The process says nothing: its work is watched.
    async fn until_completed(&self, at_least: usize) {
        let watch = async {
            while self.jobs(JobState::Completed).await.len() < at_least {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let done = tokio::time::timeout(PATIENCE, watch).await;
        assert!(
            done.is_ok(),
            "{} of {at_least} completed",
            self.jobs(JobState::Completed).await.len()
        );
    }

    /// Returns once no job waits or runs, and none has ended while we looked.
    async fn until_nothing_is_left(&self) {
        let watch = async {
            loop {
                let completed = self.jobs(JobState::Completed).await.len();
                let mut left = 0;
                for state in [JobState::Scheduled, JobState::Available, JobState::Running] {
                    left += self.jobs(state).await.len();
                }
                if left == 0 && self.jobs(JobState::Completed).await.len() == completed {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, watch).await.is_ok(), "jobs are left");
    }

    async fn mentions(&self) -> Mentions {
        let mut mentions = Mentions::new();
        for domain in store::list(&self.ctx, DateFilter::All, None).await.unwrap().domains {
            let csv = export::mentions_csv(&self.ctx, domain.id, None).await.unwrap();
            let chunks: Vec<_> = csv.try_collect().await.unwrap();
            let text = String::from_utf8(chunks.concat()).unwrap();
            for line in text.split("\r\n").filter(|line| !line.is_empty()) {
                let (_, rest) = line.split_once(',').unwrap();
                let (rest, _) = rest.rsplit_once(',').unwrap();
                mentions.insert(format!("{} {rest}", domain.name));
            }
        }
        mentions
    }

    /// How many mentions each domain has, all of them counted.
    async fn counts(&self) -> BTreeMap<String, i64> {
        let list = store::list(&self.ctx, DateFilter::All, None).await.unwrap();
        list.domains.into_iter().map(|domain| (domain.name, domain.mentions)).collect()
    }
}

#[tokio::test]
async fn after_kill_9_every_job_completes_once_and_its_effects_are_there_once() {
    let undisturbed = World::new().await;
    undisturbed.enqueue_all().await;
    let kinds = registry(undisturbed.config.clone(), &Vault::default()).unwrap();
    let worker =
        TestWorker::new(&undisturbed.db.pool, SystemClock::shared(), &kinds).await.unwrap();
    worker.drain().await.unwrap();

    let world = World::new().await;
    // Slow enough that there is always work in flight when the process dies.
    world.sandbox.set_fault(Provider::Mcp, Fault::new(FaultMode::Slow).latency_ms(30));
    world.enqueue_all().await;
    for share in [JOBS / 4, JOBS / 2] {
        let mut server = world.spawn_worker();
        world.until_completed(share).await;
        server.kill().await.unwrap();
        assert!(
            !world.jobs(JobState::Running).await.is_empty(),
            "it died in the middle of its work"
        );
    }
    let mut server = world.spawn_worker();
    world.until_completed(JOBS).await;
    // The server's own schedules may have ticked meanwhile: their jobs are among those.
    world.until_nothing_is_left().await;
    server.kill().await.unwrap();

    let completed = world.jobs(JobState::Completed).await;
    let ids: BTreeSet<_> = completed.iter().map(|job| job.id).collect();
    // The scheduled discovery may have ticked meanwhile: it finds what is there already.
    assert!(completed.len() >= JOBS);
    assert_eq!(ids.len(), completed.len(), "no job has two recorded completions");
    assert!(completed.iter().all(|job| job.attempt == 0), "a lost worker spends no attempt");
    assert_eq!(dead_letters::counts(&world.ctx).await.unwrap().pending, 0);
    assert_eq!(world.counts().await, undisturbed.counts().await);
    let (there, expected) = (world.mentions().await, undisturbed.mentions().await);
    assert_eq!(there.symmetric_difference(&expected).collect::<Vec<_>>(), [""; 0]);
}
