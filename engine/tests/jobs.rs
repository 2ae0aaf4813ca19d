//! Jobs: enqueue, claim, retry, bury, and that nothing is recorded twice.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use serde_json::json;
use signalbox_engine::jobs::{enqueue, reclaim_lost};
use signalbox_engine::testing::TestWorker;
use signalbox_engine::{CommandError, dead_letters, jobs};
use signalbox_model::actor::Role;
use signalbox_model::dead_letter::{DeadLetterFilter, DeadLetterStatus};
use signalbox_model::error_class::ErrorClass;
use signalbox_model::job::{AttemptOutcome, JobState, NewJob};

#[tokio::test]
async fn a_job_runs_once_and_its_completion_is_recorded() {
    let world = World::new().await;
    let id = world.enqueue("system.noop", json!({})).await;
    assert_eq!(world.worker.drain().await.unwrap(), 1);
    let job = world.job(id).await;
    assert_eq!(job.state, JobState::Completed);
    assert_eq!(job.attempt, 0);
    assert_eq!(world.count("jobs_finished").await, 1);
    assert_eq!(world.worker.drain().await.unwrap(), 0);
}

#[tokio::test]
async fn a_repeated_idempotency_key_returns_the_first_job() {
    let world = World::new().await;
    let job = || NewJob::new("system.noop", json!({})).with_key("once");
    let first = enqueue::enqueue(&world.ctx, &world.registry, job()).await.unwrap();
    let second = enqueue::enqueue(&world.ctx, &world.registry, job()).await.unwrap();
    assert!(!first.existed && second.existed);
    assert_eq!(first.id, second.id);
    let both =
        enqueue::enqueue_batch(&world.ctx, &world.registry, vec![job(), job()]).await.unwrap();
    assert!(both.iter().all(|job| job.existed && job.id == first.id));
    assert_eq!(world.count("jobs_ready").await, 1);
}

#[tokio::test]
async fn the_same_new_key_twice_in_one_batch_is_one_job() {
    let world = World::new().await;
    let job = || NewJob::new("system.noop", json!({})).with_key("twins");
    let both =
        enqueue::enqueue_batch(&world.ctx, &world.registry, vec![job(), job()]).await.unwrap();
    assert_eq!(both[0].id, both[1].id);
    assert!(!both[0].existed && both[1].existed);
    assert_eq!(world.count("jobs_ready").await, 1);
}

#[tokio::test]
async fn an_unknown_kind_or_payload_is_refused_with_what_is_known() {
    let world = World::new().await;
    for job in [NewJob::new("no.such", json!({})), NewJob::new("system.sleep", json!({"ms": "x"}))]
    {
        let error = enqueue::enqueue(&world.ctx, &world.registry, job).await.unwrap_err();
        assert!(matches!(error, CommandError::Invalid(_)), "{error}");
    }
    assert_eq!(world.count("jobs_ready").await, 0);
}

#[tokio::test]
async fn a_powerless_actor_can_neither_enqueue_nor_read() {
    let world = World::new().await;
    for role in [Role::QaLead, Role::Technician] {
        let ctx = world.as_role(role);
        let job = NewJob::new("system.noop", json!({}));
        let refused = enqueue::enqueue(&ctx, &world.registry, job).await.unwrap_err();
        assert!(matches!(refused, CommandError::Forbidden { .. }));
        assert!(matches!(
            jobs::commands::cancel(&ctx, 1).await.unwrap_err(),
            CommandError::Forbidden { .. }
        ));
        assert!(matches!(
            jobs::commands::retry(&ctx, 1).await.unwrap_err(),
            CommandError::Forbidden { .. }
        ));
        assert!(jobs::list::list(&ctx, &world.registry, &Default::default()).await.is_err());
        assert!(jobs::why::why(&ctx, &world.registry, 1).await.is_err());
    }
    assert_eq!(world.count("audit_log").await, 0);
}

#[tokio::test]
async fn the_more_urgent_job_goes_first_and_a_later_one_waits_for_its_time() {
    let world = World::new().await;
    let mut job = NewJob::new("system.noop", json!({}));
    job.priority = Some(9);
    let last = enqueue::enqueue(&world.ctx, &world.registry, job.clone()).await.unwrap().id;
    job.priority = Some(0);
    let first = enqueue::enqueue(&world.ctx, &world.registry, job.clone()).await.unwrap().id;
    job.run_at = Some(world.ctx.now() + chrono::Duration::hours(1));
    let later = enqueue::enqueue(&world.ctx, &world.registry, job).await.unwrap().id;
    assert_eq!(world.job(later).await.state, JobState::Scheduled);
    assert_eq!(world.why(later).await, "not_due");
    let claimed: Vec<_> = world.worker.claim(1).await.unwrap().iter().map(|job| job.id).collect();
    assert_eq!(claimed, [first]);
    world.clock.advance(Duration::from_secs(3600));
    let mut rest: Vec<_> = world.worker.claim(9).await.unwrap().iter().map(|job| job.id).collect();
    rest.sort_unstable();
    assert_eq!(rest, [last, later]);
}

#[tokio::test]
async fn a_failing_job_backs_off_and_is_buried_after_its_last_attempt() {
    let world = World::new().await;
    let mut job = NewJob::new("system.fail", json!({"message": "no 7", "class": "rejected"}));
    job.max_attempts = Some(3);
    let id = enqueue::enqueue(&world.ctx, &world.registry, job).await.unwrap().id;
    for attempt in 1..3 {
        assert_eq!(world.worker.drain().await.unwrap(), 1);
        let job = world.job(id).await;
        assert_eq!((job.state, job.attempt), (JobState::Scheduled, attempt));
        assert_eq!(job.wait_reason.as_deref(), Some("backoff"));
        world.clock.advance(Duration::from_secs(30));
    }
    assert_eq!(world.worker.drain().await.unwrap(), 1);
    assert_eq!(world.job(id).await.state, JobState::Dead);
    let letters = dead_letters::list(&world.ctx, &DeadLetterFilter::default(), None, None)
        .await
        .unwrap()
        .items;
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].job_id, letters[0].attempts), (id, 3));
    assert_eq!(letters[0].error_class, ErrorClass::Rejected);
    assert_eq!(letters[0].fingerprint, "rejected: no …");
    assert!(letters[0].first_failed_at < letters[0].last_failed_at);
}

#[tokio::test]
async fn a_panic_is_an_error_of_its_job_alone() {
    let world = World::new().await;
    let id = world.enqueue("test.panic", json!({})).await;
    let other = world.enqueue("system.noop", json!({})).await;
    world.worker.drain().await.unwrap();
    assert_eq!(world.job(id).await.error_class, Some(ErrorClass::Panic));
    assert_eq!(world.job(other).await.state, JobState::Completed);
}

#[tokio::test]
async fn op_6_retrying_twice_is_a_conflict_and_one_job() {
    let world = World::new().await;
    let id = world.enqueue("system.fail", json!({"message": "x"})).await;
    world.worker.drain().await.unwrap();
    let letter = dead_letters::list(&world.ctx, &DeadLetterFilter::default(), None, None)
        .await
        .unwrap()
        .items[0]
        .id;
    assert_eq!(dead_letters::retry(&world.ctx, letter).await.unwrap(), id);
    let again = dead_letters::retry(&world.ctx, letter).await.unwrap_err();
    assert!(matches!(again, CommandError::Conflict(_)), "{again}");
    assert_eq!(world.count("jobs_ready").await, 1);
    let status = Some(DeadLetterStatus::RetryScheduled);
    let retried = DeadLetterFilter { status, ..DeadLetterFilter::default() };
    let scheduled = dead_letters::list(&world.ctx, &retried, None, None);
    assert_eq!(scheduled.await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn op_5_a_retry_that_fails_again_makes_the_letter_pending_again() {
    let world = World::new().await;
    world.enqueue("system.fail", json!({"message": "x"})).await;
    world.worker.drain().await.unwrap();
    let letter = dead_letters::list(&world.ctx, &DeadLetterFilter::default(), None, None)
        .await
        .unwrap()
        .items[0]
        .clone();
    world.clock.advance(Duration::from_secs(60));
    dead_letters::retry(&world.ctx, letter.id).await.unwrap();
    world.worker.drain().await.unwrap();
    let now = dead_letters::list(&world.ctx, &DeadLetterFilter::default(), None, None)
        .await
        .unwrap()
        .items[0]
        .clone();
    assert_eq!(now.id, letter.id);
    assert_eq!((now.status, now.attempts), (DeadLetterStatus::Pending, 2));
    assert_eq!(now.first_failed_at, letter.first_failed_at);
    assert!(now.last_failed_at > letter.last_failed_at);
}

#[tokio::test]
async fn op_5_a_retry_that_succeeds_removes_the_letter() {
    let world = World::new().await;
    world.script.answers(Err(signalbox_engine::provider::CallFailure::Rejected("bad".into())));
    let mut job = NewJob::new("test.call", json!({}));
    job.max_attempts = Some(1);
    let id = enqueue::enqueue(&world.ctx, &world.registry, job).await.unwrap().id;
    world.worker.drain().await.unwrap();
    let letter = dead_letters::list(&world.ctx, &DeadLetterFilter::default(), None, None)
        .await
        .unwrap()
        .items[0]
        .id;
    dead_letters::retry(&world.ctx, letter).await.unwrap();
    world.worker.drain().await.unwrap();
    assert_eq!(world.job(id).await.state, JobState::Completed);
    assert_eq!(world.count("dead_letter_queue").await, 0);
}

#[tokio::test]
async fn op_5_every_action_on_a_letter_is_logged_the_failed_ones_too() {
    let world = World::new().await;
    for _ in 0..2 {
        world.enqueue("system.fail", json!({"message": "x"})).await;
    }
    world.worker.drain().await.unwrap();
    let letters = dead_letters::list(&world.ctx, &DeadLetterFilter::default(), None, None)
        .await
        .unwrap()
        .items;
    dead_letters::retry(&world.ctx, letters[0].id).await.unwrap();
    dead_letters::delete(&world.ctx, letters[1].id).await.unwrap();
    let unknown = dead_letters::delete(&world.ctx, 4711).await.unwrap_err();
    assert!(matches!(unknown, CommandError::NotFound { .. }));
    let logs =
        signalbox_engine::logs::search(&world.ctx, Some("dlq_"), None, None, None).await.unwrap();
    let events: Vec<_> = logs.items.iter().map(|log| log.event_type.as_str()).collect();
    assert_eq!(events, ["dlq_error", "dlq_delete", "dlq_retry"]);
}

#[tokio::test]
async fn op_6_a_powerless_actor_changes_no_letter() {
    let world = World::new().await;
    world.enqueue("system.fail", json!({"message": "x"})).await;
    world.worker.drain().await.unwrap();
    let letter = dead_letters::list(&world.ctx, &DeadLetterFilter::default(), None, None)
        .await
        .unwrap()
        .items[0]
        .id;
    let viewer = world.as_role(Role::Viewer);
    assert!(matches!(
        dead_letters::retry(&viewer, letter).await.unwrap_err(),
        CommandError::Forbidden { .. }
    ));
    assert!(matches!(
        dead_letters::delete(&viewer, letter).await.unwrap_err(),
        CommandError::Forbidden { .. }
    ));
    assert_eq!(dead_letters::counts(&world.ctx).await.unwrap().pending, 1);
}

#[tokio::test]
async fn a_lost_workers_jobs_come_back_unspent_and_its_late_answer_is_fenced() {
    let world = World::new().await;
    let id = world.enqueue("system.noop", json!({})).await;
    let zombie =
        TestWorker::new(&world.db.pool, world.ctx.clock.clone(), &world.registry).await.unwrap();
    let job = zombie.claim(1).await.unwrap().remove(0);
    let ended = zombie.run(job).await;
    sqlx::query("UPDATE workers SET lease_until = $2 WHERE id = $1")
        .bind(zombie.id())
        .bind(world.ctx.now())
        .execute(&world.db.pool)
        .await
        .unwrap();
    assert_eq!(reclaim_lost(&world.db.pool, world.ctx.now()).await.unwrap(), 1);
    assert_eq!(world.worker.drain().await.unwrap(), 1);
    let settled = zombie.settle(&[ended]).await.unwrap();
    assert_eq!((settled.completed, settled.fenced), (0, 1));
    assert_eq!(world.count("jobs_finished").await, 1);
    let detail = jobs::list::detail(&world.ctx, &world.registry, id).await.unwrap();
    assert_eq!(detail.job.attempt, 0);
    let outcomes: Vec<_> = detail.attempts.iter().filter_map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [AttemptOutcome::Completed, AttemptOutcome::Lost]);
    assert!(zombie.claim(1).await.unwrap().is_empty(), "a worker without a lease claims nothing");
}

#[tokio::test]
async fn a_late_answer_is_fenced_even_when_the_same_job_runs_again() {
    let world = World::new().await;
    world.enqueue("system.noop", json!({})).await;
    let zombie =
        TestWorker::new(&world.db.pool, world.ctx.clock.clone(), &world.registry).await.unwrap();
    let job = zombie.claim(1).await.unwrap().remove(0);
    let late = zombie.run(job).await;
    signalbox_engine::jobs::deregister(&world.db.pool, zombie.id()).await.unwrap();
    reclaim_lost(&world.db.pool, world.ctx.now()).await.unwrap();
    let again = world.worker.claim(1).await.unwrap();
    assert_eq!(zombie.settle(&[late]).await.unwrap().fenced, 1);
    assert_eq!(world.count("jobs_running").await, 1, "the new lease is untouched");
    let ended = world.worker.run(again[0].clone()).await;
    assert_eq!(world.worker.settle(&[ended]).await.unwrap().completed, 1);
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once_and_an_ended_one_is_not() {
    let world = World::new().await;
    let id = world.enqueue("system.noop", json!({})).await;
    jobs::commands::cancel(&world.ctx, id).await.unwrap();
    assert_eq!(world.job(id).await.state, JobState::Cancelled);
    assert!(matches!(
        jobs::commands::cancel(&world.ctx, id).await.unwrap_err(),
        CommandError::Conflict(_)
    ));
    assert!(matches!(
        jobs::commands::cancel(&world.ctx, 4711).await.unwrap_err(),
        CommandError::NotFound { .. }
    ));
    assert_eq!(world.worker.drain().await.unwrap(), 0);
}

#[tokio::test]
async fn lists_filter_by_everything_at_once_and_page_by_keyset() {
    let world = World::new().await;
    for n in 0..5 {
        world.enqueue("system.noop", json!({"name": format!("Job-{n}")})).await;
    }
    world.enqueue("system.sleep", json!({"ms": 1})).await;
    let filter = signalbox_model::job::JobFilter {
        state: Some(JobState::Available),
        kind: Some("system.noop".into()),
        q: Some("job-".into()),
        limit: Some(2),
        ..Default::default()
    };
    let mut seen = Vec::new();
    let mut next = filter.clone();
    loop {
        let page = jobs::list::list(&world.ctx, &world.registry, &next).await.unwrap();
        seen.extend(page.items.iter().map(|job| job.payload["name"].as_str().unwrap().to_owned()));
        let Some(cursor) = page.next_cursor else { break };
        next.cursor = Some(cursor);
    }
    assert_eq!(seen, ["Job-4", "Job-3", "Job-2", "Job-1", "Job-0"]);
}
