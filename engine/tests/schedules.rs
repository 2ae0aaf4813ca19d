//! Schedules (OP-16): what operators do with them, and what becomes of missed ticks.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use serde_json::json;
use signalbox_engine::CommandError;
use signalbox_engine::schedules::{self, ScheduleSpec};
use signalbox_model::actor::Role;
use signalbox_model::job::JobState;
use signalbox_model::schedule::{MissedTicks, Schedule, Times};

const NAME: &str = "often";

fn every_ten_minutes() -> ScheduleSpec {
    ScheduleSpec::new(NAME, "system.noop", "*/10 * * * *")
}

fn times(cron: &str, time_zone: &str) -> Times {
    Times { cron: cron.into(), time_zone: time_zone.into() }
}

/// A world with one schedule.
async fn world(spec: ScheduleSpec) -> World {
    let world = World::new().await;
    declare(&world, spec).await;
    world
}

async fn declare(world: &World, spec: ScheduleSpec) {
    schedules::declare(&world.db.pool, &[spec], world.ctx.now()).await.unwrap();
}

async fn tick(world: &World) -> usize {
    schedules::tick(&world.db.pool, &world.registry, world.ctx.now()).await.unwrap()
}

async fn seen(world: &World) -> Schedule {
    schedules::read(&world.ctx, NAME).await.unwrap()
}

fn minutes(world: &World, n: u64) {
    world.clock.advance(Duration::from_secs(n * 60));
}

#[tokio::test]
async fn op_16_a_paused_schedule_does_not_tick_and_drops_what_passed_meanwhile() {
    let world = world(every_ten_minutes()).await;
    schedules::pause(&world.ctx, NAME, "the provider is down").await.unwrap();
    minutes(&world, 60);
    assert_eq!(tick(&world).await, 0);
    let paused = seen(&world).await;
    let pause = paused.pause.unwrap();
    assert_eq!(
        (pause.reason.as_str(), pause.by),
        ("the provider is down", Some("admin@example.org".into()))
    );
    assert!(paused.next_run_at > world.ctx.now());

    assert_eq!(schedules::resume(&world.ctx, NAME, None).await.unwrap(), 6);
    assert_eq!(tick(&world).await, 0);
    minutes(&world, 10);
    assert_eq!(tick(&world).await, 1);
    assert_eq!(world.count("audit_log").await, 2);
    let logged: Vec<String> = sqlx::query_scalar("SELECT message FROM system_logs ORDER BY id")
        .fetch_all(&world.db.pool)
        .await
        .unwrap();
    assert!(logged[1].contains("6 ticks dropped"), "{logged:?}");
}

#[tokio::test]
async fn op_16_pausing_twice_and_resuming_what_runs_are_conflicts() {
    let world = world(every_ten_minutes()).await;
    let conflict = |result| assert!(matches!(result, Err(CommandError::Conflict(_))), "{result:?}");
    conflict(schedules::resume(&world.ctx, NAME, None).await.map(drop));
    conflict(schedules::reset(&world.ctx, NAME, None).await);
    schedules::pause(&world.ctx, NAME, "once").await.unwrap();
    conflict(schedules::pause(&world.ctx, NAME, "twice").await);
    let none = schedules::pause(&world.ctx, "nothing", "why").await.unwrap_err();
    assert!(matches!(none, CommandError::NotFound { .. }));
    let unreasoned = schedules::pause(&world.ctx, NAME, " ").await.unwrap_err();
    assert!(matches!(unreasoned, CommandError::Invalid(_)));
}

#[tokio::test]
async fn op_16_running_it_now_leaves_the_next_tick_alone_and_shows_the_job() {
    let world = world(every_ten_minutes()).await;
    let before = seen(&world).await.next_run_at;
    let first = schedules::run_now(&world.ctx, &world.registry, NAME, None).await.unwrap();
    let second = schedules::run_now(&world.ctx, &world.registry, NAME, None).await.unwrap();
    assert_ne!(first, second, "every run by hand is a job of its own");
    let shown = seen(&world).await;
    assert_eq!((shown.next_run_at, shown.last_run_at), (before, None));
    let last = shown.last_job.unwrap();
    assert_eq!((last.id, last.state), (second, Some(JobState::Available)));
    world.worker.drain().await.unwrap();
    assert_eq!(seen(&world).await.last_job.unwrap().state, Some(JobState::Completed));
    minutes(&world, 10);
    assert_eq!(tick(&world).await, 1);
    assert_eq!(seen(&world).await.last_run_at, Some(before));
}

#[tokio::test]
async fn op_16_an_operators_times_outlive_the_codes_until_they_are_reset() {
    let world = world(every_ten_minutes()).await;
    let nightly = times("0 2 * * *", "Europe/Berlin");
    schedules::change(&world.ctx, NAME, &nightly, Some("quieter")).await.unwrap();
    declare(&world, ScheduleSpec::new(NAME, "system.noop", "*/20 * * * *")).await;

    let shown = seen(&world).await;
    assert_eq!(times(&shown.cron, &shown.time_zone), nightly);
    assert_eq!(shown.default, Some(times("*/20 * * * *", "UTC")));
    assert_eq!(shown.changed_by.as_deref(), Some("admin@example.org"));
    assert_eq!(shown.next_ticks.len(), 5);
    assert!(shown.next_ticks.iter().all(|tick| tick.local.contains("T02:00:00+0")));
    assert_eq!(shown.next_run_at, shown.next_ticks[0].at);

    schedules::reset(&world.ctx, NAME, None).await.unwrap();
    let shown = seen(&world).await;
    assert_eq!(
        (shown.cron.as_str(), shown.default, shown.changed_by),
        ("*/20 * * * *", None, None)
    );
    assert!(shown.next_run_at <= world.ctx.now() + chrono::Duration::minutes(20));
}

#[tokio::test]
async fn op_16_setting_the_codes_own_times_is_no_change() {
    let world = world(every_ten_minutes()).await;
    schedules::change(&world.ctx, NAME, &times("*/10 * * * *", "UTC"), None).await.unwrap();
    declare(&world, ScheduleSpec::new(NAME, "system.noop", "*/20 * * * *")).await;
    assert_eq!(seen(&world).await.cron, "*/20 * * * *");
}

#[tokio::test]
async fn op_16_bad_times_change_nothing_and_a_preview_shows_the_ticks() {
    let world = world(every_ten_minutes()).await;
    let before = seen(&world).await;
    for (bad, field) in [
        (times("* * * *", "UTC"), "cron"),
        (times("0 0 30 2 *", "UTC"), "cron"),
        (times("0 2 * * *", "Berlin"), "timeZone"),
    ] {
        let change = schedules::change(&world.ctx, NAME, &bad, None).await.unwrap_err();
        let preview = schedules::preview(&world.ctx, &bad).unwrap_err();
        for refused in [change, preview] {
            let CommandError::Invalid(errors) = refused else { panic!("{refused:?}") };
            assert_eq!(errors[0].field, field);
        }
    }
    assert_eq!(seen(&world).await, before);
    let preview = schedules::preview(&world.ctx, &times("0 2 * * 7", "Asia/Kolkata")).unwrap();
    assert_eq!(preview.next_ticks.len(), 5);
    assert!(preview.next_ticks[0].local.ends_with("T02:00:00+05:30"));
    assert_eq!(world.count("audit_log").await, 0);
}

#[tokio::test]
async fn op_16_the_powerless_may_do_nothing_with_schedules() {
    let world = world(every_ten_minutes()).await;
    let before = seen(&world).await;
    for role in [Role::QaLead, Role::Technician] {
        let ctx = world.as_role(role);
        let forbidden =
            |result| assert!(matches!(result, Err(CommandError::Forbidden { .. })), "{result:?}");
        forbidden(schedules::list(&ctx).await.map(drop));
        forbidden(schedules::read(&ctx, NAME).await.map(drop));
        forbidden(schedules::preview(&ctx, &times("0 2 * * *", "UTC")).map(drop));
        forbidden(schedules::pause(&ctx, NAME, "why").await);
        forbidden(schedules::resume(&ctx, NAME, None).await.map(drop));
        forbidden(schedules::run_now(&ctx, &world.registry, NAME, None).await.map(drop));
        forbidden(schedules::change(&ctx, NAME, &times("0 2 * * *", "UTC"), None).await);
        forbidden(schedules::reset(&ctx, NAME, None).await);
    }
    assert_eq!(seen(&world).await, before);
    for table in ["audit_log", "jobs_ready", "system_logs"] {
        assert_eq!(world.count(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn op_16_ticks_missed_while_nobody_led_follow_the_schedules_rule() {
    for (rule, jobs) in
        [(MissedTicks::RunOnce, 1), (MissedTicks::Skip, 0), (MissedTicks::RunAll, 6)]
    {
        let world = world(ScheduleSpec { missed_ticks: rule, ..every_ten_minutes() }).await;
        // Between two ticks, so that none is due just now.
        let past_tick = world.ctx.now().timestamp().rem_euclid(600) as u64;
        world.clock.advance(Duration::from_secs(3600 + 300 - past_tick));
        assert_eq!(tick(&world).await, jobs, "{rule:?}");
        assert_eq!(tick(&world).await, 0, "{rule:?}");
        let logged: String = sqlx::query_scalar(
            "SELECT message FROM system_logs WHERE event_type = 'schedule_missed'",
        )
        .fetch_one(&world.db.pool)
        .await
        .unwrap();
        assert!(logged.contains("missed 6 ticks"), "{logged}");
        minutes(&world, 5);
        assert_eq!(tick(&world).await, 1, "{rule:?}");
    }
}

#[tokio::test]
async fn op_16_a_schedule_that_cannot_go_on_pauses_itself_and_stops_no_other() {
    let world = World::new().await;
    let other = ScheduleSpec::new("other", "system.noop", "*/10 * * * *");
    schedules::declare(&world.db.pool, &[every_ten_minutes(), other], world.ctx.now())
        .await
        .unwrap();
    sqlx::query("UPDATE schedules SET time_zone = 'Gone/Away' WHERE name = $1")
        .bind(NAME)
        .execute(&world.db.pool)
        .await
        .unwrap();
    minutes(&world, 10);
    assert_eq!(tick(&world).await, 1);
    let pause = seen(&world).await.pause.unwrap();
    assert_eq!(pause.by.as_deref(), Some("system:scheduler"));
    assert!(pause.reason.contains("timeZone"), "{}", pause.reason);
}

#[tokio::test]
async fn op_16_a_schedule_that_the_code_no_longer_knows_is_gone() {
    let world = world(every_ten_minutes()).await;
    declare(&world, ScheduleSpec::new("another", "system.noop", "0 0 * * *")).await;
    let names: Vec<_> =
        schedules::list(&world.ctx).await.unwrap().into_iter().map(|s| s.name).collect();
    assert_eq!(names, ["another"]);
    let bad = ScheduleSpec::new("bad", "system.noop", "never");
    let refused = schedules::declare(&world.db.pool, &[bad], world.ctx.now()).await.unwrap_err();
    assert!(refused.to_string().contains("schedule bad: cron"), "{refused}");
    assert_eq!(json!(schedules::list(&world.ctx).await.unwrap().len()), 1);
}
