//! The system log by API (OP-14).

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_engine::logs;
use signalbox_model::page::Page;
use signalbox_model::system_log::SystemLog;

use super::input::{Params, Signed};
use crate::problem::Answer;

/// The query of `GET /api/admin/logs`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filter {
    event_type: Option<String>,
    q: Option<String>,
    cursor: Option<i64>,
    limit: Option<i64>,
}

/// `GET /api/admin/logs?eventType=&q=&cursor=&limit=`, the newest first.
pub async fn search(
    Signed { ctx, .. }: Signed,
    Params(filter): Params<Filter>,
) -> Answer<axum::Json<Page<SystemLog>>> {
    let (event_type, q) = (filter.event_type.as_deref(), filter.q.as_deref());
    Ok(axum::Json(logs::search(&ctx, event_type, q, filter.cursor, filter.limit).await?))
}
