//! Alerts (OP-13, AV-5): what fires, and what operators do about it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::on_call::OnCall;
use serde_json::json;
use signalbox_engine::breaker::force;
use signalbox_engine::{CommandError, alerts, kill_switch, runbooks};
use signalbox_model::actor::Role;
use signalbox_model::alert::RuleChange;
use signalbox_model::breaker::BreakerAction;
use signalbox_model::runbook::Incident;

const OFF: RuleChange = RuleChange { threshold: None, for_minutes: None, enabled: Some(false) };

#[tokio::test]
async fn op_13_nothing_fires_in_a_quiet_world() {
    let on_call = OnCall::new().await;
    on_call.watch().await;
    assert_eq!(on_call.firing().await, []);
    assert!(on_call.heard().is_empty());
}

#[tokio::test]
async fn op_13_a_condition_must_last_as_long_as_its_rule_says() {
    let on_call = OnCall::new().await;
    for _ in 0..101 {
        on_call.world.enqueue("system.noop", json!({})).await;
    }
    on_call.watch().await;
    on_call.after(4).await;
    assert!(!on_call.fires("queue-depth").await);
    on_call.after(1).await;
    let firing = on_call.firing().await;
    assert_eq!(
        (firing[0].subject.as_str(), firing[0].detail.as_str()),
        ("system", "101 jobs wait")
    );
    on_call.world.worker.drain().await.unwrap();
    on_call.watch().await;
    assert!(!on_call.fires("queue-depth").await);

    // Long after that one is over: it begins again, and is over before it has lasted.
    on_call.after(6).await;
    for _ in 0..101 {
        on_call.world.enqueue("system.noop", json!({})).await;
    }
    on_call.watch().await;
    on_call.world.worker.drain().await.unwrap();
    on_call.after(6).await;
    let past = alerts::history(&on_call.world.ctx, Some("queue-depth"), None, None).await.unwrap();
    assert_eq!((past.items.len(), past.items[0].repeats), (1, 0));
    assert_eq!(on_call.world.count("alerts").await, 1, "what was over before is forgotten");
}

#[tokio::test]
async fn op_13_a_kind_that_brings_nothing_for_too_long_fires_by_its_own_rule() {
    let on_call = OnCall::new().await;
    let world = &on_call.world;
    let tick = |minutes: i64| {
        sqlx::query("INSERT INTO job_last_success (kind, at) VALUES ('domains.harvesting', $1)")
            .bind(world.ctx.now() - chrono::Duration::minutes(minutes))
            .execute(&world.db.pool)
    };
    tick(59).await.unwrap();
    on_call.watch().await;
    assert!(!on_call.fires("no-harvest").await);
    on_call.after(2).await;
    assert!(on_call.fires("no-harvest").await, "OP-13: 60 min");
    let runbook = runbooks::read(&world.ctx, &world.registry, Incident::BackfillGap).await.unwrap();
    assert!(runbook.is_happening(), "the runbook agrees: {:?}", runbook.detection);
    assert_eq!(runbook.alerts.len(), 1, "and names the alert");
    on_call
        .change("no-harvest", RuleChange { threshold: Some(90), for_minutes: None, enabled: None })
        .await;
    on_call.watch().await;
    assert!(!on_call.fires("no-harvest").await, "its threshold was moved");
    let runbook = runbooks::read(&world.ctx, &world.registry, Incident::BackfillGap).await.unwrap();
    assert!(!runbook.is_happening(), "for the runbook too");
}

#[tokio::test]
async fn av_5_calls_to_a_provider_that_fail_fire_over_five_percent() {
    let on_call = OnCall::new().await;
    let world = &on_call.world;
    let call = |outcome: &'static str, calls: i32| {
        sqlx::query(
            "INSERT INTO provider_calls (provider, at, took_ms, outcome, job_id)
             SELECT 'mcp', $1, 1, $2, 1 FROM generate_series(1, $3)",
        )
        .bind(world.ctx.now())
        .bind(outcome)
        .bind(calls)
        .execute(&world.db.pool)
    };
    call("ok", 18).await.unwrap();
    call("failed", 1).await.unwrap();
    on_call.watch().await;
    assert!(!on_call.fires("provider-errors").await, "19 calls say nothing");
    call("ok", 1).await.unwrap();
    on_call.watch().await;
    assert!(!on_call.fires("provider-errors").await, "1 of 20 is not over 5 %");
    call("ok", 80).await.unwrap();
    call("failed", 4).await.unwrap();
    on_call.watch().await;
    assert!(!on_call.fires("provider-errors").await, "5 of 104");
    call("failed", 1).await.unwrap();
    on_call.watch().await;
    assert!(on_call.fires("provider-errors").await, "6 of 105: 5.7 % is over 5 %");
    on_call.after(6).await;
    assert!(!on_call.fires("provider-errors").await, "only the last 5 min count");
}

#[tokio::test]
async fn op_13_a_rule_that_is_not_watched_ends_its_alerts_and_can_be_reset() {
    let on_call = OnCall::new().await;
    let ctx = &on_call.world.ctx;
    kill_switch::activate(ctx, "the bill").await.unwrap();
    on_call.watch().await;
    on_call.change("kill-switch", OFF).await;
    on_call.watch().await;
    assert!(!on_call.fires("kill-switch").await);
    on_call.heard();
    on_call.after(5).await;
    let heard = on_call.heard();
    assert!(heard[0].contains("[no longer watched] The kill switch"), "it is not over: {heard:?}");
    assert!(!alerts::rule(ctx, "kill-switch").await.unwrap().enabled);
    let rule = alerts::reset_rule(ctx, "kill-switch").await.unwrap();
    assert!(rule.enabled && !rule.changed);
    let again = alerts::reset_rule(ctx, "kill-switch").await;
    assert!(matches!(again, Err(CommandError::Conflict(_))), "{again:?}");
    on_call.watch().await;
    assert!(on_call.fires("kill-switch").await);
}

#[tokio::test]
async fn op_13_one_person_takes_care_of_an_alert() {
    let on_call = OnCall::new().await;
    let ctx = &on_call.world.ctx;
    kill_switch::activate(ctx, "the bill").await.unwrap();
    force::act(ctx, "mcp", BreakerAction::ForceOpen, "they bill twice", None).await.unwrap();
    on_call.watch().await;
    let counts = alerts::counts(ctx).await.unwrap();
    assert_eq!((counts.firing, counts.critical), (2, 1));
    let alert = on_call.firing().await.remove(0);
    alerts::acknowledge(ctx, alert.id).await.unwrap();
    assert_eq!(alerts::counts(ctx).await.unwrap().critical, 0);
    let again = alerts::acknowledge(ctx, alert.id).await;
    assert!(matches!(again, Err(CommandError::Conflict(_))), "{again:?}");
    assert!(matches!(alerts::acknowledge(ctx, 0).await, Err(CommandError::NotFound { .. })));
    let unknown = alerts::rule(ctx, "no-such-rule").await;
    assert!(matches!(unknown, Err(CommandError::NotFound { .. })));
}

#[tokio::test]
async fn op_13_a_schedule_that_ticks_and_never_ended_well_fires_too() {
    let on_call = OnCall::new().await;
    let world = &on_call.world;
    sqlx::query(
        "INSERT INTO schedules (name, kind, cron, next_run_at, first_run_at, last_run_at)
         VALUES ('often', 'system.fail', '*/10 * * * *', $1, $2, $1)",
    )
    .bind(world.ctx.now())
    .bind(world.ctx.now() - chrono::Duration::minutes(29))
    .execute(&world.db.pool)
    .await
    .unwrap();
    on_call.watch().await;
    assert!(!on_call.fires("schedule-gap").await);
    on_call.after(1).await;
    let firing = on_call.firing().await;
    assert_eq!(firing[0].detail, "has never ended well; 30 min may pass");
}

#[tokio::test]
async fn op_13_the_powerless_neither_read_nor_operate_alerts_and_commands_are_audited() {
    let on_call = OnCall::new().await;
    let world = &on_call.world;
    kill_switch::activate(&world.ctx, "the bill").await.unwrap();
    on_call.watch().await;
    let id = on_call.firing().await[0].id;
    for role in [Role::QaLead, Role::Technician] {
        let ctx = world.as_role(role);
        let forbidden = |error: CommandError| matches!(error, CommandError::Forbidden { .. });
        assert!(forbidden(alerts::firing(&ctx).await.unwrap_err()));
        assert!(forbidden(alerts::history(&ctx, None, None, None).await.unwrap_err()));
        assert!(forbidden(alerts::rules(&ctx).await.unwrap_err()));
        assert!(forbidden(alerts::messages(&ctx).await.unwrap_err()));
        assert!(forbidden(alerts::acknowledge(&ctx, id).await.unwrap_err()));
        assert!(forbidden(alerts::change_rule(&ctx, "kill-switch", OFF).await.unwrap_err()));
        assert!(forbidden(alerts::reset_rule(&ctx, "kill-switch").await.unwrap_err()));
        assert!(forbidden(alerts::silence(&ctx, "kill-switch", 5, "x").await.unwrap_err()));
        assert!(forbidden(alerts::unsilence(&ctx, "kill-switch").await.unwrap_err()));
        assert!(forbidden(alerts::test_message(&ctx, &on_call.outside).await.unwrap_err()));
    }
    let audited = || async {
        sqlx::query_scalar::<_, String>(
            "SELECT action FROM audit_log WHERE action LIKE 'alert%' ORDER BY id",
        )
        .fetch_all(&world.db.pool)
        .await
        .unwrap()
    };
    assert_eq!(audited().await, Vec::<String>::new());
    let ctx = &world.ctx;
    alerts::acknowledge(ctx, id).await.unwrap();
    on_call.change("kill-switch", OFF).await;
    alerts::reset_rule(ctx, "kill-switch").await.unwrap();
    alerts::silence(ctx, "kill-switch", 5, "known").await.unwrap();
    alerts::unsilence(ctx, "kill-switch").await.unwrap();
    alerts::test_message(ctx, &on_call.outside).await.unwrap();
    assert_eq!(
        audited().await,
        [
            "alert.acknowledge",
            "alert_rule.change",
            "alert_rule.reset",
            "alert_rule.silence",
            "alert_rule.unsilence",
            "alert.test"
        ]
    );
    let wrong = alerts::silence(ctx, "kill-switch", 0, " ").await.unwrap_err();
    let CommandError::Invalid(problems) = wrong else { panic!("{wrong:?}") };
    assert_eq!(problems.len(), 2, "{problems:?}");
}
