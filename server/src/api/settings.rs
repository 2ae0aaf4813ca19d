//! Settings by API (OP-3).

use serde::{Deserialize, Serialize};
use signalbox_engine::settings;
use signalbox_model::setting::Setting;

use super::input::{Json, Signed};
use super::requested_by;
use crate::problem::Answer;

/// The answer of `GET /api/admin/config`.
#[derive(Debug, Serialize)]
pub struct Settings {
    /// Every setting.
    settings: Vec<Setting>,
}

/// The body of `POST /api/admin/config`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change {
    key: String,
    value: i64,
    description: Option<String>,
    requested_by: Option<String>,
}

/// `GET /api/admin/config`.
pub async fn list(Signed { ctx, .. }: Signed) -> Answer<axum::Json<Settings>> {
    Ok(axum::Json(Settings { settings: settings::list(&ctx).await? }))
}

/// `POST /api/admin/config {"key","value","description"?}`; 422 names what is allowed.
pub async fn change(
    Signed { ctx, .. }: Signed,
    Json(change): Json<Change>,
) -> Answer<axum::Json<Setting>> {
    requested_by::check(&ctx.actor, change.requested_by.as_deref())?;
    let description = change.description.as_deref();
    Ok(axum::Json(settings::change(&ctx, &change.key, change.value, description).await?))
}
