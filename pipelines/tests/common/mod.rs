//! What the pipelines' tests share: a sandbox, a database, a clock, a worker.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::Duration;

use signalbox_engine::clock::TestClock;
use signalbox_engine::jobs::Registry;
use signalbox_engine::testing::{TestDb, TestWorker};
use signalbox_engine::vault::Vault;
use signalbox_engine::vault::keyring::{Keyring, MasterKey};
use signalbox_engine::{Ctx, SharedClock, settings};
use signalbox_model::actor::{Actor, Role};
use signalbox_pipelines::mcp::ApiKey;
use signalbox_pipelines::{ProviderConfig, registry};
use signalbox_sandbox::{Sandbox, SandboxOptions};

/// Rates that do not get in the way.
pub const UNLIMITED: [(&str, i64); 3] =
    [("discovery_rpm", 100_000), ("comments_rpm", 100_000), ("http_enrich_rpm", 100_000)];

/// A test's world.
pub struct World {
    pub sandbox: Sandbox,
    pub db: TestDb,
    pub clock: Arc<TestClock>,
    pub vault: Vault,
    pub registry: Registry,
    pub worker: TestWorker,
    pub ctx: Ctx,
}

impl World {
    /// A world with `posts` posts at the provider, whose calls may take as long as `timeout`, and
    /// with these settings.
    pub async fn start(posts: usize, timeout: Duration, changed: &[(&str, i64)]) -> World {
        rustls::crypto::ring::default_provider().install_default().ok();
        let sandbox =
            Sandbox::start(SandboxOptions { posts, ..SandboxOptions::default() }).await.unwrap();
        let config = ProviderConfig {
            mcp_base_url: Some(sandbox.mcp_url()),
            mcp_api_key: Some(ApiKey::new("key")),
            mcp_timeout: timeout,
        };
        let db = TestDb::new().await;
        let keys = Keyring::new(MasterKey::generate(), Vec::new());
        let vault = Vault::new(db.pool.clone(), keys);
        let registry = registry(config, &vault).unwrap();
        let clock = TestClock::new();
        let shared: SharedClock = clock.clone();
        let worker = TestWorker::new(&db.pool, shared.clone(), &registry).await.unwrap();
        let actor = Actor::new("admin@example.org", Role::Admin);
        let ctx = Ctx::new(db.pool.clone(), shared, actor);
        for (key, value) in changed {
            settings::change(&ctx, key, *value, None).await.unwrap();
        }
        World { sandbox, db, clock, vault, registry, worker, ctx }
    }
}

/// What another process knows, whose MCP server is at `url` and whose environment has the same key.
pub fn registry_with(url: Option<String>, vault: &Vault) -> Registry {
    let config = ProviderConfig {
        mcp_base_url: url,
        mcp_api_key: Some(ApiKey::new("key")),
        mcp_timeout: Duration::from_millis(500),
    };
    registry(config, vault).unwrap()
}
