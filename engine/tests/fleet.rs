//! Workers and the scheduler, stopped and started by operators (ST-4).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use serde_json::json;
use signalbox_engine::schedules::{self, ScheduleSpec};
use signalbox_engine::{CommandError, fleet, logs};
use signalbox_model::actor::Role;
use signalbox_model::fleet::Part;
use signalbox_model::job::JobState;

#[tokio::test]
async fn st_4_a_stopped_worker_ends_what_it_runs_takes_no_more_and_leaves_it_to_the_others() {
    let world = World::new().await;
    let first = world.enqueue("system.noop", json!({})).await;
    let running = world.worker.claim(1).await.unwrap();
    let part = Part::Worker(world.worker.id().to_string());
    fleet::stop(&world.ctx, &part, "its machine is slow").await.unwrap();
    let second = world.enqueue("system.noop", json!({})).await;
    assert!(world.worker.claim(5).await.unwrap().is_empty());
    assert_eq!(world.why(second).await, "workers_stopped", "there is no other yet");
    let shown = fleet::read(&world.ctx).await.unwrap();
    assert_eq!((shown.at_work(), shown.workers[0].running), (0, 1));
    assert_eq!(shown.stop_of(&part).unwrap().reason, "its machine is slow");

    let ended = world.worker.run(running.into_iter().next().unwrap()).await;
    assert_eq!(world.worker.settle(&[ended]).await.unwrap().completed, 1);
    assert_eq!(world.job(first).await.state, JobState::Completed);
    let other = world.another_worker().await;
    assert_eq!(world.why(second).await, "turn");
    assert_eq!(other.drain().await.unwrap(), 1);

    fleet::start(&world.ctx, &part, "repaired").await.unwrap();
    world.enqueue("system.noop", json!({})).await;
    assert_eq!(world.worker.drain().await.unwrap(), 1);
}

#[tokio::test]
async fn st_4_all_workers_are_stopped_those_started_later_too() {
    let world = World::new().await;
    fleet::stop(&world.ctx, &Part::Workers, "new machines").await.unwrap();
    let job = world.enqueue("system.noop", json!({})).await;
    let later = world.another_worker().await;
    assert_eq!(world.worker.drain().await.unwrap() + later.drain().await.unwrap(), 0);
    assert_eq!(world.why(job).await, "workers_stopped");
    assert_eq!(fleet::stops(&world.ctx).await.unwrap().0.unwrap().reason, "new machines");
    fleet::start(&world.ctx, &Part::Workers, "they run").await.unwrap();
    assert_eq!(later.drain().await.unwrap(), 1);
    assert_eq!(world.job(job).await.attempt, 0);
}

#[tokio::test]
async fn st_4_a_stopped_scheduler_ticks_not_and_makes_up_for_it_by_the_schedules_rule() {
    let world = World::new().await;
    let spec = ScheduleSpec::new("often", "system.noop", "*/10 * * * *");
    schedules::declare(&world.db.pool, &[spec], world.ctx.now()).await.unwrap();
    let tick = async || schedules::tick(&world.db.pool, &world.registry, world.ctx.now()).await;
    fleet::stop(&world.ctx, &Part::Scheduler, "a long night").await.unwrap();
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(tick().await.unwrap(), 0);
    fleet::start(&world.ctx, &Part::Scheduler, "it is over").await.unwrap();
    assert_eq!(tick().await.unwrap(), 1, "one run stands for the six that were missed");
}

#[tokio::test]
async fn st_4_stopping_twice_without_a_reason_or_nobody_is_refused_and_both_are_recorded() {
    let world = World::new().await;
    let workers = Part::Workers;
    let refused = fleet::stop(&world.ctx, &workers, " ").await.unwrap_err();
    assert!(matches!(refused, CommandError::Invalid(_)), "{refused}");
    let refused = fleet::start(&world.ctx, &workers, "why not").await.unwrap_err();
    assert!(matches!(refused, CommandError::Conflict(_)), "{refused}");
    for nobody in ["0190a0a0-0000-7000-8000-000000000000", "x", "\0"] {
        let part = Part::from_name(nobody);
        let refused = fleet::stop(&world.ctx, &part, "gone").await.unwrap_err();
        assert!(matches!(refused, CommandError::NotFound { .. }), "{refused}");
    }
    assert_eq!(world.count("audit_log").await, 0);
    fleet::stop(&world.ctx, &workers, "new machines").await.unwrap();
    let refused = fleet::stop(&world.ctx, &workers, "again").await.unwrap_err();
    assert!(matches!(refused, CommandError::Conflict(_)), "{refused}");
    fleet::start(&world.ctx, &workers, "they run").await.unwrap();
    assert_eq!(world.count("audit_log").await, 2);
    let told = logs::about(&world.ctx, "part", "workers").await.unwrap();
    assert_eq!(told.len(), 2);
}

#[tokio::test]
async fn st_4_the_powerless_neither_see_nor_turn_the_fleet() {
    let world = World::new().await;
    for role in [Role::QaLead, Role::Technician] {
        let ctx = world.as_role(role);
        let results = [
            fleet::read(&ctx).await.map(drop),
            fleet::stops(&ctx).await.map(drop),
            fleet::stop(&ctx, &Part::Workers, "mine").await,
            fleet::start(&ctx, &Part::Scheduler, "mine").await,
        ];
        for result in results {
            assert!(matches!(result, Err(CommandError::Forbidden { .. })), "{result:?}");
        }
    }
    assert_eq!(world.count("stopped_roles").await, 0);
}
