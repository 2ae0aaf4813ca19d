//! Dead letters at scale: groups, bulk operations, the canary, the cap.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use serde_json::json;
use signalbox_engine::dead_letters::{bulk, cap, groups, runner};
use signalbox_engine::{CommandError, dead_letters, logs, queues, settings};
use signalbox_model::actor::Role;
use signalbox_model::bulk_operation::{BulkAction, BulkOperation, BulkRequest, BulkState};
use signalbox_model::dead_letter::{DeadLetterFilter, Mark, Standing};
use signalbox_model::error_class::ErrorClass;

const SECOND: Duration = Duration::from_secs(1);
const UNDO: Duration = Duration::from_secs(10);

fn request(action: BulkAction) -> BulkRequest {
    BulkRequest {
        action,
        filter: DeadLetterFilter::default(),
        all: true,
        reason: "the provider is back".into(),
        rate_per_second: None,
        up_to: None,
    }
}

fn by_fingerprint(action: BulkAction, fingerprint: &str) -> BulkRequest {
    let fingerprint = Some(fingerprint.to_owned());
    let filter = DeadLetterFilter { fingerprint, ..DeadLetterFilter::default() };
    BulkRequest { filter, ..request(action) }
}

/// `count` letters of jobs that fail with `message` every time.
async fn bury(world: &World, count: usize, message: &str) {
    for _ in 0..count {
        world.enqueue("system.fail", json!({ "message": message, "class": "rejected" })).await;
    }
    world.worker.drain().await.unwrap();
}

/// `count` letters of `test.flaky` jobs: they fail until the script has run out of failures.
async fn bury_flaky(world: &World, count: usize) {
    world.script.rejects(count);
    for _ in 0..count {
        world.enqueue("test.flaky", json!({})).await;
    }
    world.worker.drain().await.unwrap();
    assert_eq!(pending(world).await, i64::try_from(count).unwrap());
}

async fn pending(world: &World) -> i64 {
    dead_letters::counts(&world.ctx).await.unwrap().pending
}

async fn round(world: &World) -> usize {
    runner::advance(&world.db.pool, world.ctx.now()).await.unwrap()
}

async fn read(world: &World, id: i64) -> BulkOperation {
    bulk::read(&world.ctx, id).await.unwrap()
}

/// Rounds, a second apart, with the jobs run in between, until the operation has ended.
async fn to_the_end(world: &World, id: i64) -> BulkOperation {
    for _ in 0..100 {
        round(world).await;
        world.worker.drain().await.unwrap();
        let operation = read(world, id).await;
        if !operation.state.is_active() {
            return operation;
        }
        world.clock.advance(SECOND);
    }
    panic!("it does not end");
}

#[tokio::test]
async fn av_6_clearing_what_failed_in_a_queue_leaves_the_rest() {
    let world = World::new().await;
    bury_flaky(&world, 1).await;
    bury(&world, 3, "gone").await;
    let of = |name: &'static str| {
        let (ctx, registry) = (&world.ctx, &world.registry);
        async move { queues::read(ctx, registry, name).await.unwrap().failed }
    };
    assert_eq!((of("system").await, of("test").await), (3, 1));
    let request = BulkRequest::clear_queue("system".to_owned(), "looked at".to_owned());
    assert_eq!(bulk::preview(&world.ctx, &request).await.unwrap().count, 3);
    let powerless = bulk::start(&world.as_role(Role::Technician), &request).await.unwrap_err();
    assert!(matches!(powerless, CommandError::Forbidden { .. }));
    let operation = bulk::start(&world.ctx, &request).await.unwrap();
    world.clock.advance(UNDO);
    assert_eq!(to_the_end(&world, operation.id).await.done, 3);
    assert_eq!((of("system").await, of("test").await), (0, 1));
}

#[tokio::test]
async fn op_5_letters_are_grouped_by_what_went_wrong() {
    let world = World::new().await;
    bury(&world, 3, "post 17 is gone").await;
    world.clock.advance(Duration::from_secs(2 * 3600));
    bury(&world, 1, "post 99 is gone").await;
    bury(&world, 2, "the page has no title").await;
    let found = groups::groups(&world.ctx, None).await.unwrap();
    assert_eq!(found.total, 2);
    let gone = &found.groups[0];
    assert_eq!((gone.count, gone.pending), (4, 4));
    assert_eq!(gone.fingerprint, "rejected: post … is gone");
    assert_eq!(gone.sample_error, "post 99 is gone", "the newest");
    assert_eq!(gone.error_class, ErrorClass::Rejected);
    assert_eq!(gone.kinds, ["system.fail"]);
    assert_eq!((gone.per_hour[23], gone.per_hour[21]), (1, 3));
    assert_eq!(gone.per_hour.iter().sum::<i64>(), 4);
    assert_eq!(gone.per_day[13], 4);
    assert!(gone.first_failed_at < gone.last_failed_at);
    let one = groups::groups(&world.ctx, Some(1)).await.unwrap();
    assert_eq!((one.groups.len(), one.total), (1, 2));
}

#[tokio::test]
async fn js_1_an_error_is_new_then_known_and_what_was_resolved_is_news_when_it_comes_back() {
    let world = World::new().await;
    bury(&world, 2, "the page has no title").await;
    let standing = async || {
        let found = groups::groups(&world.ctx, None).await.unwrap();
        found.groups[0].standing(found.as_of)
    };
    let what = groups::groups(&world.ctx, None).await.unwrap().groups[0].fingerprint.clone();
    let mark = async |mark| groups::mark(&world.ctx, &what, mark, "the feed is mended").await;
    assert_eq!(standing().await, Standing::New);
    world.clock.advance(Duration::from_secs(25 * 3600));
    assert_eq!(standing().await, Standing::Known);
    mark(Some(Mark::Resolved)).await.unwrap();
    assert_eq!(standing().await, Standing::Resolved);
    world.clock.advance(Duration::from_secs(60));
    bury(&world, 1, "the page has no title").await;
    assert_eq!(standing().await, Standing::CameBack);

    let counts = async || dead_letters::counts(&world.ctx).await.unwrap();
    assert_eq!(counts().await.undecided(), 3);
    mark(Some(Mark::Ignored)).await.unwrap();
    assert_eq!((standing().await, counts().await.undecided()), (Standing::Ignored, 0));
    bury(&world, 1, "another one").await;
    let found = groups::groups(&world.ctx, None).await.unwrap().groups;
    assert_eq!(found[1].fingerprint, what, "what is decided comes last, however large");
    assert_eq!(found[1].mark.as_ref().unwrap().reason, "the feed is mended");
    mark(None).await.unwrap();
    assert_eq!((standing().await, counts().await.undecided()), (Standing::Known, 4));

    assert_eq!(world.count("audit_log WHERE action = 'dead_letter.mark'").await, 3);
    let silent = groups::mark(&world.ctx, &what, Some(Mark::Ignored), " ").await;
    assert!(matches!(silent, Err(CommandError::Invalid(_))), "{silent:?}");
    let unknown = groups::mark(&world.ctx, "no such error", Some(Mark::Ignored), "why").await;
    assert!(matches!(unknown, Err(CommandError::NotFound { .. })), "{unknown:?}");
}

#[tokio::test]
async fn op_5_a_group_is_retried_as_a_whole_and_nothing_else() {
    let world = World::new().await;
    bury(&world, 4, "post 1 is gone").await;
    bury(&world, 3, "no title").await;
    let asked = by_fingerprint(BulkAction::Retry, "rejected: no title");
    let preview = bulk::preview(&world.ctx, &asked).await.unwrap();
    assert_eq!((preview.count, preview.rate_per_second, preview.undo_seconds), (3, 50, 10));
    let operation = bulk::start(&world.ctx, &asked).await.unwrap();
    assert_eq!((operation.state, operation.previewed), (BulkState::Pending, 3));
    world.clock.advance(UNDO);
    assert_eq!(round(&world).await, 3);
    assert_eq!(world.count("jobs_ready").await, 3);
    world.clock.advance(SECOND);
    assert_eq!(round(&world).await, 0);
    let done = read(&world, operation.id).await;
    assert_eq!((done.state, done.done, done.failed), (BulkState::Done, 3, 0));
    assert_eq!(pending(&world).await, 4);
    let logs = logs::search(&world.ctx, Some("dlq_retry"), None, None, None).await.unwrap();
    assert_eq!(logs.items[0].metadata["dlqIds"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn op_5_nothing_is_touched_in_the_undo_window_and_an_undo_leaves_it_so() {
    let world = World::new().await;
    bury(&world, 5, "no").await;
    let operation = bulk::start(&world.ctx, &request(BulkAction::Delete)).await.unwrap();
    world.clock.advance(UNDO - SECOND);
    assert_eq!(round(&world).await, 0);
    let undone = bulk::abort(&world.ctx, operation.id).await.unwrap();
    assert_eq!((undone.state, undone.done), (BulkState::Aborted, 0));
    world.clock.advance(UNDO);
    assert_eq!(round(&world).await, 0);
    assert_eq!(pending(&world).await, 5);
    let again = bulk::abort(&world.ctx, operation.id).await;
    assert!(matches!(again, Err(CommandError::Conflict(_))), "{again:?}");
}

#[tokio::test]
async fn op_5_an_abort_stops_the_rest_and_says_how_many_were_done() {
    let world = World::new().await;
    bury(&world, 5, "no").await;
    let asked = BulkRequest { rate_per_second: Some(2), ..request(BulkAction::Delete) };
    let operation = bulk::start(&world.ctx, &asked).await.unwrap();
    world.clock.advance(UNDO);
    assert_eq!(round(&world).await, 2);
    let aborted = bulk::abort(&world.ctx, operation.id).await.unwrap();
    assert_eq!((aborted.state, aborted.done), (BulkState::Aborted, 2));
    assert!(aborted.stop_cause.unwrap().contains("after 2 of 5"));
    world.clock.advance(SECOND);
    assert_eq!(round(&world).await, 0);
    assert_eq!(pending(&world).await, 3);
    assert_eq!(world.count("audit_log").await, 5 + 2, "five enqueues, the start, the abort");
}

#[tokio::test]
async fn op_5_no_second_sees_more_letters_than_asked_for() {
    let world = World::new().await;
    bury(&world, 10, "no").await;
    let asked = BulkRequest { rate_per_second: Some(3), ..request(BulkAction::Retry) };
    bulk::start(&world.ctx, &asked).await.unwrap();
    world.clock.advance(UNDO);
    let mut handled = Vec::new();
    // Forty rounds, a tenth of a second apart.
    for _ in 0..40 {
        handled.push(round(&world).await);
        world.clock.advance(Duration::from_millis(100));
    }
    assert!(handled.windows(10).all(|second| second.iter().sum::<usize>() <= 3), "{handled:?}");
    assert_eq!(handled.iter().sum::<usize>(), 10);
}

#[tokio::test]
async fn op_5_a_runner_that_dies_between_batches_is_continued_by_another() {
    let world = World::new().await;
    bury(&world, 5, "no").await;
    let asked = BulkRequest { rate_per_second: Some(2), ..request(BulkAction::Retry) };
    let operation = bulk::start(&world.ctx, &asked).await.unwrap();
    world.clock.advance(UNDO);
    // The first dies in the middle of its batch: its transaction never commits.
    let mut stuck = world.db.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM bulk_operations WHERE id = $1 FOR UPDATE")
        .bind(operation.id)
        .execute(&mut *stuck)
        .await
        .unwrap();
    assert_eq!(round(&world).await, 0, "one runner at a time");
    drop(stuck);
    let mut handled = 0;
    for _ in 0..5 {
        // Each round is a runner of its own: it knows nothing but the row.
        handled += round(&world).await;
        world.clock.advance(SECOND);
    }
    assert_eq!(handled, 5);
    assert_eq!(world.count("jobs_ready").await, 5);
    assert_eq!(read(&world, operation.id).await.state, BulkState::Done);
}

#[tokio::test]
async fn op_5_two_runners_at_once_handle_no_letter_twice() {
    let world = World::new().await;
    bury(&world, 30, "no").await;
    let asked = BulkRequest { rate_per_second: Some(10), ..request(BulkAction::Delete) };
    let operation = bulk::start(&world.ctx, &asked).await.unwrap();
    world.clock.advance(UNDO);
    for _ in 0..4 {
        let runners = (0..4).map(|_| round(&world));
        let handled: usize = futures::future::join_all(runners).await.into_iter().sum();
        assert!(handled <= 10, "{handled} in one second");
        world.clock.advance(SECOND);
    }
    let done = read(&world, operation.id).await;
    assert_eq!((done.state, done.done), (BulkState::Done, 30));
    assert_eq!(world.count("dead_letter_queue").await, 0);
}

#[tokio::test]
async fn op_5_letters_that_come_or_fail_after_the_preview_are_left_alone() {
    let world = World::new().await;
    bury(&world, 3, "no").await;
    let preview = bulk::preview(&world.ctx, &request(BulkAction::Retry)).await.unwrap();
    world.clock.advance(SECOND);
    bury(&world, 2, "no").await;
    let asked = BulkRequest { up_to: preview.up_to, ..request(BulkAction::Retry) };
    let operation = bulk::start(&world.ctx, &asked).await.unwrap();
    assert_eq!(operation.previewed, 3);
    world.clock.advance(UNDO);
    // They fail again at once, and are not retried a second time.
    let done = to_the_end(&world, operation.id).await;
    assert_eq!((done.state, done.done), (BulkState::Done, 3));
    assert_eq!(pending(&world).await, 5);
}

#[tokio::test]
async fn op_5_one_bad_letter_does_not_hold_up_the_rest() {
    let world = World::new().await;
    bury(&world, 3, "no").await;
    // A row that should not be there: the job of one letter waits already.
    sqlx::query(
        "INSERT INTO jobs_ready (id, kind, queue, priority, payload, max_attempts, created_at, run_at)
         SELECT job_id, kind, 'nowhere', priority, payload, max_attempts, created_at, created_at
         FROM dead_letter_queue ORDER BY id LIMIT 1",
    )
    .execute(&world.db.pool)
    .await
    .unwrap();
    let operation = bulk::start(&world.ctx, &request(BulkAction::Retry)).await.unwrap();
    world.clock.advance(UNDO);
    assert_eq!(round(&world).await, 2);
    world.clock.advance(SECOND);
    round(&world).await;
    let done = read(&world, operation.id).await;
    assert_eq!((done.state, done.done, done.failed), (BulkState::Done, 2, 1));
    let logs = logs::search(&world.ctx, Some("dlq_error"), None, None, None).await.unwrap();
    assert!(logs.items[0].message.contains("could not handle letter"));
}

#[tokio::test]
async fn a_canary_ramps_up_to_the_end_while_its_letters_succeed() {
    let world = World::new().await;
    bury_flaky(&world, 20).await;
    let asked = request(BulkAction::RedriveCanary);
    let operation = bulk::start(&world.ctx, &asked).await.unwrap();
    world.clock.advance(UNDO);
    assert_eq!(round(&world).await, 5, "a few first");
    world.clock.advance(SECOND);
    assert_eq!(round(&world).await, 0, "it waits for them");
    assert_eq!(read(&world, operation.id).await.steps[0].out, 5);
    let done = to_the_end(&world, operation.id).await;
    assert_eq!((done.state, done.done, done.failed), (BulkState::Done, 20, 0));
    let sizes: Vec<_> = done.steps.iter().map(|step| step.letters()).collect();
    assert_eq!(sizes, [5, 10, 5]);
    assert_eq!(world.count("dead_letter_queue").await, 0);
}

#[tokio::test]
async fn a_canary_stops_by_itself_when_the_group_fails_again() {
    let world = World::new().await;
    bury_flaky(&world, 30).await;
    let operation = bulk::start(&world.ctx, &request(BulkAction::RedriveCanary)).await.unwrap();
    world.clock.advance(UNDO);
    round(&world).await;
    world.worker.drain().await.unwrap();
    // The first five were fine; of the next ten, three fail again.
    world.script.rejects(3);
    let stopped = to_the_end(&world, operation.id).await;
    assert_eq!(stopped.state, BulkState::Stopped);
    assert_eq!((stopped.done, stopped.failed), (12, 3));
    assert!(stopped.stop_cause.unwrap().contains("step 2: 3 of 10 failed again"));
    world.clock.advance(UNDO);
    assert_eq!(round(&world).await, 0, "it resumes nothing by itself");
    assert_eq!(pending(&world).await, 18);
}

#[tokio::test]
async fn an_aborted_canary_still_learns_how_its_letters_ended() {
    let world = World::new().await;
    bury_flaky(&world, 8).await;
    let operation = bulk::start(&world.ctx, &request(BulkAction::RedriveCanary)).await.unwrap();
    world.clock.advance(UNDO);
    round(&world).await;
    bulk::abort(&world.ctx, operation.id).await.unwrap();
    world.worker.drain().await.unwrap();
    round(&world).await;
    let aborted = read(&world, operation.id).await;
    assert_eq!((aborted.state, aborted.done), (BulkState::Aborted, 5));
    assert_eq!(aborted.steps[0].out, 0);
}

#[tokio::test]
async fn op_5_the_cap_trims_the_oldest_and_says_so() {
    let world = World::new().await;
    settings::change(&world.ctx, "dlq_max_letters", 100, None).await.unwrap();
    bury(&world, 3, "old").await;
    world.clock.advance(Duration::from_secs(3 * 86_400));
    bury(&world, 101, "new").await;
    let trimmed = cap::trim(&world.db.pool, world.ctx.now()).await.unwrap();
    assert_eq!((trimmed.by_age, trimmed.by_count), (0, 4));
    settings::change(&world.ctx, "dlq_max_age_days", 2, None).await.unwrap();
    bury(&world, 1, "new").await;
    world.clock.advance(Duration::from_secs(3 * 86_400));
    let trimmed = cap::trim(&world.db.pool, world.ctx.now()).await.unwrap();
    assert_eq!((trimmed.by_age, trimmed.by_count), (101, 0));
    assert_eq!(world.count("dead_letter_queue").await, 0);
    let logs = logs::search(&world.ctx, Some("dlq_trimmed"), None, None, None).await.unwrap();
    let counts: Vec<_> =
        logs.items.iter().map(|log| log.metadata["count"].as_i64().unwrap()).collect();
    assert_eq!(counts, [101, 4]);
}

#[tokio::test]
async fn op_5_a_bulk_command_that_makes_no_sense_changes_nothing() {
    let world = World::new().await;
    bury(&world, 2, "no").await;
    let before = world.count("audit_log").await;
    let unfiltered = BulkRequest { all: false, ..request(BulkAction::Delete) };
    let nameless = BulkRequest { reason: " ".into(), ..request(BulkAction::Retry) };
    let hasty = BulkRequest { rate_per_second: Some(0), ..request(BulkAction::Retry) };
    for bad in [unfiltered, nameless, hasty] {
        let error = bulk::start(&world.ctx, &bad).await.unwrap_err();
        assert!(matches!(error, CommandError::Invalid(_)), "{error:?}");
    }
    let nothing = by_fingerprint(BulkAction::Retry, "no such group");
    let error = bulk::start(&world.ctx, &nothing).await.unwrap_err();
    assert!(matches!(error, CommandError::Conflict(_)), "{error:?}");
    let unknown = bulk::abort(&world.ctx, 77).await.unwrap_err();
    assert!(matches!(unknown, CommandError::NotFound { .. }), "{unknown:?}");
    assert_eq!(world.count("bulk_operations").await, 0);
    assert_eq!(world.count("audit_log").await, before);
    bulk::start(&world.ctx, &request(BulkAction::Retry)).await.unwrap();
    let twice = bulk::start(&world.ctx, &request(BulkAction::Retry)).await.unwrap_err();
    assert!(matches!(twice, CommandError::Conflict(_)), "{twice:?}");
}

#[tokio::test]
async fn op_7_a_powerless_actor_starts_and_aborts_nothing() {
    let world = World::new().await;
    bury(&world, 2, "no").await;
    let operation = bulk::start(&world.ctx, &request(BulkAction::Retry)).await.unwrap();
    let before = world.count("audit_log").await;
    let technician = world.as_role(Role::Technician);
    let delete = request(BulkAction::Delete);
    let refused = [
        bulk::preview(&technician, &delete).await.map(drop),
        bulk::start(&technician, &delete).await.map(drop),
        bulk::abort(&technician, operation.id).await.map(drop),
        bulk::read(&technician, operation.id).await.map(drop),
        bulk::list(&technician, None, None).await.map(drop),
        groups::groups(&technician, None).await.map(drop),
        groups::mark(&technician, "rejected: no", Some(Mark::Ignored), "why").await,
    ];
    for result in refused {
        assert!(matches!(result, Err(CommandError::Forbidden { .. })), "{result:?}");
    }
    assert_eq!(world.count("audit_log").await, before);
    assert_eq!(world.count("bulk_operations").await, 1);
    assert_eq!(read(&world, operation.id).await.state, BulkState::Pending);
}
