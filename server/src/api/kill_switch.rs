//! The kill switch by API (OP-4).

use serde::Deserialize;
use signalbox_engine::{Ctx, kill_switch};
use signalbox_model::kill_switch::KillSwitch;

use super::input::{Json, Signed};
use super::requested_by;
use crate::problem::Answer;

/// The body of `POST` and `DELETE /api/admin/kill-switch`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Turn {
    /// A missing reason is refused by the engine, like an empty one.
    #[serde(default)]
    reason: String,
    requested_by: Option<String>,
}

impl Turn {
    fn checked_reason(&self, ctx: &Ctx) -> Answer<&str> {
        requested_by::check(&ctx.actor, self.requested_by.as_deref())?;
        Ok(&self.reason)
    }
}

/// `GET /api/admin/kill-switch`.
pub async fn read(Signed { ctx, .. }: Signed) -> Answer<axum::Json<KillSwitch>> {
    Ok(axum::Json(kill_switch::read(&ctx).await?))
}

/// `POST /api/admin/kill-switch {"reason","requestedBy"?}`: no job starts from now on.
pub async fn activate(
    Signed { ctx, .. }: Signed,
    Json(turn): Json<Turn>,
) -> Answer<axum::Json<KillSwitch>> {
    let reason = turn.checked_reason(&ctx)?;
    Ok(axum::Json(kill_switch::activate(&ctx, reason).await?))
}

/// `DELETE /api/admin/kill-switch {"reason","requestedBy"?}`: jobs start again.
pub async fn deactivate(
    Signed { ctx, .. }: Signed,
    Json(turn): Json<Turn>,
) -> Answer<axum::Json<KillSwitch>> {
    let reason = turn.checked_reason(&ctx)?;
    Ok(axum::Json(kill_switch::deactivate(&ctx, reason).await?))
}
