//! How the whole did over time (OP-8).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use serde_json::json;
use signalbox_engine::scheduler::{Scheduler, SchedulerOptions};
use signalbox_engine::{CommandError, kill_switch, trends};
use signalbox_model::actor::Role;
use signalbox_model::trend::{Span, Trends};

async fn read(world: &World, span: Span) -> Trends {
    trends::read(&world.ctx, span).await.unwrap()
}

/// Runs a scheduler until it has counted this minute.
async fn count(world: &World) {
    let options = SchedulerOptions { interval: Duration::from_millis(5), ..Default::default() };
    let scheduler = Scheduler::start(
        world.ctx.db.clone(),
        world.clock.clone(),
        world.registry.clone(),
        options,
    );
    let counted = async {
        let now = || read(world, Span::Hour);
        while now().await.points.last().is_some_and(|point| point.waiting.is_none()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), counted).await.expect("a sample within 20 s");
    scheduler.shutdown().await;
}

#[tokio::test]
async fn op_8_runs_are_counted_in_the_step_in_which_they_ended() {
    let world = World::new().await;
    world.enqueue("system.noop", json!({})).await;
    world.enqueue("system.fail", json!({ "message": "no" })).await;
    world.worker.drain().await.unwrap();
    for span in Span::ALL {
        let trends = read(&world, span).await;
        assert_eq!(trends.points.len(), usize::try_from(span.points()).unwrap());
        let last = trends.points.last().unwrap();
        assert!(last.at <= trends.as_of && trends.as_of - last.at < span_step(span));
        assert_eq!((last.completed, last.failed), (1, 1), "{span:?}");
        assert_eq!(last.success_percent(), Some(50));
        assert!(last.p50_ms.is_some() && last.p50_ms <= last.p95_ms);
        let before: i64 = trends.points.iter().rev().skip(1).map(|p| p.completed + p.failed).sum();
        assert_eq!(before, 0);
    }
}

fn span_step(span: Span) -> chrono::Duration {
    chrono::Duration::minutes(span.step_min())
}

#[tokio::test]
async fn op_8_depths_are_counted_once_a_minute_and_a_minute_without_is_a_gap() {
    let world = World::new().await;
    count(&world).await;
    let quiet = read(&world, Span::Hour).await;
    let last = quiet.points.last().unwrap();
    assert_eq!((last.waiting, last.dead), (Some(0), Some(0)), "nothing is not unknown");
    world.enqueue("system.fail", json!({ "message": "no" })).await;
    world.worker.drain().await.unwrap();
    world.clock.advance(Duration::from_secs(180));
    world.enqueue("system.noop", json!({})).await;
    count(&world).await;
    let later = read(&world, Span::Hour).await;
    let seen: Vec<_> = later.points.iter().rev().take(4).map(|p| (p.waiting, p.dead)).collect();
    assert_eq!(seen[0], (Some(1), Some(1)));
    assert_eq!(seen[1..3], [(None, None), (None, None)]);
    assert_eq!(seen[3], (Some(0), Some(0)));
    let by_queue: Vec<(String, i64)> =
        sqlx::query_as("SELECT queue, waiting FROM queue_depth_samples")
            .fetch_all(&world.db.pool)
            .await
            .unwrap();
    assert_eq!(by_queue, [("system".to_owned(), 1)], "a queue without jobs has no row");
}

#[tokio::test]
async fn op_8_what_moved_a_lever_is_told_with_the_curves() {
    let world = World::new().await;
    kill_switch::activate(&world.ctx, "they bill twice").await.unwrap();
    let trends = read(&world, Span::Hour).await;
    assert_eq!(trends.moments.len(), 1, "{:?}", trends.moments);
    assert!(trends.moments[0].message.contains("they bill twice"));
    world.clock.advance(Duration::from_secs(2 * 3600));
    assert!(read(&world, Span::Hour).await.moments.is_empty());
    assert_eq!(read(&world, Span::SixHours).await.moments.len(), 1);
}

#[tokio::test]
async fn op_7_a_technician_sees_no_trends() {
    let world = World::new().await;
    let refused = trends::read(&world.as_role(Role::Technician), Span::Hour).await;
    assert!(matches!(refused, Err(CommandError::Forbidden { .. })), "{refused:?}");
}
