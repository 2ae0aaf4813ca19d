//! The auto-throttle against a provider with a limit of its own, over real HTTP (AV-9).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use serde_json::json;
use signalbox_engine::jobs::enqueue;
use signalbox_engine::{logs, settings, throttle};
use signalbox_model::job::NewJob;
use signalbox_model::throttle::Throttled;
use signalbox_pipelines::domains::commands;
use signalbox_sandbox::{CallResult, Provider};

/// What the provider allows in a minute.
const LIMIT: u64 = 60;
const SECOND: Duration = Duration::from_secs(1);

impl World {
    /// A world in which only discovery and extraction run, at these rates.
    async fn new(discovery_rpm: i64, extraction_rpm: i64) -> World {
        let changed = [
            ("discovery_rpm", discovery_rpm),
            ("http_enrich_rpm", extraction_rpm),
            ("comments_rpm", 1),
            ("max_concurrent_harvesting_jobs", 0),
        ];
        World::start(10, Duration::from_secs(5), &changed).await
    }

    /// Discoveries of one call each, and extractions of one call each.
    async fn enqueue(&self, discoveries: usize, extractions: usize) {
        for _ in 0..discoveries {
            commands::trigger_discovery(&self.ctx, &self.registry, 10).await.unwrap();
        }
        for _ in 0..extractions {
            let job = NewJob::new("domains.extraction", json!({ "postId": 1 }));
            enqueue::enqueue(&self.ctx, &self.registry, job).await.unwrap();
        }
    }

    /// Lets `seconds` pass, in which one worker does what it may, job by job.
    async fn pass(&self, seconds: usize) {
        for _ in 0..seconds {
            while let Some(job) = self.worker.claim(1).await.unwrap().pop() {
                let ended = self.worker.run(job).await;
                self.worker.settle(&[ended]).await.unwrap();
            }
            self.clock.advance(SECOND);
            self.sandbox.advance_limit(Provider::Mcp, SECOND);
            throttle::settle(&self.db.pool, self.ctx.now()).await.unwrap();
        }
    }

    /// How many calls ended with `result`.
    fn calls(&self, result: CallResult) -> u64 {
        let calls = self.sandbox.calls(Provider::Mcp);
        ["search_engine", "scrape_as_markdown"].map(|tool| calls.of(tool, result)).iter().sum()
    }

    async fn throttled(&self) -> Vec<Throttled> {
        throttle::list(&self.ctx, &self.registry).await.unwrap()
    }

    async fn logged(&self) -> Vec<String> {
        let found = logs::search(&self.ctx, Some("auto_throttle"), None, None, None).await;
        found.unwrap().items.into_iter().rev().map(|log| log.message).collect()
    }
}

#[tokio::test]
async fn av_9_with_the_throttle_on_no_call_is_ever_refused_and_the_limit_is_used() {
    let world = World::new(120, 1).await;
    settings::change(&world.ctx, "auto_throttle_enabled", 1, None).await.unwrap();
    world.sandbox.set_limit(Provider::Mcp, Some(LIMIT));
    world.enqueue(300, 0).await;
    let mut lowered = Vec::new();
    for _ in 0..240 {
        world.pass(1).await;
        lowered.extend(world.throttled().await.into_iter().find(|t| t.rate == "discovery_rpm"));
    }
    assert_eq!(world.calls(CallResult::RateLimit), 0);
    let served = world.calls(CallResult::Ok);
    assert!(served >= 3 * LIMIT / 2, "{served} calls in 4 minutes of {LIMIT}");
    assert!(lowered.iter().all(|throttled| (12..120).contains(&throttled.rpm)), "{lowered:?}");
    assert!(lowered.iter().any(|throttled| throttled.used_percent >= Some(80)));
    let setting = settings::read(&world.ctx, "discovery_rpm").await.unwrap();
    assert_eq!(setting.value, 120, "the operator's setting is not touched");

    // The provider lifts its limit: the rate comes back by itself, and every step is logged.
    world.sandbox.set_limit(Provider::Mcp, None);
    world.pass(15 * 60).await;
    assert_eq!(world.throttled().await, []);
    let logged = world.logged().await;
    assert!(logged[0].starts_with("The rates of mcp are lowered to"), "{logged:?}");
    assert_eq!(logged.last().unwrap(), "The rates of mcp are as they are set again");
}

#[tokio::test]
async fn av_9_with_the_throttle_off_calls_are_refused() {
    let world = World::new(120, 1).await;
    world.sandbox.set_limit(Provider::Mcp, Some(LIMIT));
    world.enqueue(200, 0).await;
    world.pass(120).await;
    assert!(world.calls(CallResult::RateLimit) > 0);
    assert_eq!((world.throttled().await, world.logged().await), (vec![], vec![]));
}

#[tokio::test]
async fn av_9_operations_that_share_a_providers_limit_are_lowered_together() {
    let world = World::new(60, 60).await;
    settings::change(&world.ctx, "auto_throttle_enabled", 1, None).await.unwrap();
    world.enqueue(1, 0).await;
    world.pass(1).await;
    world.sandbox.set_limit(Provider::Mcp, Some(LIMIT));
    world.enqueue(120, 120).await;
    world.pass(50).await;
    let rates: Vec<_> = world.throttled().await.into_iter().map(|t| (t.rate, t.of)).collect();
    assert!(rates.contains(&("discovery_rpm".into(), 60)), "{rates:?}");
    assert!(rates.contains(&("http_enrich_rpm".into(), 60)), "{rates:?}");
    world.pass(130).await;
    assert_eq!(world.calls(CallResult::RateLimit), 0);
    for tool in ["search_engine", "scrape_as_markdown"] {
        let served = world.sandbox.calls(Provider::Mcp).of(tool, CallResult::Ok);
        assert!(served >= 20, "{served} of {tool}");
    }
}
