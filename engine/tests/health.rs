//! How everything stands (AV-3, AV-4, ST-2, ST-3).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use serde_json::json;
use signalbox_engine::health::{self, Totals};
use signalbox_engine::provider::CallFailure;
use signalbox_engine::{CommandError, kill_switch, queues};
use signalbox_model::actor::Role;
use signalbox_model::health::{Health, ServiceState};

const HOUR: Duration = Duration::from_secs(3600);

async fn read(world: &World, totals: &mut Totals) -> Health {
    health::read(&world.ctx, &world.registry, totals).await.unwrap()
}

#[tokio::test]
async fn st_2_the_powerless_read_no_health() {
    let world = World::new().await;
    let mut totals = Totals::new(world.ctx.now());
    let technician = world.as_role(Role::Technician);
    let refused = health::read(&technician, &world.registry, &mut totals).await.unwrap_err();
    assert!(matches!(refused, CommandError::Forbidden { .. }));
}

#[tokio::test]
async fn st_2_an_open_breaker_is_an_issue_with_its_operation_and_its_last_error() {
    let world = World::new().await;
    let mut totals = Totals::new(world.ctx.now());
    assert!(read(&world, &mut totals).await.issues().is_empty());
    world.script.fails(5);
    world.calls(6).await;
    world.worker.drain().await.unwrap();
    let seen = read(&world, &mut totals).await;
    let issues = seen.issues();
    assert_eq!(issues.len(), 1, "{issues:?}");
    assert_eq!((&*issues[0].source, &*issues[0].reason), ("mcp", "circuit_open"));
    assert_eq!(issues[0].operation.as_deref(), Some("discovery"));
    assert_eq!(issues[0].last_error.as_deref(), Some("HTTP 500"));
    let source = &seen.sources[0];
    assert_eq!(source.cooldown_left_ms(seen.as_of), 60_000);
    assert_eq!((source.operations[0].failed, source.operations[0].ok), (5, 0));
    assert_eq!(seen.state(), ServiceState::Degraded);
}

#[tokio::test]
async fn av_9_a_provider_that_asks_to_wait_is_an_issue_and_its_calls_are_counted_apart() {
    let world = World::new().await;
    let mut totals = Totals::new(world.ctx.now());
    world.script.answers(Err(CallFailure::RateLimited {
        retry_after: Some(Duration::from_secs(9)),
        message: "slow down".into(),
    }));
    world.calls(1).await;
    world.worker.drain().await.unwrap();
    let seen = read(&world, &mut totals).await;
    assert_eq!(seen.issues()[0].reason, "rate_limited");
    assert_eq!(seen.sources[0].operations[0].limited, 1);
    let rate = &seen.rates[0];
    assert_eq!((rate.limit, rate.used, rate.left()), (30, 1, 29));
    world.clock.advance(Duration::from_secs(61));
    let later = read(&world, &mut totals).await;
    assert!(later.issues().is_empty());
    assert_eq!(later.rates[0].left(), 30, "a minute later all of it is left");
}

#[tokio::test]
async fn st_3_queues_tell_what_waits_what_is_put_off_and_what_runs() {
    let world = World::new().await;
    let mut totals = Totals::new(world.ctx.now());
    world.enqueue("system.noop", json!({})).await;
    let since = world.ctx.now();
    world.clock.advance(Duration::from_secs(3));
    let held = world.enqueue("system.noop", json!({})).await;
    signalbox_engine::jobs::hold::hold(&world.ctx, held, "later").await.unwrap();
    let running = world.worker.claim(1).await.unwrap();
    world.enqueue("system.noop", json!({})).await;
    queues::pause(&world.ctx, &world.registry, "system", "now", None).await.unwrap();
    let seen = read(&world, &mut totals).await;
    let system = seen.queues.iter().find(|queue| queue.queue.name == "system").unwrap();
    assert_eq!((system.queue.waiting, system.deferred, system.queue.running), (1, 1, 1));
    assert_eq!(system.oldest_waiting_since, Some(since + chrono::TimeDelta::seconds(3)));
    assert_eq!(seen.current_job(&world.worker.id().to_string()), Some(running[0].id));
}

#[tokio::test]
async fn av_4_counters_only_grow_while_the_tables_behind_them_forget() {
    let world = World::new().await;
    let mut totals = Totals::new(world.ctx.now());
    let completed = async |totals: &mut Totals| {
        let seen = read(&world, totals).await;
        let runs = seen.runs.iter().find(|runs| runs.kind == "system.noop").unwrap();
        let calls: i64 = seen.sources[0].operations.iter().map(|calls| calls.ok).sum();
        (runs.completed, calls)
    };
    assert_eq!(completed(&mut totals).await, (0, 0));
    for round in 1..=3 {
        world.enqueue("system.noop", json!({})).await;
        world.calls(2).await;
        world.worker.drain().await.unwrap();
        assert_eq!(completed(&mut totals).await, (round, 2 * round));
        assert_eq!(completed(&mut totals).await, (round, 2 * round), "nothing is counted twice");
        world.clock.advance(HOUR);
        assert_eq!(completed(&mut totals).await, (round, 2 * round), "nothing is lost");
    }
    for forgotten in ["DELETE FROM job_stats", "DELETE FROM provider_calls"] {
        sqlx::query(forgotten).execute(&world.db.pool).await.unwrap();
    }
    assert_eq!(completed(&mut totals).await, (3, 6));
}

#[tokio::test]
async fn st_3_the_kill_switch_degrades_and_no_worker_is_offline() {
    let world = World::new().await;
    let mut totals = Totals::new(world.ctx.now());
    kill_switch::activate(&world.ctx, "a leak").await.unwrap();
    let seen = read(&world, &mut totals).await;
    assert_eq!(seen.state(), ServiceState::Degraded);
    assert_eq!(seen.troubles(), ["the kill switch is on", "no scheduler leads"]);
    world.loses_its_worker().await;
    let seen = read(&world, &mut totals).await;
    assert_eq!(seen.state(), ServiceState::Offline);
    assert!(seen.troubles().contains(&"no worker takes jobs".to_owned()));
}
