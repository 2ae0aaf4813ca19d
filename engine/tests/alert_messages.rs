//! What people outside are told of alerts (OP-13): once, and nothing is lost.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::on_call::OnCall;
use signalbox_engine::alerts::courier::{self, Outside};
use signalbox_engine::breaker::force;
use signalbox_engine::{alerts, fleet, kill_switch, settings};
use signalbox_model::alert::{MessageState, Urgency};
use signalbox_model::breaker::BreakerAction;
use signalbox_model::fleet::Part;

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
