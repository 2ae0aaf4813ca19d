//! The gates of the claim: breaker, kill switch, rates, concurrency. What the system refuses
//! spends no attempt.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use serde_json::json;
use signalbox_engine::provider::CallFailure;
use signalbox_engine::{CommandError, breaker, dead_letters, kill_switch, logs, settings};
use signalbox_model::actor::Role;
use signalbox_model::breaker::BreakerState;
use signalbox_model::job::JobState;

async fn mcp(world: &World) -> signalbox_model::breaker::Breaker {
    let breakers = breaker::store::list(&world.ctx).await.unwrap();
    breakers.into_iter().find(|b| b.provider == "mcp").unwrap()
}

#[tokio::test]
async fn op_1_an_outage_opens_the_breaker_and_parks_the_jobs_unspent() {
    let world = World::new().await;
    settings::change(&world.ctx, "discovery_rpm", 6000, None).await.unwrap();
    let ids = world.calls(20).await;
    world.script.fails(1000);
    world.worker.drain().await.unwrap();
    let open = mcp(&world).await;
    assert_eq!((open.state, open.failures), (BreakerState::Open, 5));
    assert_eq!(world.script.calls(), 5, "the threshold's calls went out, and not one more");

    // While it is open nothing goes out, whatever becomes due.
    world.clock.advance(Duration::from_secs(50));
    assert_eq!(world.worker.drain().await.unwrap(), 0);
    assert_eq!(world.script.calls(), 5);
    assert_eq!(world.why(ids[19]).await, "breaker_open");

    // Half open: one trial, which fails, and the breaker opens again.
    world.clock.advance(Duration::from_secs(20));
    assert_eq!(mcp(&world).await.state, BreakerState::HalfOpen);
    world.worker.drain().await.unwrap();
    assert_eq!(world.script.calls(), 6);
    assert_eq!(mcp(&world).await.state, BreakerState::Open);
    for id in &ids {
        assert_eq!(world.job(*id).await.attempt, 0, "job {id} paid for the outage");
    }
    assert_eq!(world.count("dead_letter_queue").await, 0);
}

#[tokio::test]
async fn op_1_the_first_success_closes_the_breaker_and_the_backlog_completes() {
    let world = World::new().await;
    settings::change(&world.ctx, "discovery_rpm", 6000, None).await.unwrap();
    let ids = world.calls(20).await;
    world.script.fails(5);
    world.worker.drain().await.unwrap();
    assert_eq!(mcp(&world).await.state, BreakerState::Open);
    world.clock.advance(Duration::from_secs(61));
    world.worker.drain().await.unwrap();
    assert_eq!(mcp(&world).await.state, BreakerState::Closed);
    for id in &ids {
        let job = world.job(*id).await;
        assert_eq!((job.state, job.attempt), (JobState::Completed, 0));
    }
    assert_eq!(world.count("dead_letter_queue").await, 0);
    let moves = logs::search(&world.ctx, Some("circuit_breaker_"), None, None, None).await.unwrap();
    let events: Vec<_> = moves.items.iter().rev().map(|log| log.event_type.as_str()).collect();
    assert_eq!(
        events,
        ["circuit_breaker_open", "circuit_breaker_half_open", "circuit_breaker_closed"]
    );
}

#[tokio::test]
async fn a_job_that_fails_a_healthy_provider_pays_for_it() {
    let world = World::new().await;
    let id = world.calls(1).await[0];
    // Its first provider failure is the provider's; after others were answered, it is its own.
    let outage = || Err(CallFailure::Unavailable("HTTP 500".into()));
    world.script.answers(outage());
    world.worker.drain().await.unwrap();
    assert_eq!(world.job(id).await.attempt, 0);
    for spent in 1..=2 {
        world.clock.advance(Duration::from_millis(100));
        world.calls(1).await;
        world.script.answers(Ok(()));
        assert_eq!(world.worker.drain().await.unwrap(), 1, "only the other job is due");
        world.clock.advance(Duration::from_secs(60));
        world.script.answers(outage());
        world.worker.drain().await.unwrap();
        assert_eq!(world.job(id).await.attempt, spent);
    }
}

#[tokio::test]
async fn a_429_snoozes_the_job_and_holds_the_operation() {
    let world = World::new().await;
    let ids = world.calls(3).await;
    let wait = Duration::from_secs(40);
    world.script.answers(Err(CallFailure::RateLimited {
        retry_after: Some(wait),
        message: "slow down".into(),
    }));
    let job = world.worker.claim(1).await.unwrap().remove(0);
    let ended = world.worker.run(job).await;
    world.worker.settle(&[ended]).await.unwrap();
    assert_eq!(world.worker.drain().await.unwrap(), 0, "the others wait, too");
    assert_eq!(world.why(ids[2]).await, "rate_limit");
    assert_eq!(mcp(&world).await.failures, 0);
    world.clock.advance(wait);
    assert_eq!(world.worker.drain().await.unwrap(), 3);
    assert_eq!(world.job(ids[0]).await.attempt, 0);
}

#[tokio::test]
async fn op_4_nothing_starts_while_the_kill_switch_is_on_and_the_job_says_why() {
    let world = World::new().await;
    let id = world.enqueue("system.noop", json!({})).await;
    kill_switch::activate(&world.ctx, "the provider bills twice").await.unwrap();
    assert_eq!(world.worker.drain().await.unwrap(), 0);
    assert_eq!(world.why(id).await, "kill_switch");
    let again = kill_switch::activate(&world.ctx, "again").await.unwrap_err();
    assert!(matches!(again, CommandError::Conflict(_)));
    kill_switch::deactivate(&world.ctx, "fixed").await.unwrap();
    assert_eq!(world.worker.drain().await.unwrap(), 1);
    let logged = logs::search(&world.ctx, Some("kill_switch"), None, None, None).await.unwrap();
    assert_eq!(logged.items.len(), 2);
    assert_eq!(logged.items[1].metadata["requestedBy"], "admin@example.org");
}

#[tokio::test]
async fn op_4_it_takes_a_reason_and_the_right_to_turn_the_kill_switch() {
    let world = World::new().await;
    let without = kill_switch::activate(&world.ctx, "  ").await.unwrap_err();
    assert!(matches!(without, CommandError::Invalid(errors) if errors[0].field == "reason"));
    let viewer = world.as_role(Role::Viewer);
    assert!(matches!(
        kill_switch::activate(&viewer, "x").await.unwrap_err(),
        CommandError::Forbidden { .. }
    ));
    assert!(!kill_switch::read(&world.ctx).await.unwrap().active);
    assert_eq!(world.count("audit_log").await, 0);
}

#[tokio::test]
async fn op_3_concurrency_and_rate_bound_the_claim_and_change_at_once() {
    let world = World::new().await;
    let ids = world.calls(12).await;
    assert_eq!(world.worker.claim(100).await.unwrap().len(), 5, "both bounds are 5 at first");
    assert_eq!(world.why(ids[11]).await, "concurrency");
    settings::change(&world.ctx, "max_concurrent_discovery_jobs", 7, None).await.unwrap();
    assert!(world.worker.claim(100).await.unwrap().len() <= 2);
    settings::change(&world.ctx, "max_concurrent_discovery_jobs", 0, None).await.unwrap();
    assert!(world.worker.claim(100).await.unwrap().is_empty());
}

#[tokio::test]
async fn op_3_a_bad_setting_changes_nothing() {
    let world = World::new().await;
    for (key, value) in [("no_such_key", 1), ("discovery_rpm", -1)] {
        let error = settings::change(&world.ctx, key, value, None).await.unwrap_err();
        assert!(matches!(error, CommandError::Invalid(_)), "{error}");
    }
    let viewer = world.as_role(Role::Viewer);
    let refused = settings::change(&viewer, "discovery_rpm", 10, None).await.unwrap_err();
    assert!(matches!(refused, CommandError::Forbidden { .. }));
    assert_eq!(world.count("system_config").await, 0);
    assert_eq!(world.count("audit_log").await, 0);
}

#[tokio::test]
async fn one_held_lane_does_not_hold_the_others() {
    let world = World::new().await;
    world.calls(50).await;
    settings::change(&world.ctx, "max_concurrent_discovery_jobs", 0, None).await.unwrap();
    world.enqueue("system.noop", json!({})).await;
    assert_eq!(world.worker.drain().await.unwrap(), 1);
}

#[tokio::test]
async fn a_closed_lane_leaves_its_places_to_the_others() {
    let world = World::new().await;
    world.calls(50).await;
    settings::change(&world.ctx, "max_concurrent_discovery_jobs", 0, None).await.unwrap();
    for _ in 0..10 {
        world.enqueue("system.noop", json!({})).await;
    }
    assert_eq!(world.worker.claim(10).await.unwrap().len(), 10);
}

#[tokio::test]
async fn the_letters_of_an_outage_are_none() {
    let world = World::new().await;
    settings::change(&world.ctx, "discovery_rpm", 6000, None).await.unwrap();
    world.calls(10).await;
    world.script.fails(200);
    for _ in 0..30 {
        world.worker.drain().await.unwrap();
        world.clock.advance(Duration::from_secs(61));
    }
    assert_eq!(dead_letters::counts(&world.ctx).await.unwrap().pending, 0);
    assert_eq!(world.count("jobs").await, 10);
}
