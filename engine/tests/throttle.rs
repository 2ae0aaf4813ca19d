//! The auto-throttle with a scripted provider (AV-9).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use signalbox_engine::provider::{Allowance, CallFailure};
use signalbox_engine::{CommandError, jobs, logs, settings, throttle};
use signalbox_model::actor::Role;
use signalbox_model::system_log::SystemLog;
use signalbox_model::throttle::Throttled;

const MINUTE: Duration = Duration::from_secs(60);

/// A world with the throttle on and a rate of 60 calls a minute.
async fn throttling() -> World {
    let world = World::new().await;
    for (key, value) in [
        ("auto_throttle_enabled", 1),
        ("discovery_rpm", 60),
        ("max_concurrent_discovery_jobs", 1000),
    ] {
        settings::change(&world.ctx, key, value, None).await.unwrap();
    }
    world
}

fn left(remaining: u64, resets_in: Duration) -> Option<Allowance> {
    Some(Allowance { limit: 60, remaining, resets_in })
}

/// One call, answered as the script says.
async fn call(world: &World) {
    world.calls(1).await;
    assert_eq!(world.worker.drain().await.unwrap(), 1);
}

/// To how many calls a minute the rate is lowered.
async fn rpm(world: &World) -> Option<i64> {
    lowered(world).await.map(|throttled| throttled.rpm)
}

async fn lowered(world: &World) -> Option<Throttled> {
    throttle::list(&world.ctx, &world.registry).await.unwrap().pop()
}

async fn logged(world: &World) -> Vec<SystemLog> {
    let found = logs::search(&world.ctx, Some("auto_throttle"), None, None, None).await;
    found.unwrap().items
}

#[tokio::test]
async fn av_9_near_the_providers_limit_the_rate_is_lowered_and_comes_back_step_by_step() {
    let world = throttling().await;
    world.script.has_left(left(13, MINUTE));
    call(&world).await;
    assert_eq!(rpm(&world).await, None, "78 % are used");
    world.script.has_left(left(9, MINUTE));
    call(&world).await;
    let throttled = lowered(&world).await.unwrap();
    assert_eq!((throttled.rpm, throttled.of, throttled.used_percent), (9, 60, Some(85)));
    assert_eq!((throttled.rate.as_str(), throttled.since), ("discovery_rpm", world.ctx.now()));
    assert_eq!(settings::read(&world.ctx, "discovery_rpm").await.unwrap().value, 60);

    // Nobody calls, and no scheduler runs: it comes back all the same.
    world.clock.advance(2 * MINUTE);
    assert_eq!(rpm(&world).await, Some(15));
    world.clock.advance(MINUTE);
    assert_eq!(rpm(&world).await, Some(21));
    assert_eq!(throttle::settle(&world.db.pool, world.ctx.now()).await.unwrap(), 1);
    assert_eq!(throttle::settle(&world.db.pool, world.ctx.now()).await.unwrap(), 0);
    assert_eq!(rpm(&world).await, Some(21), "writing it down changes nothing");
    world.clock.advance(10 * MINUTE);
    assert_eq!(rpm(&world).await, None);
    throttle::settle(&world.db.pool, world.ctx.now()).await.unwrap();
    let messages: Vec<_> = logged(&world).await.into_iter().rev().map(|log| log.message).collect();
    assert_eq!(
        messages,
        [
            "The rates of mcp are lowered to 15 % of their settings: 85 % of the provider's own limit are used",
            "The rates of mcp have come back to 35 % of their settings",
            "The rates of mcp are as they are set again",
        ]
    );
}

#[tokio::test]
async fn av_9_a_lowered_rate_bounds_the_claim_and_the_job_says_so() {
    let world = throttling().await;
    world.script.has_left(left(9, MINUTE));
    call(&world).await;
    world.script.has_left(None);
    world.clock.advance(MINUTE);
    let ids = world.calls(20).await;
    assert_eq!(world.worker.drain().await.unwrap(), 2, "a sixth of 9");
    let verdict = jobs::list::detail(&world.ctx, &world.registry, ids[19]).await.unwrap().verdict;
    assert_eq!(verdict.cause, "rate_limit");
    assert!(verdict.sentence.contains("throttled to 9 of 60"), "{}", verdict.sentence);
}

#[tokio::test]
async fn av_9_when_nothing_is_left_nothing_goes_out_until_the_reset() {
    let world = throttling().await;
    world.script.has_left(left(0, MINUTE));
    call(&world).await;
    world.script.has_left(None);
    world.calls(1).await;
    world.clock.advance(MINUTE - Duration::from_millis(1));
    assert_eq!(world.worker.drain().await.unwrap(), 0);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.worker.drain().await.unwrap(), 1);
}

#[tokio::test]
async fn av_9_a_429_without_headers_halves_the_rate() {
    let world = throttling().await;
    world.script.answers(Err(CallFailure::RateLimited {
        retry_after: Some(Duration::from_secs(5)),
        message: "slow down".into(),
    }));
    call(&world).await;
    let throttled = lowered(&world).await.unwrap();
    assert_eq!((throttled.rpm, throttled.used_percent), (30, None));
}

#[tokio::test]
async fn av_9_it_is_off_at_first_and_switching_it_off_restores_the_rate_at_once() {
    let world = throttling().await;
    settings::change(&world.ctx, "auto_throttle_enabled", 0, None).await.unwrap();
    world.script.has_left(left(1, MINUTE));
    call(&world).await;
    assert_eq!((rpm(&world).await, world.count("provider_throttles").await), (None, 0));

    settings::change(&world.ctx, "auto_throttle_enabled", 1, None).await.unwrap();
    call(&world).await;
    assert_eq!(rpm(&world).await, Some(6));
    settings::change(&world.ctx, "auto_throttle_enabled", 0, None).await.unwrap();
    assert_eq!(rpm(&world).await, None);
    throttle::settle(&world.db.pool, world.ctx.now()).await.unwrap();
    settings::change(&world.ctx, "auto_throttle_enabled", 1, None).await.unwrap();
    assert_eq!(rpm(&world).await, None, "what was restored stays restored");
}

#[tokio::test]
async fn av_9_the_threshold_is_a_setting() {
    let world = throttling().await;
    settings::change(&world.ctx, "auto_throttle_threshold_percent", 50, None).await.unwrap();
    world.script.has_left(left(30, MINUTE));
    call(&world).await;
    assert_eq!(rpm(&world).await, Some(30));
}

#[tokio::test]
async fn av_9_a_preview_counts_with_the_throttle() {
    let world = throttling().await;
    world.script.has_left(left(30, MINUTE));
    settings::change(&world.ctx, "auto_throttle_threshold_percent", 50, None).await.unwrap();
    call(&world).await;
    let preview =
        settings::preview(&world.ctx, &world.registry, "discovery_rpm", 120).await.unwrap();
    assert_eq!(preview.throttle_percent, Some(50));
    assert_eq!(
        (preview.present.jobs_per_min, preview.proposed.jobs_per_min),
        (Some(30.0), Some(60.0))
    );
}

#[tokio::test]
async fn av_9_whoever_may_not_read_the_console_sees_no_throttles() {
    let world = World::new().await;
    let technician = world.as_role(Role::Technician);
    let refused = throttle::list(&technician, &world.registry).await.unwrap_err();
    assert!(matches!(refused, CommandError::Forbidden { .. }));
}
