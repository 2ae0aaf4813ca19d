//! Acts on many dead letters at once, by API.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_engine::dead_letters::bulk;
use signalbox_model::bulk_operation::{BulkOperation, BulkPreview, BulkRequest};
use signalbox_model::page::Page;

use super::input::{Id, Json, Params, Signed};
use super::output::Accepted;
use crate::problem::Answer;

/// The query of `GET /api/admin/dead-letter-queue/bulk`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keyset {
    cursor: Option<i64>,
    limit: Option<i64>,
}

/// `POST /api/admin/dead-letter-queue/bulk/preview {"action","filter"}`: how many letters that
/// would touch. Changes nothing.
pub async fn preview(
    Signed { ctx, .. }: Signed,
    Json(request): Json<BulkRequest>,
) -> Answer<axum::Json<BulkPreview>> {
    Ok(axum::Json(bulk::preview(&ctx, &request).await?))
}

/// `POST /api/admin/dead-letter-queue/bulk
/// {"action":"retry"|"delete"|"redrive_canary","filter","reason","all"?,"ratePerSecond"?,"upTo"?}`
/// → 202 and the operation, in its undo window. 422 for a delete without a filter that does not
/// say `all`, 409 when nothing matches or the same operation is under way.
pub async fn start(
    Signed { ctx, .. }: Signed,
    Json(request): Json<BulkRequest>,
) -> Answer<Accepted<BulkOperation>> {
    Ok(Accepted(bulk::start(&ctx, &request).await?))
}

/// `GET /api/admin/dead-letter-queue/bulk?cursor=&limit=`: the newest first.
pub async fn list(
    Signed { ctx, .. }: Signed,
    Params(Keyset { cursor, limit }): Params<Keyset>,
) -> Answer<axum::Json<Page<BulkOperation>>> {
    Ok(axum::Json(bulk::list(&ctx, cursor, limit).await?))
}

/// `GET /api/admin/dead-letter-queue/bulk/{id}`: how far it is.
pub async fn read(Signed { ctx, .. }: Signed, Id(id): Id) -> Answer<axum::Json<BulkOperation>> {
    Ok(axum::Json(bulk::read(&ctx, id).await?))
}

/// `POST /api/admin/dead-letter-queue/bulk/{id}/abort`: undoes it in its undo window, stops the
/// rest of it later. 409 when it has ended.
pub async fn abort(Signed { ctx, .. }: Signed, Id(id): Id) -> Answer<axum::Json<BulkOperation>> {
    Ok(axum::Json(bulk::abort(&ctx, id).await?))
}
