//! How the whole did over time, by API (OP-8).

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_engine::trends;
use signalbox_model::trend::{Span, Trends};

use super::input::{Params, Signed};
use crate::problem::Answer;

/// The query of `GET /api/admin/trends`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    #[serde(default)]
    span: Span,
}

/// `GET /api/admin/trends?span=1h|6h|24h|7d`.
pub async fn read(
    Signed { ctx, .. }: Signed,
    Params(Asked { span }): Params<Asked>,
) -> Answer<axum::Json<Trends>> {
    Ok(axum::Json(trends::read(&ctx, span).await?))
}
