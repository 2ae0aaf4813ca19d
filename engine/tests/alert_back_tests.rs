//! What alert rules would have found with other thresholds (OP-13).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::on_call::OnCall;
use signalbox_engine::breaker::force;
use signalbox_engine::{CommandError, alerts, kill_switch};
use signalbox_model::actor::Role;
use signalbox_model::alert::TriedRule;
use signalbox_model::breaker::BreakerAction;

#[tokio::test]
async fn op_13_a_back_test_says_what_another_threshold_would_have_found() {
    let on_call = OnCall::new().await;
    let world = &on_call.world;
    let ctx = &world.ctx;
    // Half of the runs failed, for 40 min from three hours ago on.
    sqlx::query(
        "INSERT INTO job_stats (minute, kind, completed, failed, histogram)
         SELECT date_trunc('minute', $1::timestamptz) - n * interval '1 min', 'domains.harvesting', 10,
                CASE WHEN n BETWEEN 140 AND 179 THEN 10 ELSE 0 END, array_fill(0, ARRAY[19])
         FROM generate_series(1, 600) n",
    )
    .bind(ctx.now())
    .execute(&world.db.pool)
    .await
    .unwrap();
    let tried = |threshold, for_minutes| TriedRule { threshold: Some(threshold), for_minutes };
    let found =
        async |name: &str, tried| alerts::back_test(ctx, name, tried).await.unwrap().found.unwrap();
    let strict = found("success-rate", tried(90, Some(0))).await;
    assert_eq!(strict.fired, 1, "{:?}", strict.alerts);
    // 40 of 60 min: at the worst 600 of 1,000 runs ended well.
    assert_eq!(
        (strict.alerts[0].subject.as_str(), strict.alerts[0].worst),
        ("domains.harvesting", 60)
    );
    let lasted = strict.alerts[0].over_at.unwrap() - strict.alerts[0].fired_at;
    assert_eq!(lasted.num_minutes(), strict.fired_minutes);
    assert_eq!(found("success-rate", tried(60, Some(0))).await.fired, 0, "60 % is not below 60 %");
    let patient = found("success-rate", tried(90, Some(30))).await;
    assert_eq!(patient.fired_minutes, strict.fired_minutes - 30);
    assert_eq!(strict.points.len(), 144);
    assert_eq!(strict.points.iter().filter_map(|point| point.worst).min(), Some(60));
    let present = alerts::back_test(ctx, "success-rate", TriedRule::default()).await.unwrap();
    assert_eq!((present.threshold, present.condition.as_str()), (Some(70), "below 70 %"));
}

#[tokio::test]
async fn op_13_a_back_test_of_calls_depths_gaps_switch_and_breakers_reads_what_is_kept() {
    let on_call = OnCall::new().await;
    let world = &on_call.world;
    let ctx = &world.ctx;
    sqlx::query(
        "INSERT INTO provider_calls (provider, at, took_ms, outcome, job_id)
         SELECT 'mcp', $1::timestamptz - interval '2 h' + n * interval '1 s', 1,
                CASE WHEN n % 4 = 0 THEN 'failed' ELSE 'ok' END, 1 FROM generate_series(1, 300) n",
    )
    .bind(ctx.now())
    .execute(&world.db.pool)
    .await
    .unwrap();
    kill_switch::activate(ctx, "the bill").await.unwrap();
    force::act(ctx, "mcp", BreakerAction::ForceOpen, "they bill twice", None).await.unwrap();
    world.clock.advance(Duration::from_secs(5 * 60));
    for sample in [
        "INSERT INTO depth_samples (minute, waiting, running, dead)
         SELECT date_trunc('minute', $1::timestamptz) - n * interval '1 min', 3, 0, 0
         FROM generate_series(1, 60) n",
        "INSERT INTO queue_depth_samples (minute, queue, waiting)
         SELECT date_trunc('minute', $1::timestamptz) - n * interval '1 min', 'system', 3
         FROM generate_series(1, 5) n",
    ] {
        sqlx::query(sample).bind(ctx.now()).execute(&world.db.pool).await.unwrap();
    }
    let found = async |name: &str, threshold, for_minutes| {
        let tried = TriedRule { threshold, for_minutes: Some(for_minutes) };
        alerts::back_test(ctx, name, tried).await.unwrap().found.unwrap()
    };
    let calls = found("provider-errors", Some(20), 0).await;
    assert_eq!((calls.fired, calls.alerts[0].subject.as_str()), (1, "mcp"));
    assert_eq!(found("provider-errors", Some(30), 0).await.fired, 0, "a quarter failed");
    let depth = found("queue-depth", Some(2), 3).await;
    assert_eq!(
        (depth.fired, depth.alerts[0].subject.as_str(), depth.alerts[0].worst),
        (1, "system", 3)
    );
    assert_eq!(depth.alerts[0].over_at, None, "it waits still");
    assert_eq!(found("queue-depth", Some(3), 0).await.fired, 0);
    assert_eq!(found("dead-letters", Some(1), 0).await.fired, 0);
    assert_eq!(found("kill-switch", None, 3).await.fired, 1);
    assert_eq!(found("kill-switch", None, 30).await.fired, 0);
    assert_eq!(found("breaker-open", None, 0).await.alerts[0].subject, "mcp");

    sqlx::query(
        "INSERT INTO job_stats (minute, kind, completed, failed, histogram)
         VALUES (date_trunc('minute', $1::timestamptz) - interval '30 h', 'domains.discovery', 1, 0,
                 array_fill(0, ARRAY[19])),
                (date_trunc('minute', $1::timestamptz) - interval '1 h', 'domains.discovery', 1, 0,
                 array_fill(0, ARRAY[19]))",
    )
    .bind(ctx.now())
    .execute(&world.db.pool)
    .await
    .unwrap();
    let gap = found("no-discovery", Some(90), 0).await;
    assert_eq!((gap.fired, gap.alerts[0].worst), (1, 29 * 60 - 1), "until it ended well 1 h ago");
    let short = found("no-discovery", Some(30), 0).await;
    assert_eq!((short.fired, short.alerts[0].over_at), (2, None));
}

#[tokio::test]
async fn op_13_a_back_test_says_what_it_cannot_tell_and_refuses_what_may_not_be_set() {
    let on_call = OnCall::new().await;
    let ctx = &on_call.world.ctx;
    for name in
        ["provider-limit", "no-worker", "database", "schedule-gap", "slow-pages", "stuck-jobs"]
    {
        let test = alerts::back_test(ctx, name, TriedRule::default()).await.unwrap();
        assert!(test.found.is_none() && test.unknown.contains("kept"), "{name}: {test:?}");
    }
    let wrong = TriedRule { threshold: Some(101), for_minutes: Some(-1) };
    let wrong = alerts::back_test(ctx, "success-rate", wrong).await.unwrap_err();
    let CommandError::Invalid(problems) = wrong else { panic!("{wrong:?}") };
    assert_eq!(problems.len(), 2, "{problems:?}");
    let unknown = alerts::back_test(ctx, "no-such-rule", TriedRule::default()).await;
    assert!(matches!(unknown, Err(CommandError::NotFound { .. })));
    let technician = on_call.world.as_role(Role::Technician);
    let forbidden = alerts::back_test(&technician, "success-rate", TriedRule::default()).await;
    assert!(matches!(forbidden, Err(CommandError::Forbidden { .. })), "{forbidden:?}");
}
