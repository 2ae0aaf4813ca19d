//! Limits that are changed live: previewed, and for a while (OP-3).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use signalbox_engine::clock::SystemClock;
use signalbox_engine::settings::{self, Settings};
use signalbox_engine::{CommandError, SharedClock, logs};
use signalbox_model::actor::Role;
use signalbox_model::limit_preview::Backlog;
use signalbox_model::setting::EXPIRY_MINUTES_BOUND;
use signalbox_model::system_log::SystemLog;

const KEY: &str = "discovery_rpm";
const MINUTE: Duration = Duration::from_secs(60);

/// The value that a worker sees now.
async fn value(world: &World) -> i64 {
    Settings::read(&world.db.pool, world.ctx.now()).await.unwrap().get(KEY)
}

async fn expire(world: &World) -> usize {
    settings::expire(&world.db.pool, &world.ctx.clock).await.unwrap()
}

/// What was logged about settings, the newest first.
async fn logged(world: &World, event: &str) -> Vec<SystemLog> {
    logs::search(&world.ctx, Some(event), None, None, None).await.unwrap().items
}

#[tokio::test]
async fn op_3_a_temporary_change_ends_for_the_workers_though_no_scheduler_runs() {
    let world = World::new().await;
    settings::change(&world.ctx, "max_concurrent_discovery_jobs", 100, None).await.unwrap();
    world.calls(30).await;
    let changed = settings::change_for(&world.ctx, KEY, 120, 10, Some("rush")).await.unwrap();
    let expiry = changed.expiry.unwrap();
    assert_eq!((changed.value, expiry.reverts_to), (120, 30));
    assert_eq!(expiry.at, world.ctx.now() + chrono::Duration::minutes(10));
    assert_eq!(world.worker.claim(100).await.unwrap().len(), 20, "a sixth of 120");
    world.clock.advance(10 * MINUTE - Duration::from_millis(1));
    assert_eq!(value(&world).await, 120);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(value(&world).await, 30);
    assert_eq!(world.worker.claim(100).await.unwrap().len(), 5, "a sixth of 30");
    let shown = settings::read(&world.ctx, KEY).await.unwrap();
    assert_eq!((shown.value, shown.expiry, shown.updated_by), (30, None, None));
}

#[tokio::test]
async fn op_3_it_reverts_to_the_last_value_that_had_no_end() {
    let world = World::new().await;
    settings::change(&world.ctx, KEY, 40, Some("the contract")).await.unwrap();
    settings::change_for(&world.ctx, KEY, 80, 10, Some("rush")).await.unwrap();
    world.clock.advance(5 * MINUTE);
    let second = settings::change_for(&world.ctx, KEY, 160, 10, None).await.unwrap();
    assert_eq!(second.expiry.unwrap().reverts_to, 40);
    world.clock.advance(6 * MINUTE);
    assert_eq!(value(&world).await, 160, "the first one's end is no more");
    world.clock.advance(4 * MINUTE);
    let ended = settings::read(&world.ctx, KEY).await.unwrap();
    assert_eq!((ended.value, ended.description.as_str()), (40, "the contract"));
}

#[tokio::test]
async fn op_3_a_lasting_change_replaces_the_expiry() {
    let world = World::new().await;
    settings::change_for(&world.ctx, KEY, 80, 10, None).await.unwrap();
    let lasting = settings::change(&world.ctx, KEY, 50, None).await.unwrap();
    assert_eq!((lasting.value, lasting.expiry), (50, None));
    world.clock.advance(11 * MINUTE);
    assert_eq!((expire(&world).await, value(&world).await), (0, 50));
}

#[tokio::test]
async fn op_3_an_expiry_is_logged_and_audited_once_by_however_many_schedulers() {
    let world = World::new().await;
    settings::change_for(&world.ctx, KEY, 80, 1, None).await.unwrap();
    assert_eq!(expire(&world).await, 0, "not yet");
    world.clock.advance(MINUTE);
    let clock: &SharedClock = &world.ctx.clock;
    let many = (0..8).map(|_| settings::expire(&world.db.pool, clock));
    let removed: usize = futures::future::try_join_all(many).await.unwrap().into_iter().sum();
    assert_eq!(removed, 1);
    let log = &logged(&world, "config_expired").await;
    assert_eq!(log.len(), 1);
    assert_eq!(
        log[0].message,
        "discovery_rpm is 30 again: the change to 80 by admin@example.org expired"
    );
    assert_eq!(
        world
            .count("audit_log WHERE action = 'setting.expire' AND actor = 'system:scheduler'")
            .await,
        1
    );
}

#[tokio::test]
async fn op_3_an_expiry_that_nobody_tidied_up_is_logged_before_the_next_change() {
    let world = World::new().await;
    settings::change_for(&world.ctx, KEY, 80, 1, None).await.unwrap();
    world.clock.advance(2 * MINUTE);
    settings::change_for(&world.ctx, KEY, 90, 1, None).await.unwrap();
    let messages: Vec<_> =
        logged(&world, "config_").await.into_iter().map(|log| log.message).collect();
    assert_eq!(messages[0], "discovery_rpm changed from 30 to 90 for 1 minute");
    assert!(messages[1].starts_with("discovery_rpm is 30 again"), "{messages:?}");
    assert_eq!(expire(&world).await, 0);
}

#[tokio::test]
async fn op_3_a_temporary_change_is_reverted_or_kept_by_hand() {
    let world = World::new().await;
    settings::change_for(&world.ctx, KEY, 80, 10, None).await.unwrap();
    let reverted = settings::revert(&world.ctx, KEY).await.unwrap();
    assert_eq!((reverted.value, reverted.expiry), (30, None));
    settings::change_for(&world.ctx, KEY, 80, 10, Some("rush")).await.unwrap();
    let kept = settings::keep(&world.ctx, KEY).await.unwrap();
    assert_eq!((kept.value, kept.expiry, kept.description.as_str()), (80, None, "rush"));
    world.clock.advance(11 * MINUTE);
    assert_eq!(value(&world).await, 80);
    for refused in [settings::revert(&world.ctx, KEY).await, settings::keep(&world.ctx, KEY).await]
    {
        assert!(matches!(refused.unwrap_err(), CommandError::Conflict(_)));
    }
    let unknown = settings::revert(&world.ctx, "max_cats").await.unwrap_err();
    assert!(matches!(unknown, CommandError::NotFound { .. }));
    let acts = "audit_log WHERE action IN ('setting.revert', 'setting.keep')";
    assert_eq!(world.count(acts).await, 2);
}

#[tokio::test]
async fn op_3_an_end_that_makes_no_sense_and_an_actor_without_the_right_change_nothing() {
    let world = World::new().await;
    for minutes in [0, -1, EXPIRY_MINUTES_BOUND + 1, i64::MAX] {
        let refused = settings::change_for(&world.ctx, KEY, 80, minutes, None).await.unwrap_err();
        let CommandError::Invalid(errors) = refused else { panic!("{refused}") };
        assert_eq!(errors[0].field, "expiresInMinutes");
    }
    let refused = settings::change_for(&world.ctx, KEY, 0, 5, None).await.unwrap_err();
    assert!(matches!(refused, CommandError::Invalid(errors) if errors[0].field == "value"));
    let viewer = world.as_role(Role::Viewer);
    settings::change_for(&world.ctx, KEY, 80, 5, None).await.unwrap();
    for refused in [
        settings::change_for(&viewer, KEY, 90, 5, None).await,
        settings::revert(&viewer, KEY).await,
        settings::keep(&viewer, KEY).await,
    ] {
        assert!(matches!(refused.unwrap_err(), CommandError::Forbidden { .. }));
    }
    assert_eq!((value(&world).await, world.count("audit_log").await), (80, 1));
}

#[tokio::test]
async fn op_3_what_the_environment_says_lies_under_a_temporary_change() {
    let world = World::new().await;
    let clock = SystemClock::shared();
    settings::apply_environment(&world.db.pool, &clock, &[(KEY, 20)]).await.unwrap();
    settings::change_for(&world.ctx, KEY, 80, 5, None).await.unwrap();
    settings::apply_environment(&world.db.pool, &clock, &[(KEY, 25)]).await.unwrap();
    assert_eq!(value(&world).await, 80);
    world.clock.advance(5 * MINUTE);
    assert_eq!(value(&world).await, 25);
}

#[tokio::test]
async fn op_3_a_preview_tells_what_waits_how_fast_it_goes_and_when_it_is_cleared() {
    let world = World::new().await;
    world.script.takes(&world.clock, Duration::from_secs(6));
    for _ in 0..5 {
        world.calls(1).await;
        world.worker.drain().await.unwrap();
    }
    world.calls(60).await;
    let rate = settings::preview(&world.ctx, &world.registry, KEY, 90).await.unwrap();
    assert_eq!((rate.waiting, rate.kinds.as_slice()), (60, &["test.call".to_owned()][..]));
    assert_eq!(rate.recent_jobs_per_min, 1.0, "5 in 5 minutes");
    assert_eq!((rate.present.value, rate.present.jobs_per_min), (30, Some(30.0)));
    assert_eq!(rate.present.backlog, Backlog::Cleared { ms: 120_000 });
    // Five places at 6 s each are 50 jobs a minute: the rate alone would allow 90.
    assert_eq!(rate.proposed.held_by.as_deref(), Some("max_concurrent_discovery_jobs"));
    assert_eq!(rate.proposed.backlog, Backlog::Cleared { ms: 72_000 });

    let places = "max_concurrent_discovery_jobs";
    let concurrency = settings::preview(&world.ctx, &world.registry, places, 0).await.unwrap();
    assert_eq!(concurrency.proposed.backlog, Backlog::Stuck);
    assert_eq!(concurrency.present.held_by.as_deref(), Some(KEY));
    assert_eq!(value(&world).await, 30, "a preview changes nothing");
}

#[tokio::test]
async fn op_3_a_preview_refuses_what_a_change_would_and_what_bounds_nothing() {
    let world = World::new().await;
    let preview = async |key: &str, value| {
        settings::preview(&world.ctx, &world.registry, key, value).await.unwrap_err()
    };
    for (key, value, field) in
        [("max_cats", 1, "key"), (KEY, 0, "value"), ("mcp_cb_cooldown_ms", 1000, "key")]
    {
        let refused = preview(key, value).await;
        assert!(matches!(refused, CommandError::Invalid(errors) if errors[0].field == field));
    }
    let technician = world.as_role(Role::Technician);
    let refused = settings::preview(&technician, &world.registry, KEY, 60).await.unwrap_err();
    assert!(matches!(refused, CommandError::Forbidden { .. }));
}
