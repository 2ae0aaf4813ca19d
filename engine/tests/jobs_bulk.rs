//! Listing jobs by all their properties, and acting on many of them with one command.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use serde_json::json;
use signalbox_engine::CommandError;
use signalbox_engine::jobs::{bulk, hold, list};
use signalbox_model::actor::Role;
use signalbox_model::error_class::ErrorClass;
use signalbox_model::job::{JobFilter, JobId, JobState};
use signalbox_model::job_bulk::{JOBS_AT_ONCE, JobAction, JobsDone, JobsRequest};

/// No job.
const NONE: [JobId; 0] = [];

async fn ids(world: &World, filter: JobFilter) -> Vec<JobId> {
    let page = list::list(&world.ctx, &world.registry, &filter).await.unwrap();
    page.items.iter().map(|job| job.id).collect()
}

fn request(action: JobAction, filter: JobFilter) -> JobsRequest {
    JobsRequest { action, filter, reason: "the feed is wrong".into(), up_to: None }
}

async fn act(
    world: &World,
    action: JobAction,
    filter: JobFilter,
) -> Result<JobsDone, CommandError> {
    bulk::act(&world.ctx, &world.registry, &request(action, filter)).await
}

fn of_kind(kind: &str) -> JobFilter {
    JobFilter { kind: Some(kind.into()), ..JobFilter::default() }
}

#[tokio::test]
async fn op_8_jobs_are_found_by_provider_error_class_time_and_a_place_in_the_payload() {
    let world = World::new().await;
    let begin = world.ctx.now();
    let dead = world.enqueue("system.fail", json!({ "message": "no" })).await;
    world.worker.drain().await.unwrap();
    let call = world.calls(1).await[0];
    world.clock.advance(Duration::from_secs(60));
    let late = world.ctx.now();
    let noop = world.enqueue("system.noop", json!({ "post": { "id": 42, "of": "9" } })).await;
    let other = world.enqueue("system.noop", json!({ "post": { "id": 9 } })).await;

    let found = |filter| ids(&world, filter);
    let all = JobFilter::default;
    assert_eq!(found(JobFilter { provider: Some("mcp".into()), ..all() }).await, [call]);
    assert_eq!(found(JobFilter { provider: Some("none".into()), ..all() }).await, NONE);
    let class = world.job(dead).await.error_class;
    assert_eq!(found(JobFilter { error_class: class, ..all() }).await, [dead]);
    let another = ErrorClass::ALL.into_iter().find(|one| Some(*one) != class);
    assert_eq!(found(JobFilter { error_class: another, ..all() }).await, NONE);
    assert_eq!(found(JobFilter { since: Some(late), ..all() }).await, [other, noop]);
    let before = JobFilter { since: Some(begin), until: Some(late), ..all() };
    assert_eq!(found(before).await, [call, dead]);
    let at = |path: &str, q: Option<&str>| JobFilter {
        path: Some(path.into()),
        q: q.map(Into::into),
        ..all()
    };
    assert_eq!(found(at("post.id", Some("9"))).await, [other], "not the 9 beside it");
    assert_eq!(found(at("post.of", None)).await, [noop], "whoever has the field");
    assert_eq!(found(at("post..x{", Some("9"))).await, NONE);
}

#[tokio::test]
async fn what_is_newer_than_a_list_is_counted() {
    let world = World::new().await;
    let first = world.enqueue("system.noop", json!({})).await;
    world.enqueue("system.noop", json!({})).await;
    world.calls(1).await;
    let newer = |filter: JobFilter| {
        let (ctx, registry) = (world.ctx.clone(), world.registry.clone());
        async move { list::newer(&ctx, &registry, &filter, first).await.unwrap() }
    };
    assert_eq!(newer(JobFilter::default()).await, 2);
    assert_eq!(newer(of_kind("system.noop")).await, 1);
}

#[tokio::test]
async fn many_jobs_are_held_released_and_cancelled_with_one_record_each() {
    let world = World::new().await;
    let noops = [
        world.enqueue("system.noop", json!({})).await,
        world.enqueue("system.noop", json!({})).await,
    ];
    let call = world.calls(1).await[0];
    hold::hold(&world.ctx, noops[0], "somebody was first").await.unwrap();

    let hold_them = request(JobAction::Hold, JobFilter::default());
    let preview = bulk::preview(&world.ctx, &world.registry, &hold_them).await.unwrap();
    assert_eq!((preview.count, preview.up_to), (2, Some(call)), "one is held already");
    let late = world.enqueue("system.noop", json!({})).await;
    let hold_them = JobsRequest { up_to: preview.up_to, ..hold_them };
    let done = bulk::act(&world.ctx, &world.registry, &hold_them).await.unwrap();
    assert_eq!(done, JobsDone { done: 2, left: 0 });
    assert_eq!(world.job(late).await.hold, None, "it came after the preview");
    assert_eq!(world.job(call).await.hold.unwrap().reason, "the feed is wrong");
    assert_eq!(world.job(noops[0]).await.hold.unwrap().reason, "somebody was first");

    let chosen = JobFilter { ids: Some(vec![noops[0], call, late]), ..JobFilter::default() };
    assert_eq!(act(&world, JobAction::Release, chosen).await.unwrap().done, 2, "late is not held");
    assert_eq!(act(&world, JobAction::Cancel, of_kind("system.noop")).await.unwrap().done, 3);
    assert_eq!(world.job(noops[1]).await.state, JobState::Cancelled, "held or not");
    assert_eq!(world.job(call).await.state, JobState::Available);
    let nothing = act(&world, JobAction::Cancel, of_kind("system.noop")).await;
    assert!(matches!(nothing, Err(CommandError::Conflict(_))), "{nothing:?}");
    assert_eq!(world.count("audit_log WHERE action LIKE 'job.%_many'").await, 3);
    assert_eq!(world.count("system_logs WHERE event_type = 'job_bulk'").await, 3);
}

#[tokio::test]
async fn a_running_job_is_asked_to_stop() {
    let world = World::new().await;
    let id = world.enqueue("system.sleep", json!({ "ms": 60_000 })).await;
    let claimed = world.worker.claim(1).await.unwrap().remove(0);
    assert_eq!(act(&world, JobAction::Cancel, JobFilter::default()).await.unwrap().done, 1);
    let ended = world.worker.run_stopped(claimed).await;
    world.worker.settle(&[ended]).await.unwrap();
    assert_eq!(world.job(id).await.state, JobState::Cancelled);
}

#[tokio::test]
async fn a_long_list_is_worked_a_thousand_at_a_time() {
    let world = World::new().await;
    let ready =
        "INSERT INTO jobs_ready (kind, queue, priority, payload, max_attempts, created_at, run_at)
         SELECT 'system.noop', 'system', 5, '{}', 3, now(), now() FROM generate_series(1, 1500)";
    sqlx::query(ready).execute(&world.db.pool).await.unwrap();
    let done = act(&world, JobAction::Cancel, JobFilter::default()).await.unwrap();
    assert_eq!(done, JobsDone { done: JOBS_AT_ONCE, left: 500 });
    let done = act(&world, JobAction::Cancel, JobFilter::default()).await.unwrap();
    assert_eq!(done, JobsDone { done: 500, left: 0 });
}

#[tokio::test]
async fn op_7_the_powerless_and_those_without_a_reason_touch_no_job() {
    let world = World::new().await;
    let id = world.enqueue("system.noop", json!({})).await;
    for role in [Role::QaLead, Role::Technician] {
        let ctx = world.as_role(role);
        for action in JobAction::ALL {
            let asked = request(action, JobFilter::default());
            let refused = bulk::act(&ctx, &world.registry, &asked).await;
            assert!(matches!(refused, Err(CommandError::Forbidden { .. })), "{refused:?}");
            assert!(bulk::preview(&ctx, &world.registry, &asked).await.is_err());
        }
    }
    let silent =
        JobsRequest { reason: " ".into(), ..request(JobAction::Cancel, JobFilter::default()) };
    let refused = bulk::act(&world.ctx, &world.registry, &silent).await;
    assert!(matches!(refused, Err(CommandError::Invalid(_))), "{refused:?}");
    assert_eq!(world.job(id).await.state, JobState::Available);
    assert_eq!(world.count("audit_log WHERE action LIKE 'job.%_many'").await, 0);
}
