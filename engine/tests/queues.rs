//! Queues: pause, resume, drain, bound, and running one job past the others (AV-6, ST-4).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use serde_json::json;
use signalbox_engine::jobs::commands;
use signalbox_engine::{CommandError, Ctx, logs, queues};
use signalbox_model::actor::Role;
use signalbox_model::job::{JobId, JobState};
use signalbox_model::queue::{Queue, QueueState};

async fn queue(world: &World, name: &str) -> Queue {
    let queues = queues::list(&world.ctx, &world.registry).await.unwrap();
    queues.into_iter().find(|queue| queue.name == name).unwrap()
}

async fn noops(world: &World, count: usize) -> Vec<JobId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(world.enqueue("system.noop", json!({})).await);
    }
    ids
}

#[tokio::test]
async fn av_6_a_paused_queue_starts_nothing_and_its_jobs_say_why() {
    let world = World::new().await;
    let held = noops(&world, 3).await;
    let other = world.calls(1).await;
    queues::pause(&world.ctx, &world.registry, "system", "the bill is too high", None)
        .await
        .unwrap();
    assert_eq!(world.worker.drain().await.unwrap(), 1, "only the other queue's job");
    assert_eq!(world.job(other[0]).await.state, JobState::Completed);
    assert_eq!(world.why(held[0]).await, "queue_paused");
    let shown = queue(&world, "system").await;
    assert_eq!((shown.state, shown.waiting), (QueueState::Paused, 3));
    assert_eq!(shown.reason.as_deref(), Some("the bill is too high"));
    let again =
        queues::pause(&world.ctx, &world.registry, "system", "again", None).await.unwrap_err();
    assert!(matches!(again, CommandError::Conflict(_)), "{again}");

    queues::resume(&world.ctx, &world.registry, "system", "paid").await.unwrap();
    assert_eq!(world.worker.drain().await.unwrap(), 3);
    assert_eq!(world.job(held[0]).await.attempt, 0);
    let again = queues::resume(&world.ctx, &world.registry, "system", "again").await.unwrap_err();
    assert!(matches!(again, CommandError::Conflict(_)), "{again}");
    assert_eq!(world.count("audit_log").await, 4 + 2, "four enqueues, a pause and a resume");
}

#[tokio::test]
async fn av_6_a_pause_with_an_end_ends_by_itself() {
    let world = World::new().await;
    noops(&world, 1).await;
    queues::pause(&world.ctx, &world.registry, "system", "lunch", Some(30)).await.unwrap();
    world.clock.advance(Duration::from_secs(29 * 60));
    assert_eq!(queues::settle(&world.db.pool, world.ctx.now()).await.unwrap(), 0);
    assert_eq!(world.worker.drain().await.unwrap(), 0);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.worker.drain().await.unwrap(), 1, "even before the leader has noticed");
    assert_eq!(queues::settle(&world.db.pool, world.ctx.now()).await.unwrap(), 1);
    assert_eq!(queue(&world, "system").await.state, QueueState::Running);
    for minutes in [0, -1, 100_000] {
        let refused =
            queues::pause(&world.ctx, &world.registry, "system", "x", Some(minutes)).await;
        assert!(matches!(refused.unwrap_err(), CommandError::Invalid(_)));
    }
}

#[tokio::test]
async fn st_4_a_drain_works_off_the_old_jobs_tells_how_far_it_is_and_pauses() {
    let world = World::new().await;
    noops(&world, 4).await;
    queues::drain(&world.ctx, &world.registry, "system", "move to the new cluster").await.unwrap();
    let newer = noops(&world, 2).await;
    assert_eq!(world.why(newer[0]).await, "queue_draining");
    let two = world.worker.claim(2).await.unwrap();
    world.clock.advance(Duration::from_secs(10));
    for job in two {
        let ended = world.worker.run(job).await;
        world.worker.settle(&[ended]).await.unwrap();
    }
    let drain = queue(&world, "system").await.drain.unwrap();
    assert_eq!((drain.total, drain.left), (4, 2));
    assert_eq!(drain.eta, Some(world.ctx.now() + chrono::Duration::seconds(10)));
    assert_eq!(queues::settle(&world.db.pool, world.ctx.now()).await.unwrap(), 0);

    assert_eq!(world.worker.drain().await.unwrap(), 2, "the newer ones wait");
    assert_eq!(queues::settle(&world.db.pool, world.ctx.now()).await.unwrap(), 1);
    assert_eq!(queue(&world, "system").await.state, QueueState::Paused);
    assert_eq!(world.why(newer[0]).await, "queue_paused");
    let drained = logs::search(&world.ctx, Some("queue_drained"), None, None, None).await.unwrap();
    assert_eq!(drained.items.len(), 1);
    queues::resume(&world.ctx, &world.registry, "system", "moved").await.unwrap();
    assert_eq!(world.worker.drain().await.unwrap(), 2);
}

#[tokio::test]
async fn av_6_one_job_runs_while_its_queue_is_paused() {
    let world = World::new().await;
    let ids = noops(&world, 3).await;
    queues::pause(&world.ctx, &world.registry, "system", "look first", None).await.unwrap();
    commands::run_next(&world.ctx, ids[2]).await.unwrap();
    assert_eq!(world.why(ids[2]).await, "turn");
    assert_eq!(world.worker.drain().await.unwrap(), 1);
    assert_eq!(world.job(ids[2]).await.state, JobState::Completed);
    assert_eq!(world.count("expedited_jobs").await, 0);
    let ended = commands::run_next(&world.ctx, ids[2]).await.unwrap_err();
    assert!(matches!(ended, CommandError::Conflict(_)), "{ended}");
    let none = commands::run_next(&world.ctx, 4711).await.unwrap_err();
    assert!(matches!(none, CommandError::NotFound { .. }), "{none}");
}

#[tokio::test]
async fn a_job_that_is_not_due_runs_when_it_is_put_next() {
    let world = World::new().await;
    let mut job = signalbox_model::job::NewJob::new("system.noop", json!({}));
    job.run_at = Some(world.ctx.now() + chrono::Duration::hours(1));
    let id = signalbox_engine::jobs::enqueue::enqueue(&world.ctx, &world.registry, job)
        .await
        .unwrap()
        .id;
    assert_eq!(world.worker.drain().await.unwrap(), 0);
    commands::run_next(&world.ctx, id).await.unwrap();
    assert_eq!(world.worker.drain().await.unwrap(), 1);
}

#[tokio::test]
async fn the_bound_of_a_queue_holds_over_all_its_kinds() {
    let world = World::new().await;
    let ids = noops(&world, 5).await;
    queues::bound_to(&world.ctx, &world.registry, "system", Some(2), "be gentle").await.unwrap();
    assert_eq!(world.worker.claim(10).await.unwrap().len(), 2);
    assert_eq!(world.worker.claim(10).await.unwrap().len(), 0);
    assert_eq!(world.why(ids[4]).await, "queue_concurrency");
    queues::bound_to(&world.ctx, &world.registry, "system", None, "enough").await.unwrap();
    assert_eq!(world.worker.claim(10).await.unwrap().len(), 3);
    let refused = queues::bound_to(&world.ctx, &world.registry, "system", Some(-1), "x").await;
    assert!(matches!(refused.unwrap_err(), CommandError::Invalid(_)));
}

#[tokio::test]
async fn queues_take_a_reason_and_must_exist() {
    let world = World::new().await;
    let (ctx, kinds) = (&world.ctx, &world.registry);
    for refused in [
        queues::pause(ctx, kinds, "system", " ", None).await,
        queues::resume(ctx, kinds, "system", "").await,
        queues::drain(ctx, kinds, "system", "").await,
        queues::bound_to(ctx, kinds, "system", Some(1), "").await,
    ] {
        let CommandError::Invalid(errors) = refused.unwrap_err() else { panic!("not invalid") };
        assert_eq!(errors[0].field, "reason");
    }
    for name in ["no-such-queue", "Not A Name"] {
        let refused = queues::pause(ctx, kinds, name, "x", None).await.unwrap_err();
        assert!(matches!(refused, CommandError::NotFound { .. }), "{refused}");
    }
    assert_eq!(world.count("queues").await + world.count("audit_log").await, 0);
}

#[tokio::test]
async fn whoever_may_not_operate_queues_changes_nothing() {
    let world = World::new().await;
    let id = noops(&world, 1).await[0];
    let audited = world.count("audit_log").await;
    for role in [Role::QaLead, Role::Technician] {
        let ctx: Ctx = world.as_role(role);
        for refused in [
            queues::list(&ctx, &world.registry).await.map(drop),
            queues::pause(&ctx, &world.registry, "system", "x", None).await,
            queues::resume(&ctx, &world.registry, "system", "x").await,
            queues::drain(&ctx, &world.registry, "system", "x").await,
            queues::bound_to(&ctx, &world.registry, "system", Some(0), "x").await,
            commands::run_next(&ctx, id).await,
        ] {
            assert!(matches!(refused.unwrap_err(), CommandError::Forbidden { .. }));
        }
    }
    assert_eq!(world.count("queues").await + world.count("expedited_jobs").await, 0);
    assert_eq!(world.count("audit_log").await, audited);
}
