//! Alerts by API (OP-13).

use axum::extract::{Path, State};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_engine::alerts;
use signalbox_model::alert::{Alert, BackTest, Message, Rule, RuleChange, TriedRule};
use signalbox_model::page::Page;

use super::input::{Id, Json, Params, Signed};
use super::output::Accepted;
use crate::problem::Answer;
use crate::state::AppState;

/// The answer of `GET /api/admin/alerts`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Alerts {
    /// What fires now, the most urgent first.
    firing: Vec<Alert>,
    /// Every rule.
    rules: Vec<Rule>,
    /// What people were told last.
    messages: Vec<Message>,
}

/// `GET /api/admin/alerts`.
pub async fn list(Signed { ctx, .. }: Signed) -> Answer<axum::Json<Alerts>> {
    Ok(axum::Json(Alerts {
        firing: alerts::firing(&ctx).await?,
        rules: alerts::rules(&ctx).await?,
        messages: alerts::messages(&ctx).await?,
    }))
}

/// The query of `GET /api/admin/alerts/history`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keyset {
    rule: Option<String>,
    cursor: Option<i64>,
    limit: Option<i64>,
}

/// `GET /api/admin/alerts/history?rule=&cursor=&limit=`: what has fired, the newest first.
pub async fn history(
    Signed { ctx, .. }: Signed,
    Params(Keyset { rule, cursor, limit }): Params<Keyset>,
) -> Answer<axum::Json<Page<Alert>>> {
    Ok(axum::Json(alerts::history(&ctx, rule.as_deref(), cursor, limit).await?))
}

/// `POST /api/admin/alerts/{id}/acknowledge`: the caller takes care of it. 409 when somebody does.
pub async fn acknowledge(Signed { ctx, .. }: Signed, Id(id): Id) -> Answer<StatusCode> {
    alerts::acknowledge(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/admin/alerts/rules/{name}`.
pub async fn rule(
    Signed { ctx, .. }: Signed,
    Path(name): Path<String>,
) -> Answer<axum::Json<Rule>> {
    Ok(axum::Json(alerts::rule(&ctx, &name).await?))
}

/// `GET /api/admin/alerts/rules/{name}/back-test?threshold=&forMinutes=`: what it would have found in
/// the last 24 h with these values. 422 for one out of its range.
pub async fn try_out(
    Signed { ctx, .. }: Signed,
    Path(name): Path<String>,
    Params(tried): Params<TriedRule>,
) -> Answer<axum::Json<BackTest>> {
    Ok(axum::Json(alerts::back_test(&ctx, &name, tried).await?))
}

/// The body of `POST /api/admin/alerts/rules/{name}`.
#[derive(Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Change it.
    Change(RuleChange),
    /// Make it what it was at first.
    Reset,
    /// Tell nobody for a while.
    Silence {
        /// For how long.
        minutes: i64,
        /// Why.
        reason: String,
    },
    /// End that.
    Unsilence,
}

/// `POST /api/admin/alerts/rules/{name}` `{"action":"change","threshold"?,"forMinutes"?,"enabled"?}`,
/// `{"action":"reset"}`, `{"action":"silence","minutes","reason"}` or `{"action":"unsilence"}` → the
/// rule as it is then.
pub async fn command(
    Signed { ctx, .. }: Signed,
    Path(name): Path<String>,
    Json(command): Json<Command>,
) -> Answer<axum::Json<Rule>> {
    let rule = match command {
        Command::Change(change) => alerts::change_rule(&ctx, &name, change).await?,
        Command::Reset => alerts::reset_rule(&ctx, &name).await?,
        Command::Silence { minutes, reason } => {
            alerts::silence(&ctx, &name, minutes, &reason).await?
        }
        Command::Unsilence => alerts::unsilence(&ctx, &name).await?,
    };
    Ok(axum::Json(rule))
}

/// `POST /api/admin/test-alert` → 202 and the messages, one for each channel.
pub async fn test(
    State(state): State<AppState>,
    Signed { ctx, .. }: Signed,
) -> Answer<Accepted<Vec<Message>>> {
    Ok(Accepted(alerts::test_message(&ctx, &state.parts.outside).await?))
}
