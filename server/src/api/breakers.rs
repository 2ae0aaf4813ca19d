//! Circuit breakers by API (OP-1).

use serde::Serialize;
use signalbox_engine::breaker::store;
use signalbox_model::breaker::Breaker;

use super::input::Signed;
use crate::problem::Answer;

/// The answer of `GET /api/admin/breakers`.
#[derive(Debug, Serialize)]
pub struct Breakers {
    breakers: Vec<Breaker>,
}

/// `GET /api/admin/breakers`.
pub async fn list(Signed { ctx, .. }: Signed) -> Answer<axum::Json<Breakers>> {
    Ok(axum::Json(Breakers { breakers: store::list(&ctx).await? }))
}
