//! Breakers beyond failures in a row: rates, force, history, back-test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use signalbox_engine::breaker::{back_test, force, history, store};
use signalbox_engine::provider::CallFailure;
use signalbox_engine::{CommandError, settings, sweeps};
use signalbox_model::actor::Role;
use signalbox_model::breaker::{
    Breaker, BreakerAction, BreakerCause, BreakerForce, BreakerSettings, BreakerState,
};
use signalbox_model::job::JobState;
use signalbox_model::sweep::{Sweep, Swept};

const WHY: &str = "they bill twice";

async fn mcp(world: &World) -> Breaker {
    store::read(&world.ctx, "mcp").await.unwrap()
}

async fn set(world: &World, key: &str, value: i64) {
    settings::change(&world.ctx, key, value, None).await.unwrap();
}

async fn act(world: &World, action: BreakerAction) -> Result<Breaker, CommandError> {
    force::act(&world.ctx, "mcp", action, WHY, None).await
}

async fn causes(world: &World) -> Vec<BreakerCause> {
    let moves = history::list(&world.ctx, "mcp", None, None).await.unwrap().items;
    moves.into_iter().rev().map(|made| made.cause).collect()
}

/// A world whose provider may be called often.
async fn busy_world() -> World {
    let world = World::new().await;
    set(&world, "discovery_rpm", 100_000).await;
    world
}

#[tokio::test]
async fn op_1_a_breaker_forced_open_parks_the_jobs_and_says_who_and_why() {
    let world = busy_world().await;
    let id = world.calls(1).await[0];
    let held = act(&world, BreakerAction::ForceOpen).await.unwrap();
    assert_eq!(held.state, BreakerState::Open);
    let forced = held.forced.unwrap();
    assert_eq!((forced.to, forced.by.as_str()), (BreakerForce::Open, "admin@example.org"));
    world.clock.advance(Duration::from_secs(86_400));
    assert_eq!(world.worker.drain().await.unwrap(), 0, "no cool-down ends it");
    assert_eq!(world.script.calls(), 0);
    let verdict = signalbox_engine::jobs::why::why(&world.ctx, &world.registry, id).await.unwrap();
    assert_eq!(verdict.cause, "breaker_forced_open");
    assert!(verdict.sentence.contains("forced open by admin@example.org: they bill twice"));

    act(&world, BreakerAction::Reset).await.unwrap();
    assert_eq!(world.worker.drain().await.unwrap(), 1);
    let job = world.job(id).await;
    assert_eq!((job.state, job.attempt), (JobState::Completed, 0));
    assert_eq!(causes(&world).await, [BreakerCause::ForcedOpen, BreakerCause::Reset]);
}

#[tokio::test]
async fn op_1_forced_open_until_a_time_goes_on_to_a_trial() {
    let world = busy_world().await;
    world.calls(3).await;
    let until = Some(world.ctx.now() + chrono::Duration::hours(1));
    force::act(&world.ctx, "mcp", BreakerAction::ForceOpen, WHY, until).await.unwrap();
    world.clock.advance(Duration::from_secs(3599));
    assert_eq!(world.worker.drain().await.unwrap(), 0);
    world.clock.advance(Duration::from_secs(1));
    let trying = mcp(&world).await;
    assert_eq!((trying.state, trying.forced), (BreakerState::HalfOpen, None));
    assert_eq!(world.worker.drain().await.unwrap(), 3);
    assert_eq!(
        causes(&world).await,
        [BreakerCause::ForcedOpen, BreakerCause::ForceEnded, BreakerCause::TrialSucceeded]
    );
}

#[tokio::test]
async fn op_1_a_breaker_forced_closed_lets_every_call_out() {
    let world = busy_world().await;
    act(&world, BreakerAction::ForceClose).await.unwrap();
    world.calls(8).await;
    world.script.fails(8);
    world.worker.drain().await.unwrap();
    let held = mcp(&world).await;
    assert_eq!((held.state, held.failures), (BreakerState::Closed, 0));
    assert_eq!(world.script.calls(), 8);
    // Held open and closed in turn: the row never contradicts itself.
    act(&world, BreakerAction::ForceOpen).await.unwrap();
    act(&world, BreakerAction::ForceClose).await.unwrap();
    assert_eq!(act(&world, BreakerAction::Reset).await.unwrap().forced, None);
}

#[tokio::test]
async fn op_1_a_failure_rate_over_the_last_calls_opens_it() {
    let world = busy_world().await;
    set(&world, "mcp_cb_failure_percent", 50).await;
    set(&world, "mcp_cb_min_calls", 6).await;
    world.calls(20).await;
    for _ in 0..10 {
        world.script.answers(Err(CallFailure::Unavailable("HTTP 500".into())));
        world.script.answers(Ok(()));
    }
    world.worker.drain().await.unwrap();
    let open = mcp(&world).await;
    assert_eq!(open.state, BreakerState::Open, "never five in a row");
    assert_eq!((open.window.calls, open.window.failed), (6, 3));
    assert_eq!(world.script.calls(), 6);
    assert_eq!(causes(&world).await, [BreakerCause::FailureRate]);
}

#[tokio::test]
async fn op_1_slow_calls_open_it() {
    let world = busy_world().await;
    set(&world, "mcp_cb_slow_percent", 100).await;
    set(&world, "mcp_cb_slow_ms", 1000).await;
    set(&world, "mcp_cb_min_calls", 3).await;
    world.calls(5).await;
    world.script.takes(&world.clock, Duration::from_millis(1500));
    world.worker.drain().await.unwrap();
    assert_eq!(mcp(&world).await.window.slow, 3);
    assert_eq!(world.script.calls(), 3);
    assert_eq!(causes(&world).await, [BreakerCause::SlowCalls]);
}

#[tokio::test]
async fn op_1_the_history_keeps_every_move_with_its_cause() {
    let world = busy_world().await;
    world.calls(6).await;
    world.script.fails(5);
    world.worker.drain().await.unwrap();
    world.clock.advance(Duration::from_secs(61));
    world.worker.drain().await.unwrap();
    assert_eq!(
        causes(&world).await,
        [BreakerCause::FailuresInARow, BreakerCause::CooledDown, BreakerCause::TrialSucceeded]
    );
    let newest = history::list(&world.ctx, "mcp", None, Some(1)).await.unwrap();
    assert_eq!(newest.items[0].to, BreakerState::Closed);
    let next = history::list(&world.ctx, "mcp", newest.next_cursor, Some(5)).await.unwrap();
    assert_eq!(next.items[1].detail.as_deref(), Some("HTTP 500"));
}

#[tokio::test]
async fn op_1_a_back_test_says_what_other_settings_would_have_done() {
    let world = busy_world().await;
    // Nothing opens it while the calls are recorded.
    act(&world, BreakerAction::ForceClose).await.unwrap();
    for failures in [6, 3] {
        world.script.fails(failures);
        for _ in 0..10 {
            world.calls(1).await;
            world.worker.drain().await.unwrap();
            world.clock.advance(Duration::from_secs(1));
        }
        // It is well again: a trial is answered.
        world.clock.advance(Duration::from_secs(600));
        world.calls(1).await;
        world.worker.drain().await.unwrap();
        world.clock.advance(Duration::from_secs(1));
    }
    let present = back_test::present(&world.ctx, "mcp").await.unwrap();
    let threshold = |failure_threshold| BreakerSettings { failure_threshold, ..present };
    let try_out = async |settings| back_test::back_test(&world.ctx, "mcp", settings).await.unwrap();
    let now = try_out(present).await;
    assert_eq!((now.calls, now.failed), (31, 9), "22 jobs, nine of which came again");
    assert_eq!(now.openings.len(), 1, "five in a row happened once");
    assert!(now.refused > 0 && now.parked_jobs > 0 && now.open_ms > 0, "{now:?}");
    assert_eq!(try_out(threshold(3)).await.openings.len(), 2);
    let never = try_out(threshold(10)).await;
    assert_eq!((never.openings.len(), never.refused, never.parked_jobs), (0, 0, 0));
    let bad = back_test::back_test(&world.ctx, "mcp", threshold(0)).await.unwrap_err();
    assert!(bad.to_string().contains("failureThreshold"), "{bad}");
}

#[tokio::test]
async fn calls_and_moves_are_forgotten_by_age() {
    let world = busy_world().await;
    act(&world, BreakerAction::ForceClose).await.unwrap();
    world.calls(2).await;
    world.worker.drain().await.unwrap();
    assert_eq!(world.count("provider_calls").await, 2);
    world.clock.advance(Duration::from_secs(49 * 3600));
    let swept = sweeps::run(&world.db.pool, &world.ctx.clock, Sweep::ProviderCalls).await.unwrap();
    assert_eq!(swept, Swept::ProviderCalls { calls_forgotten: 2, moves_forgotten: 0 });
    world.clock.advance(Duration::from_secs(90 * 86_400));
    let swept = sweeps::run(&world.db.pool, &world.ctx.clock, Sweep::ProviderCalls).await.unwrap();
    assert_eq!(swept, Swept::ProviderCalls { calls_forgotten: 0, moves_forgotten: 1 });
}

#[tokio::test]
async fn op_1_a_force_that_makes_no_sense_changes_nothing() {
    let world = busy_world().await;
    let before = world.count("audit_log").await;
    let open = BreakerAction::ForceOpen;
    let nameless = force::act(&world.ctx, "mcp", open, " ", None).await.unwrap_err();
    assert!(matches!(nameless, CommandError::Invalid(_)), "{nameless:?}");
    let past = Some(world.ctx.now());
    let late = force::act(&world.ctx, "mcp", open, WHY, past).await.unwrap_err();
    assert!(matches!(late, CommandError::Invalid(_)), "{late:?}");
    let unknown = force::act(&world.ctx, "nobody", open, WHY, None).await.unwrap_err();
    assert!(matches!(unknown, CommandError::NotFound { .. }), "{unknown:?}");
    assert_eq!(world.count("audit_log").await, before);
    act(&world, open).await.unwrap();
    let again = act(&world, open).await.unwrap_err();
    assert!(matches!(again, CommandError::Conflict(_)), "{again:?}");
    assert_eq!(world.count("audit_log").await, before + 1);
}

#[tokio::test]
async fn op_7_a_powerless_actor_moves_no_breaker() {
    let world = busy_world().await;
    let technician = world.as_role(Role::Technician);
    let before = world.count("audit_log").await;
    let present = back_test::present(&world.ctx, "mcp").await.unwrap();
    let refused = [
        force::act(&technician, "mcp", BreakerAction::ForceOpen, WHY, None).await.map(drop),
        force::act(&technician, "mcp", BreakerAction::Reset, WHY, None).await.map(drop),
        history::list(&technician, "mcp", None, None).await.map(drop),
        back_test::back_test(&technician, "mcp", present).await.map(drop),
    ];
    for result in refused {
        assert!(matches!(result, Err(CommandError::Forbidden { .. })), "{result:?}");
    }
    assert_eq!(mcp(&world).await.state, BreakerState::Closed);
    assert_eq!(world.count("audit_log").await, before);
}
