//! Alerts (OP-13, AV-5): what fires, who is told, and what operators do about it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::World;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::json;
use signalbox_engine::alerts::courier::{self, Channel, Outside};
use signalbox_engine::breaker::force;
use signalbox_engine::{CommandError, alerts, fleet, kill_switch, logs, runbooks, settings};
use signalbox_model::actor::Role;
use signalbox_model::alert::{Alert, MessageState, RuleChange, Urgency};
use signalbox_model::breaker::BreakerAction;
use signalbox_model::fleet::Part;
use signalbox_model::runbook::Incident;

/// A channel that remembers, and refuses while it is told to.
#[derive(Debug, Default)]
struct Telephone {
    heard: Mutex<Vec<String>>,
    broken: Mutex<bool>,
}

impl Channel for Telephone {
    fn name(&self) -> &'static str {
        "telephone"
    }

    fn leads_to(&self) -> String {
        "the one on call".to_owned()
    }

    fn send<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<(), String>> {
        async move {
            if *self.broken.lock().unwrap() {
                return Err("nobody answers".to_owned());
            }
            self.heard.lock().unwrap().push(text.to_owned());
            Ok(())
        }
        .boxed()
    }
}

/// A world with somebody on call.
struct OnCall {
    world: World,
    telephone: Arc<Telephone>,
    outside: Outside,
}

impl OnCall {
    async fn new() -> OnCall {
        let telephone = Arc::new(Telephone::default());
        let outside = Outside {
            environment: "test".to_owned(),
            url: Some("https://ops.example.com".to_owned()),
            channels: vec![telephone.clone()],
        };
        OnCall { world: World::new().await, telephone, outside }
    }

    /// One look at all rules, and what is to be sent is.
    async fn watch(&self) {
        let world = &self.world;
        alerts::watch(&world.ctx, &world.registry, &self.outside).await.unwrap();
        courier::deliver(&world.db.pool, &world.ctx.clock, &self.outside).await.unwrap();
    }

    async fn after(&self, minutes: u64) {
        self.world.clock.advance(Duration::from_secs(60 * minutes));
        self.watch().await;
    }

    async fn firing(&self) -> Vec<Alert> {
        alerts::firing(&self.world.ctx).await.unwrap()
    }

    async fn fires(&self, rule: &str) -> bool {
        self.firing().await.iter().any(|alert| alert.rule == rule)
    }

    /// What was heard since the last time.
    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.telephone.heard.lock().unwrap())
    }

    async fn bury(&self, jobs: usize) {
        for _ in 0..jobs {
            self.world.enqueue("system.fail", json!({ "message": "no such post" })).await;
        }
        self.world.worker.drain().await.unwrap();
    }

    async fn change(&self, rule: &str, change: RuleChange) {
        alerts::change_rule(&self.world.ctx, rule, change).await.unwrap();
    }

    async fn logged(&self, event: &str) -> Vec<String> {
        let page = logs::search(&self.world.ctx, Some(event), None, None, None).await.unwrap();
        page.items.into_iter().map(|log| log.message).collect()
    }
}

const OFF: RuleChange = RuleChange { threshold: None, for_minutes: None, enabled: Some(false) };

#[tokio::test]
async fn op_13_nothing_fires_in_a_quiet_world() {
    let on_call = OnCall::new().await;
    on_call.watch().await;
    assert_eq!(on_call.firing().await, []);
    assert!(on_call.heard().is_empty());
}

#[tokio::test]
async fn op_13_dead_letters_fire_from_ten_on_are_told_once_and_told_to_be_over() {
    let on_call = OnCall::new().await;
    on_call.bury(9).await;
    on_call.watch().await;
    assert!(!on_call.fires("dead-letters").await);
    on_call.bury(1).await;
    on_call.watch().await;
    on_call.after(1).await;
    let firing = on_call.firing().await;
    let rules: Vec<_> = firing.iter().map(|alert| (alert.rule.as_str(), alert.urgency)).collect();
    use Urgency::{Critical, Warning};
    assert_eq!(
        rules,
        [
            ("daily-failures", Critical),
            ("success-rate", Warning),
            ("daily-failures-rising", Warning),
            ("dead-letters", Warning),
        ],
        "the most urgent first"
    );
    let heard = on_call.heard();
    assert_eq!(heard.len(), 1, "all in one message, and once: {heard:?}");
    let text = &heard[0];
    assert!(text.starts_with("Signalbox test: 4 alerts fire\n"), "{text}");
    assert!(
        text.contains("[critical] Too many runs fail in a day: system.fail, 100 % of 10 failed")
    );
    assert!(text.contains("\nhttps://ops.example.com/admin/runbooks/dlq-growth"), "{text}");
    assert_eq!(on_call.logged("alert_fired").await.len(), 4);

    sqlx::query("DELETE FROM dead_letter_queue").execute(&on_call.world.db.pool).await.unwrap();
    on_call.after(5).await;
    assert!(!on_call.fires("dead-letters").await);
    let heard = on_call.heard();
    assert!(
        heard[0].contains("1 is over") && heard[0].contains("[over] Dead letters"),
        "{heard:?}"
    );
    assert_eq!(on_call.logged("alert_resolved").await.len(), 1);
    let past = alerts::history(&on_call.world.ctx, Some("dead-letters"), None, None).await.unwrap();
    assert_eq!(past.items.len(), 1);
    assert!(past.items[0].resolved_at.is_some());
}

#[tokio::test]
async fn op_13_what_comes_back_within_five_minutes_is_folded() {
    let on_call = OnCall::new().await;
    let ctx = &on_call.world.ctx;
    let open = || force::act(ctx, "mcp", BreakerAction::ForceOpen, "they bill twice", None);
    let close = || force::act(ctx, "mcp", BreakerAction::Reset, "they do not", None);
    for _ in 0..2 {
        open().await.unwrap();
        on_call.after(1).await;
        close().await.unwrap();
        on_call.after(1).await;
    }
    let past = alerts::history(ctx, Some("breaker-open"), None, None).await.unwrap();
    assert_eq!(past.items.len(), 1);
    assert_eq!(past.items[0].repeats, 1);
    assert_eq!(on_call.heard().len(), 1, "neither that it is over, nor that it is back");
    on_call.after(5).await;
    let heard = on_call.heard();
    assert!(heard.len() == 1 && heard[0].contains("[over]"), "{heard:?}");
    open().await.unwrap();
    on_call.after(6).await;
    assert_eq!(on_call.heard().len(), 1, "later it is another one");
    assert_eq!(
        alerts::history(ctx, Some("breaker-open"), None, None).await.unwrap().items.len(),
        2
    );
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
async fn op_13_the_kill_switch_is_told_of_while_no_job_starts() {
    let on_call = OnCall::new().await;
    kill_switch::activate(&on_call.world.ctx, "the bill").await.unwrap();
    fleet::stop(&on_call.world.ctx, &Part::Workers, "new machines").await.unwrap();
    on_call.watch().await;
    let heard = on_call.heard();
    assert!(
        heard[0].contains("The kill switch is on: kill switch, no job starts: the bill"),
        "{heard:?}"
    );
    assert!(on_call.fires("kill-switch").await && !on_call.fires("no-worker").await);
    on_call.after(1).await;
    assert!(on_call.fires("no-worker").await);
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
async fn op_13_a_silenced_rule_is_shown_and_logged_and_told_when_the_silence_is_over() {
    let on_call = OnCall::new().await;
    let ctx = &on_call.world.ctx;
    let rule = alerts::silence(ctx, "breaker-open", 30, "they told us").await.unwrap();
    assert_eq!(rule.silence.unwrap().reason, "they told us");
    force::act(ctx, "mcp", BreakerAction::ForceOpen, "they bill twice", None).await.unwrap();
    on_call.watch().await;
    assert!(on_call.fires("breaker-open").await);
    assert_eq!(on_call.heard(), Vec::<String>::new());
    let logged = on_call.logged("alert_fired").await;
    assert!(logged.len() == 1 && logged[0].starts_with("Alert (silenced): "), "{logged:?}");
    on_call.after(29).await;
    assert_eq!(on_call.heard(), Vec::<String>::new());
    on_call.after(2).await;
    assert_eq!(on_call.heard().len(), 1, "it fires still");
    let rule = alerts::rule(ctx, "breaker-open").await.unwrap();
    assert_eq!(rule.silence, None, "over for everyone who reads it");
    // Told, and then silenced: that it is over is told after the silence.
    alerts::silence(ctx, "breaker-open", 30, "they told us").await.unwrap();
    force::act(ctx, "mcp", BreakerAction::Reset, "they do not", None).await.unwrap();
    on_call.after(20).await;
    assert_eq!(on_call.heard(), Vec::<String>::new());
    on_call.after(11).await;
    assert!(on_call.heard()[0].contains("[over] A breaker is not closed"));
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
async fn op_13_a_channel_that_refuses_is_tried_again_and_nothing_is_lost() {
    let on_call = OnCall::new().await;
    let ctx = &on_call.world.ctx;
    *on_call.telephone.broken.lock().unwrap() = true;
    alerts::test_message(ctx, &on_call.outside).await.unwrap();
    let deliver = || courier::deliver(&on_call.world.db.pool, &ctx.clock, &on_call.outside);
    let newest = || async { alerts::messages(ctx).await.unwrap().remove(0) };
    assert_eq!(deliver().await.unwrap(), 1);
    assert_eq!(deliver().await.unwrap(), 0, "not at once");
    let message = newest().await;
    assert_eq!((message.state, message.attempts), (MessageState::Waiting, 1));
    assert_eq!(message.error.as_deref(), Some("nobody answers"));
    *on_call.telephone.broken.lock().unwrap() = false;
    on_call.world.clock.advance(Duration::from_secs(5));
    assert_eq!(deliver().await.unwrap(), 1);
    let message = newest().await;
    assert_eq!((message.state, message.attempts, message.error), (MessageState::Sent, 2, None));
    assert!(on_call.heard()[0].contains("this is a test by admin@example.org"));

    *on_call.telephone.broken.lock().unwrap() = true;
    alerts::test_message(ctx, &on_call.outside).await.unwrap();
    for _ in 0..16 {
        assert_eq!(deliver().await.unwrap(), 1);
        on_call.world.clock.advance(Duration::from_secs(300));
    }
    assert_eq!(deliver().await.unwrap(), 0);
    assert_eq!(newest().await.state, MessageState::Failed);
    assert_eq!(on_call.logged("alert_message").await.len(), 1);
}

#[tokio::test]
async fn op_13_a_dry_run_and_a_world_without_channels_write_down_what_they_would_say() {
    let on_call = OnCall::new().await;
    let ctx = &on_call.world.ctx;
    settings::change(ctx, courier::DRY_RUN, 1, None).await.unwrap();
    let dry = alerts::test_message(ctx, &on_call.outside).await.unwrap();
    assert_eq!(dry[0].state, MessageState::DryRun);
    let nobody = alerts::test_message(ctx, &Outside::default()).await.unwrap();
    assert_eq!((nobody[0].state, nobody[0].channel.as_deref()), (MessageState::NoChannel, None));
    assert_eq!(
        courier::deliver(&on_call.world.db.pool, &ctx.clock, &on_call.outside).await.unwrap(),
        0
    );
    settings::change(ctx, courier::DRY_RUN, 0, None).await.unwrap();
    alerts::test_message(ctx, &on_call.outside).await.unwrap();
    settings::change(ctx, courier::DRY_RUN, 1, None).await.unwrap();
    courier::deliver(&on_call.world.db.pool, &ctx.clock, &on_call.outside).await.unwrap();
    assert_eq!(alerts::messages(ctx).await.unwrap()[0].state, MessageState::DryRun);
    assert!(on_call.heard().is_empty());
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
async fn op_13_a_wide_outage_is_one_message_that_names_twenty_and_counts_the_rest() {
    let on_call = OnCall::new().await;
    sqlx::query(
        "INSERT INTO job_stats (minute, kind, completed, failed, histogram)
         SELECT date_trunc('minute', $1::timestamptz), 'kind-' || n, 0, 10, array_fill(0, ARRAY[19])
         FROM generate_series(1, 30) n",
    )
    .bind(on_call.world.ctx.now())
    .execute(&on_call.world.db.pool)
    .await
    .unwrap();
    on_call.watch().await;
    let heard = on_call.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].matches("[critical]").count(), 20, "the most urgent first");
    assert!(
        heard[0].ends_with("and 70 more\nhttps://ops.example.com/admin/alerts"),
        "{}",
        heard[0]
    );
}

#[tokio::test]
async fn op_13_the_powerless_neither_read_nor_operate_alerts_and_commands_are_audited() {
    let on_call = OnCall::new().await;
    let world = &on_call.world;
    kill_switch::activate(&world.ctx, "the bill").await.unwrap();
    on_call.watch().await;
    let id = on_call.firing().await[0].id;
    for role in [Role::Operator, Role::Viewer, Role::QaLead, Role::Technician] {
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
