//! Circuit breakers by API (OP-1).

use axum::extract::Path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_engine::breaker::{back_test, force, history, store};
use signalbox_model::Timestamp;
use signalbox_model::breaker::{
    BackTest, Breaker, BreakerAction, BreakerTransition, TriedSettings,
};
use signalbox_model::page::Page;

use super::input::{Json, Params, Signed};
use super::requested_by;
use crate::problem::Answer;

/// The answer of `GET /api/admin/breakers`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Breakers {
    breakers: Vec<Breaker>,
}

/// The body of `POST /api/admin/breakers/{provider}`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Act {
    action: BreakerAction,
    #[serde(default)]
    reason: String,
    until: Option<Timestamp>,
    requested_by: Option<String>,
}

/// The query of `GET /api/admin/breakers/{provider}/history`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keyset {
    cursor: Option<i64>,
    limit: Option<i64>,
}

/// `GET /api/admin/breakers`.
pub async fn list(Signed { ctx, .. }: Signed) -> Answer<axum::Json<Breakers>> {
    Ok(axum::Json(Breakers { breakers: store::list(&ctx).await? }))
}

/// `POST /api/admin/breakers/{provider}
/// {"action":"force_open"|"force_close"|"reset","reason","until"?}`: the breaker as it is now. 404
/// for a provider that was never called, 409 when it is held there already.
pub async fn act(
    Signed { ctx, .. }: Signed,
    Path(provider): Path<String>,
    Json(Act { action, reason, until, requested_by }): Json<Act>,
) -> Answer<axum::Json<Breaker>> {
    requested_by::check(&ctx.actor, requested_by.as_deref())?;
    Ok(axum::Json(force::act(&ctx, &provider, action, &reason, until).await?))
}

/// `GET /api/admin/breakers/{provider}/history?cursor=&limit=`: its moves, the newest first.
pub async fn moves(
    Signed { ctx, .. }: Signed,
    Path(provider): Path<String>,
    Params(Keyset { cursor, limit }): Params<Keyset>,
) -> Answer<axum::Json<Page<BreakerTransition>>> {
    Ok(axum::Json(history::list(&ctx, &provider, cursor, limit).await?))
}

/// `GET /api/admin/breakers/{provider}/back-test?failureThreshold=&cooldownMs=&…`: what it would have
/// done in the last 24 h with these settings. 422 for one out of its range.
pub async fn try_out(
    Signed { ctx, .. }: Signed,
    Path(provider): Path<String>,
    Params(tried): Params<TriedSettings>,
) -> Answer<axum::Json<BackTest>> {
    let settings = tried.over(back_test::present(&ctx, &provider).await?);
    Ok(axum::Json(back_test::back_test(&ctx, &provider, settings).await?))
}
