//! Server functions of the alerts.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::alert::{Alert, BackTest, Message, Rule, TriedRule};
use signalbox_model::page::Page;

use crate::error::AppError;
use crate::notice::Notice;

/// What the list shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AlertsFacts {
    /// What fires now, the most urgent first.
    pub firing: Vec<Alert>,
    /// What has fired, the newest first.
    pub history: Page<Alert>,
    /// Every rule.
    pub rules: Vec<Rule>,
    /// What people were told last.
    pub messages: Vec<Message>,
    /// Where they are told.
    pub channels: Vec<String>,
    /// Whether messages are only written down.
    pub dry_run: bool,
    /// When this was read.
    pub as_of: Timestamp,
}

/// What the page of one rule shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RuleFacts {
    /// The rule.
    pub rule: Rule,
    /// What has fired of it, the newest first.
    pub history: Page<Alert>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// What fires, every rule, and what was told.
#[server(prefix = "/api/fn", endpoint = "list_alerts", output = crate::codec::Json)]
pub(crate) async fn list_alerts(
    #[server(default)] cursor: Option<i64>,
) -> Result<AlertsFacts, AppError> {
    use crate::request::{answer, ctx, state};
    use signalbox_engine::alerts::{self, courier};
    use signalbox_engine::settings;

    let ctx = ctx()?;
    let outside = state()?.outside;
    Ok(AlertsFacts {
        firing: answer(alerts::firing(&ctx).await)?,
        history: answer(alerts::history(&ctx, None, cursor, None).await)?,
        rules: answer(alerts::rules(&ctx).await)?,
        messages: answer(alerts::messages(&ctx).await)?,
        channels: outside.channels.iter().map(|channel| channel.leads_to()).collect(),
        dry_run: answer(settings::read(&ctx, courier::DRY_RUN).await)?.value == 1,
        as_of: ctx.now(),
    })
}

/// One rule.
#[server(prefix = "/api/fn", endpoint = "alert_rule", output = crate::codec::Json)]
pub(crate) async fn read_alert_rule(
    name: String,
    #[server(default)] cursor: Option<i64>,
) -> Result<RuleFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::alerts;

    let ctx = ctx()?;
    Ok(RuleFacts {
        rule: answer(alerts::rule(&ctx, &name).await)?,
        history: answer(alerts::history(&ctx, Some(&name), cursor, None).await)?,
        as_of: ctx.now(),
    })
}

/// What the page of a rule's back-test shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RuleTestFacts {
    /// The rule as it stands.
    pub rule: Rule,
    /// What it would have found, or why it may not be set like this.
    pub tried: Result<BackTest, String>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// What a rule would have found in the last hours.
#[server(prefix = "/api/fn", endpoint = "back_test_alert_rule", output = crate::codec::Json)]
pub(crate) async fn back_test_alert_rule(
    name: String,
    #[server(default)] tried: TriedRule,
) -> Result<RuleTestFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::{CommandError, alerts};

    let ctx = ctx()?;
    let rule = answer(alerts::rule(&ctx, &name).await)?;
    let tried = match alerts::back_test(&ctx, &name, tried).await {
        Err(error @ CommandError::Invalid(_)) => Err(error.to_string()),
        other => Ok(answer(other)?),
    };
    Ok(RuleTestFacts { rule, tried, as_of: ctx.now() })
}

/// Takes care of an alert.
#[server(prefix = "/api/fn", endpoint = "acknowledge_alert", output = crate::codec::Json)]
pub(crate) async fn acknowledge_alert(id: i64) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::alerts;

    let result = alerts::acknowledge(&ctx()?, id).await;
    let result = result.map(|()| Notice::done("You take care of it now."));
    finish(result, "/admin/alerts", &[]).await
}

/// Changes a rule. An empty threshold: as it is.
#[server(prefix = "/api/fn", endpoint = "change_alert_rule", output = crate::codec::Json)]
pub(crate) async fn change_alert_rule(
    name: String,
    #[server(default)] threshold: String,
    #[server(rename = "forMinutes")] for_minutes: String,
    #[server(default)] watched: Option<String>,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, whole_number};
    use signalbox_engine::alerts;
    use signalbox_model::alert::RuleChange;

    let ctx = ctx()?;
    let numbers = whole_number("threshold", &threshold)
        .and_then(|threshold| Ok((threshold, whole_number("forMinutes", &for_minutes)?)));
    let result = match numbers {
        Ok((threshold, for_minutes)) => {
            let change = RuleChange { threshold, for_minutes, enabled: Some(watched.is_some()) };
            alerts::change_rule(&ctx, &name, change).await
        }
        Err(error) => Err(error),
    };
    let result = result.map(|rule| {
        Notice::done(match rule.enabled {
            true => format!("{}: fires {}.", rule.title, rule.condition),
            false => format!("{}: is not watched any more.", rule.title),
        })
    });
    let input = [("threshold", &*threshold), ("forMinutes", &*for_minutes)];
    finish(result, &page_of(&name), &input).await
}

/// Makes a rule what it was at first.
#[server(prefix = "/api/fn", endpoint = "reset_alert_rule", output = crate::codec::Json)]
pub(crate) async fn reset_alert_rule(name: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::alerts;

    let result = alerts::reset_rule(&ctx()?, &name).await;
    let done =
        |rule: Rule| Notice::done(format!("{}: fires {} again.", rule.title, rule.condition));
    finish(result.map(done), &page_of(&name), &[]).await
}

/// Tells nobody of a rule's alerts for a while.
#[server(prefix = "/api/fn", endpoint = "silence_alert_rule", output = crate::codec::Json)]
pub(crate) async fn silence_alert_rule(
    name: String,
    minutes: i64,
    reason: String,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::alerts;

    let result = alerts::silence(&ctx()?, &name, minutes, &reason).await;
    let done = "Nobody outside is told of it meanwhile. The console shows it all the same.";
    finish(result.map(|_| Notice::done(done)), &page_of(&name), &[("reason", &reason)]).await
}

/// Ends a silence.
#[server(prefix = "/api/fn", endpoint = "unsilence_alert_rule", output = crate::codec::Json)]
pub(crate) async fn unsilence_alert_rule(name: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::alerts;

    let result = alerts::unsilence(&ctx()?, &name).await;
    finish(result.map(|_| Notice::done("People are told of it again.")), &page_of(&name), &[]).await
}

/// Tells everybody outside that this is a test.
#[server(prefix = "/api/fn", endpoint = "send_test_alert", output = crate::codec::Json)]
pub(crate) async fn send_test_alert() -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state};
    use signalbox_engine::alerts;
    use signalbox_model::alert::MessageState;

    let messages = alerts::test_message(&ctx()?, &state()?.outside).await;
    let result = messages.map(|messages| {
        let text = match messages.first().map(|message| message.state) {
            Some(MessageState::DryRun) => "Written down only: alerts_dry_run is on.",
            Some(MessageState::NoChannel) | None => {
                "Written down only: no channel is configured. Set ALERT_WEBHOOK_URL or SMTP_URL."
            }
            Some(_) => "The test is on its way: below is what became of it.",
        };
        Notice::done(text)
    });
    finish(result, "/admin/alerts", &[]).await
}

/// The page of the rule `name`; the list, for what is none.
#[cfg(feature = "ssr")]
fn page_of(name: &str) -> String {
    match signalbox_model::alert::rule_named(name) {
        Some(rule) => format!("/admin/alerts/{}", rule.name),
        None => "/admin/alerts".to_owned(),
    }
}
