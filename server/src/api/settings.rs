//! Settings by API (OP-3).

use axum::extract::Path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_engine::{settings, throttle};
use signalbox_model::limit_preview::LimitPreview;
use signalbox_model::setting::Setting;
use signalbox_model::throttle::Throttled;

use super::input::{Json, Params, Signed};
use super::requested_by;
use crate::problem::Answer;

/// The answer of `GET /api/admin/config`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Settings {
    /// Every setting.
    settings: Vec<Setting>,
    /// The rates that are lowered now because their provider is near its own limit.
    throttled: Vec<Throttled>,
}

/// The body of `POST /api/admin/config`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change {
    key: String,
    value: i64,
    description: Option<String>,
    /// Absent: the change lasts.
    expires_in_minutes: Option<i64>,
    requested_by: Option<String>,
}

/// `GET /api/admin/config`.
pub async fn list(Signed { ctx, registry }: Signed) -> Answer<axum::Json<Settings>> {
    Ok(axum::Json(Settings {
        settings: settings::list(&ctx).await?,
        throttled: throttle::list(&ctx, &registry).await?,
    }))
}

/// `POST /api/admin/config {"key","value","description"?,"expiresInMinutes"?}`; 422 names what is
/// allowed.
pub async fn change(
    Signed { ctx, .. }: Signed,
    Json(change): Json<Change>,
) -> Answer<axum::Json<Setting>> {
    requested_by::check(&ctx.actor, change.requested_by.as_deref())?;
    let description = change.description.as_deref();
    let (key, value) = (&change.key, change.value);
    Ok(axum::Json(match change.expires_in_minutes {
        None => settings::change(&ctx, key, value, description).await?,
        Some(minutes) => settings::change_for(&ctx, key, value, minutes, description).await?,
    }))
}

/// The query of `GET /api/admin/config/preview`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    key: String,
    value: i64,
}

/// `GET /api/admin/config/preview?key=&value=`: what a limit would do with another value.
pub async fn preview(
    Signed { ctx, registry }: Signed,
    Params(asked): Params<Asked>,
) -> Answer<axum::Json<LimitPreview>> {
    Ok(axum::Json(settings::preview(&ctx, &registry, &asked.key, asked.value).await?))
}

/// The body of `revert` and `keep`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decision {
    requested_by: Option<String>,
}

/// `POST /api/admin/config/{key}/revert {}`: ends a temporary change now.
pub async fn revert(
    Signed { ctx, .. }: Signed,
    Path(key): Path<String>,
    Json(body): Json<Decision>,
) -> Answer<axum::Json<Setting>> {
    requested_by::check(&ctx.actor, body.requested_by.as_deref())?;
    Ok(axum::Json(settings::revert(&ctx, &key).await?))
}

/// `POST /api/admin/config/{key}/keep {}`: makes a temporary change a lasting one.
pub async fn keep(
    Signed { ctx, .. }: Signed,
    Path(key): Path<String>,
    Json(body): Json<Decision>,
) -> Answer<axum::Json<Setting>> {
    requested_by::check(&ctx.actor, body.requested_by.as_deref())?;
    Ok(axum::Json(settings::keep(&ctx, &key).await?))
}
