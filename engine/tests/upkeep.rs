//! Schedules, the audit log and the overview.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use serde_json::json;
use signalbox_engine::schedules::{self, ScheduleSpec};
use signalbox_engine::{auth, logs, overview, settings};
use signalbox_model::actor::Role;

#[tokio::test]
async fn op_16_each_tick_is_enqueued_once_however_many_schedulers_there_are() {
    let world = World::new().await;
    let spec = ScheduleSpec::new("often", "system.noop", "*/10 * * * *");
    schedules::declare(&world.db.pool, &[spec], world.ctx.now()).await.unwrap();
    for _ in 0..6 {
        world.clock.advance(Duration::from_secs(600));
        let now = world.ctx.now();
        let tick = || schedules::tick(&world.db.pool, &world.registry, now);
        let (a, b, c) = tokio::join!(tick(), tick(), tick());
        assert_eq!(a.unwrap() + b.unwrap() + c.unwrap(), 1);
    }
    assert_eq!(world.count("jobs_ready").await, 6);
}

#[tokio::test]
async fn the_audit_log_cannot_be_changed() {
    let world = World::new().await;
    world.enqueue("system.noop", json!({})).await;
    assert_eq!(world.count("audit_log").await, 1);
    for change in
        ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
    {
        let refused = sqlx::query(change).execute(&world.db.pool).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{change}: {refused}");
    }
}

#[tokio::test]
async fn op_14_what_was_logged_about_one_thing_is_found_by_its_name() {
    let world = World::new().await;
    for (key, value) in [("discovery_rpm", 10), ("comments_rpm", 20), ("discovery_rpm", 12)] {
        settings::change(&world.ctx, key, value, None).await.unwrap();
    }
    let about = logs::about(&world.ctx, "setting", "discovery_rpm").await.unwrap();
    let messages: Vec<_> = about.iter().map(|log| log.message.as_str()).collect();
    assert_eq!(
        messages,
        ["discovery_rpm changed from 10 to 12", "discovery_rpm changed from 30 to 10"]
    );
    assert!(logs::about(&world.ctx, "queue", "discovery_rpm").await.unwrap().is_empty());
    let stranger = world.as_role(Role::Technician);
    assert!(logs::about(&stranger, "setting", "discovery_rpm").await.is_err());
}

#[tokio::test]
async fn op_2_the_metrics_count_what_happened() {
    let world = World::new().await;
    for _ in 0..3 {
        world.enqueue("system.noop", json!({})).await;
    }
    world.enqueue("system.fail", json!({"message": "x"})).await;
    world.worker.drain().await.unwrap();
    world.enqueue("system.noop", json!({})).await;
    let seen = overview::overview(&world.ctx, 1, None).await.unwrap();
    let of = |kind: &str| seen.metrics.iter().find(|m| m.job_type == kind).cloned().unwrap();
    assert_eq!((of("system.noop").completed, of("system.noop").success_rate), (3, Some(1.0)));
    assert_eq!((of("system.fail").failed, of("system.fail").success_rate), (1, Some(0.0)));
    assert_eq!(seen.queues.len(), 1);
    assert_eq!(seen.queues[0].available, 1);
    assert_eq!(seen.dead_letter_counts.pending, 1);
    let one = overview::overview(&world.ctx, 1, Some("system.noop")).await.unwrap();
    assert_eq!(one.metrics.len(), 1);
    assert!(overview::overview(&world.ctx, 0, None).await.is_err());
}

#[tokio::test]
async fn op_7_the_first_admin_changes_the_one_time_password_before_anything_else() {
    let world = World::new().await;
    let clock = &world.ctx.clock;
    let first = auth::users::ensure_first_admin(&world.db.pool, clock, None, None).await.unwrap();
    let auth::users::FirstAdmin::OneTimePassword { email, password } = first else {
        panic!("{first:?}");
    };
    let sign_in = async |email: &str, password: &str| {
        let attempt =
            auth::sign_in::Attempt { email, password, code: None, device: None, address: None };
        let vault = signalbox_engine::vault::Vault::default();
        auth::sign_in::sign_in(&world.db.pool, clock, &vault, attempt).await.map(|one| one.actor)
    };
    assert!(sign_in(&email, "wrong").await.is_err());
    let actor = sign_in(&email.to_uppercase(), &password).await.unwrap();
    assert!(actor.must_change_password);
    let mut ctx = world.ctx.clone();
    ctx.actor = actor;
    assert!(overview::overview(&ctx, 1, None).await.is_err());
    assert!(auth::users::change_password(&ctx, None, &password, "short").await.is_err());
    assert!(auth::users::change_password(&ctx, None, "wrong", "a longer password").await.is_err());
    auth::users::change_password(&ctx, None, &password, "a longer password").await.unwrap();
    ctx.actor = sign_in(&email, "a longer password").await.unwrap();
    assert!(overview::overview(&ctx, 1, None).await.is_ok());
    let second = auth::users::ensure_first_admin(&world.db.pool, clock, None, None).await.unwrap();
    assert_eq!(second, auth::users::FirstAdmin::AlreadyThere);
}

#[tokio::test]
async fn a_session_is_found_by_its_id_until_it_expires() {
    let world = World::new().await;
    let (db, now) = (&world.db.pool, world.ctx.now());
    let soon = now + chrono::Duration::seconds(10);
    assert!(auth::sessions::insert(db, "id", &json!({"a": 1}), soon).await.unwrap());
    assert!(!auth::sessions::insert(db, "id", &json!({}), soon).await.unwrap());
    assert_eq!(auth::sessions::load(db, "id", now).await.unwrap().unwrap().0, json!({"a": 1}));
    assert!(auth::sessions::load(db, "id", soon).await.unwrap().is_none());
    assert_eq!(auth::sessions::delete_expired(db, soon).await.unwrap(), 1);
    let stored: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT id_hash FROM sessions").fetch_all(db).await.unwrap();
    assert!(stored.iter().all(|hash| hash != b"id"));
}
