//! Schedules by API (OP-16).

use serde::Serialize;
use signalbox_engine::schedules;
use signalbox_model::schedule::Schedule;

use super::input::Signed;
use crate::problem::Answer;

/// The answer of `GET /api/admin/schedules`.
#[derive(Debug, Serialize)]
pub struct Schedules {
    schedules: Vec<Schedule>,
}

/// `GET /api/admin/schedules`.
pub async fn list(Signed { ctx, .. }: Signed) -> Answer<axum::Json<Schedules>> {
    Ok(axum::Json(Schedules { schedules: schedules::list(&ctx).await? }))
}
