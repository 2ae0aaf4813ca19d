//! Sweeps: each does its part, twice does nothing, and operators see how it went.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use serde_json::json;
use signalbox_engine::{CommandError, jobs, logs, schedules, sweeps, upkeep};
use signalbox_model::actor::Role;
use signalbox_model::job::JobState;
use signalbox_model::sweep::{Sweep, SweepStatus, Swept};

const DAY: u64 = 86_400;

async fn run(world: &World, sweep: Sweep) -> Swept {
    sweeps::run(&world.db.pool, &world.ctx.clock, sweep).await.unwrap()
}

async fn status(world: &World, sweep: Sweep) -> SweepStatus {
    sweeps::list(&world.ctx).await.unwrap().into_iter().find(|s| s.name == sweep).unwrap()
}

#[tokio::test]
async fn op_16_partitions_are_made_ahead_and_dropped_when_they_are_90_days_old() {
    let world = World::new().await;
    let Swept::Partitions { made } = run(&world, Sweep::Partitions).await else { panic!() };
    assert!(made > 0);
    assert_eq!(run(&world, Sweep::Partitions).await, Swept::Partitions { made: 0 });
    world.clock.advance(Duration::from_secs(90 * DAY));
    let none = Swept::Retention { partitions_dropped: 0, counters_deleted: 0 };
    assert_eq!(run(&world, Sweep::Retention).await, none);
    world.clock.advance(Duration::from_secs(30 * DAY));
    let all = Swept::Retention { partitions_dropped: made, counters_deleted: 0 };
    assert_eq!(run(&world, Sweep::Retention).await, all);
    assert_eq!(run(&world, Sweep::Retention).await, none);
}

#[tokio::test]
async fn op_16_the_cleanup_drops_old_jobs_and_logs_and_says_how_many() {
    let world = World::new().await;
    run(&world, Sweep::Partitions).await;
    world.enqueue("system.noop", json!({})).await;
    world.worker.drain().await.unwrap();
    assert_eq!(world.count("jobs_finished").await, 1);
    world.clock.advance(Duration::from_secs(120 * DAY));
    let cleanup = world.enqueue("system.cleanup", json!({})).await;
    world.worker.drain().await.unwrap();
    assert_eq!(world.job(cleanup).await.state, JobState::Completed);
    assert_eq!(world.count("jobs_finished WHERE kind = 'system.noop'").await, 0);
    assert_eq!(world.count("audit_log").await, 2, "the audit log is never cleaned up");
    let pruned: String =
        sqlx::query_scalar("SELECT message FROM system_logs WHERE event_type = 'cleanup'")
            .fetch_one(&world.db.pool)
            .await
            .unwrap();
    assert!(pruned.starts_with("Pruned 21 daily partitions of finished jobs"), "{pruned}");
    assert!(pruned.contains("and 1 counter,"), "{pruned}");
    assert!(status(&world, Sweep::Retention).await.effect.is_some());
}

#[tokio::test]
async fn op_16_old_idempotency_keys_are_forgotten_and_young_ones_kept() {
    let world = World::new().await;
    for key in ["old", "young"] {
        let job = signalbox_model::job::NewJob::new("system.noop", json!({})).with_key(key);
        jobs::enqueue::enqueue(&world.ctx, &world.registry, job).await.unwrap();
        world.clock.advance(Duration::from_secs(4 * DAY));
    }
    assert_eq!(run(&world, Sweep::IdempotencyKeys).await, Swept::IdempotencyKeys { forgotten: 1 });
    assert_eq!(world.count("idempotency_keys WHERE key = 'young'").await, 1);
}

#[tokio::test]
async fn a_lost_worker_is_told_by_its_lease_and_not_by_the_age_of_its_jobs() {
    let world = World::new().await;
    let db = &world.db.pool;
    let (old, young) = (
        world.enqueue("system.noop", json!({})).await,
        world.enqueue("system.noop", json!({})).await,
    );
    // The first job runs for a day on a worker that lives on; the second for a minute on one that
    // does not renew its lease.
    let held = world.worker.claim(1).await.unwrap();
    world.clock.advance(Duration::from_secs(DAY));
    let lease = Duration::from_secs(15);
    let dying = jobs::register(db, &world.registry, "dying", lease, world.ctx.now()).await.unwrap();
    let mut claimer = jobs::claim::Claimer::default();
    let mut conn = db.acquire().await.unwrap();
    claimer.claim(&mut conn, &world.registry, dying, 1, world.ctx.now()).await.unwrap();
    assert_eq!(run(&world, Sweep::LostWorkers).await, Swept::LostWorkers { jobs_taken_back: 0 });
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(run(&world, Sweep::LostWorkers).await, Swept::LostWorkers { jobs_taken_back: 1 });
    assert_eq!(world.job(old).await.state, JobState::Running);
    assert_eq!(world.job(young).await.state, JobState::Available);
    assert_eq!(world.job(young).await.attempt, 0);
    drop(held);
}

#[tokio::test]
async fn every_sweep_has_a_status_that_keeps_its_last_effect_and_its_last_error() {
    let world = World::new().await;
    let before = sweeps::list(&world.ctx).await.unwrap();
    assert_eq!(before.iter().map(|s| s.name).collect::<Vec<_>>(), Sweep::ALL);
    assert!(before.iter().all(|s| s.run_at.is_none()));

    let first_at = world.ctx.now();
    let made = run(&world, Sweep::Partitions).await;
    let first = status(&world, Sweep::Partitions).await;
    assert_eq!(
        (first.run_at, first.report, first.effect),
        (Some(first_at), Some(made), Some(made))
    );

    // Idle runs in the same minute leave the note as it is.
    world.clock.advance(Duration::from_secs(1));
    run(&world, Sweep::Partitions).await;
    assert_eq!(status(&world, Sweep::Partitions).await, first);
    world.clock.advance(Duration::from_secs(60));
    run(&world, Sweep::Partitions).await;
    let second = status(&world, Sweep::Partitions).await;
    assert_eq!(second.report, Some(Swept::Partitions { made: 0 }));
    assert_eq!((second.effect, second.effect_at), (Some(made), Some(first_at)));

    sqlx::query("ALTER FUNCTION make_partitions RENAME TO gone")
        .execute(&world.db.pool)
        .await
        .unwrap();
    let failed = sweeps::run(&world.db.pool, &world.ctx.clock, Sweep::Partitions).await;
    assert!(failed.is_err());
    let third = status(&world, Sweep::Partitions).await;
    assert!(third.error.unwrap().contains("make_partitions"));
    assert_eq!((third.report, third.error_at), (None, Some(world.ctx.now())));
}

#[tokio::test]
async fn the_powerless_do_not_see_the_sweeps() {
    let world = World::new().await;
    let refused = sweeps::list(&world.as_role(Role::Technician)).await;
    assert!(matches!(refused, Err(CommandError::Forbidden { .. })));
}

#[tokio::test]
async fn op_16_every_scheduled_kind_exists_and_understands_its_payload() {
    let world = World::new().await;
    let schedules = upkeep::schedules();
    let when = |name: &str| schedules.iter().find(|s| s.name == name).unwrap().cron;
    assert_eq!(when("health-check"), "*/5 * * * *");
    assert_eq!(when("materialized-views-refresh"), "*/5 * * * *");
    assert_eq!(when("cleanup"), "0 2 * * 7");
    for spec in schedules {
        let kind = world.registry.kind(spec.kind).expect(spec.kind);
        assert_eq!((kind.check)(&spec.payload), Ok(()), "{}", spec.name);
        assert_eq!(kind.spec.queue, "maintenance");
    }
}

#[tokio::test]
async fn op_16_the_health_check_logs_what_is_wrong_and_when_it_is_over() {
    let world = World::new().await;
    let check = async || {
        world.enqueue("system.health-check", json!({})).await;
        world.worker.drain().await.unwrap();
    };
    check().await;
    assert_eq!(world.count("system_logs WHERE event_type = 'health_check'").await, 0);
    for _ in 0..10 {
        world.enqueue("system.fail", json!({ "message": "made to fail" })).await;
    }
    world.worker.drain().await.unwrap();
    check().await;
    sqlx::query("DELETE FROM dead_letter_queue").execute(&world.db.pool).await.unwrap();
    world.clock.advance(Duration::from_secs(7200));
    check().await;
    check().await;
    let logged: Vec<(String, String)> = sqlx::query_as(
        "SELECT level, message FROM system_logs WHERE event_type = 'health_check' ORDER BY id",
    )
    .fetch_all(&world.db.pool)
    .await
    .unwrap();
    assert_eq!(logged.len(), 2, "{logged:?}");
    assert_eq!(logged[0].0, "warn");
    assert!(logged[0].1.contains("10 dead letters; only 0 % of system.fail"), "{logged:?}");
    assert_eq!(logged[1], ("info".into(), "Health check: all is well again".into()));
}

#[tokio::test]
async fn st_6_retention_is_scheduled_at_start_in_the_maintenance_queue_and_logs_what_it_pruned() {
    let world = World::new().await;
    let specs = upkeep::schedules();
    schedules::declare(&world.db.pool, &specs, world.ctx.now()).await.unwrap();
    let declared = schedules::list(&world.ctx).await.unwrap();
    assert!(declared.iter().any(|schedule| schedule.kind == "system.cleanup"));

    let id = world.enqueue("system.cleanup", json!({})).await;
    assert_eq!(world.job(id).await.queue, "maintenance");
    world.worker.drain().await.unwrap();
    let logs = logs::search(&world.ctx, Some("cleanup"), None, None, None).await.unwrap();
    let message = &logs.items[0].message;
    assert!(message.starts_with("Pruned ") && message.ends_with("older than 90 days"), "{message}");
    assert_eq!(logs.items[0].job_id, Some(id));
}
