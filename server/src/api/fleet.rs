//! Workers and the scheduler by API (ST-4).

use axum::extract::Path;
use signalbox_engine::fleet;
use signalbox_model::fleet::{Fleet, Part};

use super::input::{Json, Signed};
use super::requested_by::Because;
use crate::problem::Answer;

/// `GET /api/admin/workers`: the workers, the scheduler, and what is stopped.
pub async fn read(Signed { ctx, .. }: Signed) -> Answer<axum::Json<Fleet>> {
    Ok(axum::Json(fleet::read(&ctx).await?))
}

/// `POST /api/ops/workers/{part}/stop {"reason"}` → the fleet. `part` is `workers` for all of them,
/// `scheduler`, or a worker's id.
pub async fn stop(
    Signed { ctx, .. }: Signed,
    Path(part): Path<String>,
    Json(body): Json<Because>,
) -> Answer<axum::Json<Fleet>> {
    fleet::stop(&ctx, &Part::from_name(&part), body.reason(&ctx.actor)?).await?;
    Ok(axum::Json(fleet::read(&ctx).await?))
}

/// `POST /api/ops/workers/{part}/start {"reason"}` → the fleet.
pub async fn start(
    Signed { ctx, .. }: Signed,
    Path(part): Path<String>,
    Json(body): Json<Because>,
) -> Answer<axum::Json<Fleet>> {
    fleet::start(&ctx, &Part::from_name(&part), body.reason(&ctx.actor)?).await?;
    Ok(axum::Json(fleet::read(&ctx).await?))
}
