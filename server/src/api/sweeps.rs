//! Sweeps by API.

use schemars::JsonSchema;
use serde::Serialize;
use signalbox_engine::sweeps;
use signalbox_model::sweep::SweepStatus;

use super::input::Signed;
use crate::problem::Answer;

/// The answer of `GET /api/admin/sweeps`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Sweeps {
    sweeps: Vec<SweepStatus>,
}

/// `GET /api/admin/sweeps`: how the last run of each went.
pub async fn list(Signed { ctx, .. }: Signed) -> Answer<axum::Json<Sweeps>> {
    Ok(axum::Json(Sweeps { sweeps: sweeps::list(&ctx).await? }))
}
