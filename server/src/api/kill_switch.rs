//! The kill switch by API (OP-4).

use signalbox_engine::kill_switch;
use signalbox_model::kill_switch::KillSwitch;

use super::input::{Json, Signed};
use super::requested_by::Because;
use crate::problem::Answer;

/// `GET /api/admin/kill-switch`.
pub async fn read(Signed { ctx, .. }: Signed) -> Answer<axum::Json<KillSwitch>> {
    Ok(axum::Json(kill_switch::read(&ctx).await?))
}

/// `POST /api/admin/kill-switch {"reason","requestedBy"?}`: no job starts from now on.
pub async fn activate(
    Signed { ctx, .. }: Signed,
    Json(body): Json<Because>,
) -> Answer<axum::Json<KillSwitch>> {
    let reason = body.reason(&ctx.actor)?;
    Ok(axum::Json(kill_switch::activate(&ctx, reason).await?))
}

/// `DELETE /api/admin/kill-switch {"reason","requestedBy"?}`: jobs start again.
pub async fn deactivate(
    Signed { ctx, .. }: Signed,
    Json(body): Json<Because>,
) -> Answer<axum::Json<KillSwitch>> {
    let reason = body.reason(&ctx.actor)?;
    Ok(axum::Json(kill_switch::deactivate(&ctx, reason).await?))
}
