//! Holding one job, wherever it is, and releasing it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{World, body};
use serde_json::json;
use signalbox_engine::clock::SystemClock;
use signalbox_engine::jobs::worker::{Worker, WorkerOptions};
use signalbox_engine::jobs::{Ended, Ending, commands, enqueue, hold, list};
use signalbox_engine::{CommandError, Ctx, sweeps};
use signalbox_model::actor::Role;
use signalbox_model::job::{JobId, JobState, NewJob};
use signalbox_model::sweep::{Sweep, Swept};
use tokio::sync::Notify;

const WHY: &str = "the bill is too high";

fn is_conflict(result: Result<(), CommandError>) -> bool {
    matches!(result.unwrap_err(), CommandError::Conflict(_))
}

async fn reason_of_wait(world: &World, id: JobId) -> Option<String> {
    world.job(id).await.wait_reason
}

#[tokio::test]
async fn op_11_a_held_job_waits_until_it_is_released_and_says_who_holds_it_and_why() {
    let world = World::new().await;
    let id = world.enqueue("system.noop", json!({})).await;
    let other = world.enqueue("system.noop", json!({})).await;
    let due = world.job(id).await.run_at;
    hold::hold(&world.ctx, id, WHY).await.unwrap();
    world.clock.advance(Duration::from_secs(10 * 365 * 86_400));
    let worker = world.another_worker().await;
    assert_eq!(worker.drain().await.unwrap(), 1, "only the other one, and never in ten years");
    assert_eq!(world.job(other).await.state, JobState::Completed);

    let detail = list::detail(&world.ctx, &world.registry, id).await.unwrap();
    assert_eq!(detail.verdict.cause, "held");
    assert!(detail.verdict.sentence.starts_with("It is held by admin@example.org since "));
    assert!(detail.verdict.sentence.ends_with(": the bill is too high"));
    let held = detail.job.hold.unwrap();
    assert_eq!((held.by.as_str(), held.reason.as_str()), ("admin@example.org", WHY));
    assert_eq!(detail.job.run_at, due, "not the far future");

    hold::release(&world.ctx, id).await.unwrap();
    assert_eq!(worker.drain().await.unwrap(), 1);
    let job = world.job(id).await;
    assert_eq!((job.state, job.attempt, job.hold), (JobState::Completed, 0, None));
    assert_eq!(world.count("job_holds").await, 0);
    assert_eq!(world.count("audit_log WHERE action IN ('job.hold', 'job.release')").await, 2);
    assert_eq!(
        world.count("audit_log WHERE action = 'job.hold' AND reason LIKE 'the bill%'").await,
        1
    );
}

#[tokio::test]
async fn a_job_that_was_not_due_is_not_due_after_its_release() {
    let world = World::new().await;
    let mut job = NewJob::new("system.noop", json!({}));
    job.run_at = Some(world.ctx.now() + chrono::Duration::hours(2));
    let id = enqueue::enqueue(&world.ctx, &world.registry, job).await.unwrap().id;
    hold::hold(&world.ctx, id, WHY).await.unwrap();
    world.clock.advance(Duration::from_secs(3600));
    hold::release(&world.ctx, id).await.unwrap();
    assert_eq!(reason_of_wait(&world, id).await.as_deref(), Some("delayed"));
    assert_eq!(world.worker.drain().await.unwrap(), 0);
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(world.worker.drain().await.unwrap(), 1);
}

#[tokio::test]
async fn op_11_a_running_job_that_is_held_ends_among_the_held_with_no_attempt_spent() {
    let world = World::new().await;
    let id = world.enqueue("system.noop", json!({})).await;
    for ending in [Ending::Stopped, Ending::Failed(failure())] {
        let job = world.worker.claim(1).await.unwrap().remove(0);
        hold::hold(&world.ctx, id, WHY).await.unwrap();
        assert_eq!(world.job(id).await.state, JobState::Running);
        assert!(world.job(id).await.hold.is_some(), "it says that it is asked to stop");
        assert!(is_conflict(hold::hold(&world.ctx, id, "again").await));
        let ended = Ended { job, at: world.ctx.now(), ending };
        assert_eq!(world.worker.settle(&[ended]).await.unwrap().fenced, 0);
        let job = world.job(id).await;
        assert_eq!((job.state, job.wait_reason.as_deref()), (JobState::Scheduled, Some("held")));
        assert_eq!(job.attempt, 0);
        assert_eq!(world.worker.drain().await.unwrap(), 0);
        hold::release(&world.ctx, id).await.unwrap();
        world.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(world.worker.drain().await.unwrap(), 1);
}

/// What spends no attempt by itself.
fn failure() -> signalbox_engine::jobs::JobError {
    signalbox_engine::jobs::JobError::snooze(Duration::from_secs(30), "later")
}

#[tokio::test]
async fn a_hold_outlives_the_worker_that_should_have_obeyed_it() {
    let world = World::new().await;
    let id = world.enqueue("system.noop", json!({})).await;
    world.worker.claim(1).await.unwrap();
    hold::hold(&world.ctx, id, WHY).await.unwrap();
    world.loses_its_worker().await;
    assert_eq!(reason_of_wait(&world, id).await.as_deref(), Some("held"));
    assert_eq!(world.another_worker().await.drain().await.unwrap(), 0);
}

#[tokio::test]
async fn a_release_before_the_worker_has_obeyed_lets_the_job_go_on() {
    let world = World::new().await;
    let id = world.enqueue("system.noop", json!({})).await;
    let job = world.worker.claim(1).await.unwrap().remove(0);
    hold::hold(&world.ctx, id, WHY).await.unwrap();
    hold::release(&world.ctx, id).await.unwrap();
    let ended = Ended { job, at: world.ctx.now(), ending: Ending::Stopped };
    world.worker.settle(&[ended]).await.unwrap();
    assert_eq!(world.job(id).await.state, JobState::Available);
}

#[tokio::test]
async fn op_11_a_worker_stops_the_job_that_is_held_and_no_other() {
    let started = Arc::new(Notify::new());
    let stopped = Arc::new(AtomicUsize::new(0));
    let (begins, counted) = (started.clone(), stopped.clone());
    let (world, held) = World::scripted(body(move |cx| {
        let (begins, counted) = (begins.clone(), counted.clone());
        async move {
            begins.notify_one();
            cx.stop_requested().await;
            counted.fetch_add(1, Ordering::SeqCst);
            cx.check_stop()
        }
    }))
    .await;
    let other = world.enqueue("test.scripted", json!({})).await;
    let options = WorkerOptions { poll: Duration::from_millis(20), ..WorkerOptions::default() };
    let (db, registry) = (world.db.pool.clone(), world.registry.clone());
    let worker = Worker::start(db, SystemClock::shared(), registry, options);
    started.notified().await;
    started.notified().await;
    hold::hold(&world.ctx, held, WHY).await.unwrap();
    let held_now = async {
        while reason_of_wait(&world, held).await.as_deref() != Some("held") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), held_now).await.expect("it is stopped");
    assert_eq!(stopped.load(Ordering::SeqCst), 1);
    assert_eq!(world.job(other).await.state, JobState::Running);
    assert_eq!(world.job(held).await.attempt, 0);
    worker.shutdown(std::future::ready(())).await;
}

#[tokio::test]
async fn what_cannot_be_held_or_released_is_a_conflict_and_a_stranger_is_unknown() {
    let world = World::new().await;
    let id = world.enqueue("system.noop", json!({})).await;
    assert!(is_conflict(hold::release(&world.ctx, id).await), "it is not held");
    hold::hold(&world.ctx, id, WHY).await.unwrap();
    assert!(is_conflict(hold::hold(&world.ctx, id, "again").await), "it is held already");
    let next = commands::run_next(&world.ctx, id).await.unwrap_err();
    assert!(next.to_string().ends_with("Release it first."), "{next}");
    commands::cancel(&world.ctx, id).await.unwrap();
    assert!(is_conflict(hold::hold(&world.ctx, id, WHY).await), "it has ended");
    assert!(is_conflict(hold::release(&world.ctx, id).await), "it has ended");
    assert_eq!(world.job(id).await.hold, None);
    for unknown in [hold::hold(&world.ctx, 4711, WHY).await, hold::release(&world.ctx, 4711).await]
    {
        assert!(matches!(unknown.unwrap_err(), CommandError::NotFound { .. }));
    }
    for reason in ["", "  ", "\0"] {
        let refused = hold::hold(&world.ctx, id, reason).await.unwrap_err();
        assert!(matches!(refused, CommandError::Invalid(_)), "{reason:?}");
    }
    let swept = sweeps::run(&world.db.pool, &world.ctx.clock, Sweep::JobProgress).await.unwrap();
    let one =
        Swept::JobProgress { reports_forgotten: 0, checkpoints_forgotten: 0, holds_forgotten: 1 };
    assert_eq!(swept, one, "the cancelled job's hold");
}

#[tokio::test]
async fn a_job_that_is_buried_while_it_is_held_comes_back_free() {
    let world = World::new().await;
    let id = world.enqueue("test.flaky", json!({})).await;
    world.script.rejects(1);
    let job = world.worker.claim(1).await.unwrap().remove(0);
    hold::hold(&world.ctx, id, WHY).await.unwrap();
    let ended = world.worker.run(job).await;
    world.worker.settle(&[ended]).await.unwrap();
    assert_eq!(world.job(id).await.state, JobState::Dead);
    assert!(is_conflict(hold::hold(&world.ctx, id, WHY).await), "it is dead");
    commands::retry(&world.ctx, id).await.unwrap();
    assert_eq!(world.worker.drain().await.unwrap(), 1);
}

#[tokio::test]
async fn op_7_a_powerless_actor_neither_holds_nor_releases() {
    let world = World::new().await;
    let free = world.enqueue("system.noop", json!({})).await;
    let held = world.enqueue("system.noop", json!({})).await;
    hold::hold(&world.ctx, held, WHY).await.unwrap();
    let written = world.count("audit_log").await;
    for role in [Role::Viewer, Role::QaLead, Role::Technician] {
        let ctx: Ctx = world.as_role(role);
        for refused in [hold::hold(&ctx, free, WHY).await, hold::release(&ctx, held).await] {
            assert!(matches!(refused.unwrap_err(), CommandError::Forbidden { .. }), "{role:?}");
        }
    }
    assert_eq!(world.job(free).await.state, JobState::Available);
    assert_eq!(reason_of_wait(&world, held).await.as_deref(), Some("held"));
    assert_eq!(world.count("audit_log").await, written);
}
