//! Queues by API (AV-6, ST-4).

use axum::extract::Path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_engine::dead_letters::bulk;
use signalbox_engine::jobs::handler::Registry;
use signalbox_engine::{Ctx, queues};
use signalbox_model::bulk_operation::{BulkOperation, BulkRequest};
use signalbox_model::queue::Queue;

use super::input::{Json, Signed};
use super::output::Accepted;
use super::requested_by::{self, Because};
use crate::problem::Answer;

/// The answer of `GET /api/admin/queues`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Queues {
    queues: Vec<Queue>,
}

/// `GET /api/admin/queues`.
pub async fn list(Signed { ctx, registry }: Signed) -> Answer<axum::Json<Queues>> {
    Ok(axum::Json(Queues { queues: queues::list(&ctx, &registry).await? }))
}

/// The body of `pause`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pause {
    /// A missing reason is refused by the engine, like an empty one.
    #[serde(default)]
    reason: String,
    minutes: Option<i64>,
    requested_by: Option<String>,
}

/// The body of `limit`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limit {
    /// `null` lifts the bound.
    max_concurrent: Option<i64>,
    #[serde(default)]
    reason: String,
    requested_by: Option<String>,
}

/// `POST /api/ops/queues/{name}/pause {"reason","minutes"?}` → the queue.
pub async fn pause(
    Signed { ctx, registry }: Signed,
    Path(name): Path<String>,
    Json(body): Json<Pause>,
) -> Answer<axum::Json<Queue>> {
    requested_by::check(&ctx.actor, body.requested_by.as_deref())?;
    queues::pause(&ctx, &registry, &name, &body.reason, body.minutes).await?;
    one(&ctx, &registry, &name).await
}

/// `POST /api/ops/queues/{name}/resume {"reason"}` → the queue.
pub async fn resume(
    Signed { ctx, registry }: Signed,
    Path(name): Path<String>,
    Json(body): Json<Because>,
) -> Answer<axum::Json<Queue>> {
    queues::resume(&ctx, &registry, &name, body.reason(&ctx.actor)?).await?;
    one(&ctx, &registry, &name).await
}

/// `POST /api/ops/queues/{name}/drain {"reason"}` → the queue.
pub async fn drain(
    Signed { ctx, registry }: Signed,
    Path(name): Path<String>,
    Json(body): Json<Because>,
) -> Answer<axum::Json<Queue>> {
    queues::drain(&ctx, &registry, &name, body.reason(&ctx.actor)?).await?;
    one(&ctx, &registry, &name).await
}

/// `POST /api/ops/queues/{name}/clear-failed {"reason"}` → 202 and the operation that removes the
/// queue's dead letters, in its undo window. 409 when there are none.
pub async fn clear_failed(
    Signed { ctx, registry }: Signed,
    Path(name): Path<String>,
    Json(body): Json<Because>,
) -> Answer<Accepted<BulkOperation>> {
    let reason = body.reason(&ctx.actor)?.to_owned();
    queues::read(&ctx, &registry, &name).await?;
    Ok(Accepted(bulk::start(&ctx, &BulkRequest::clear_queue(name, reason)).await?))
}

/// `POST /api/ops/queues/{name}/limit {"maxConcurrent","reason"}` → the queue.
pub async fn limit(
    Signed { ctx, registry }: Signed,
    Path(name): Path<String>,
    Json(body): Json<Limit>,
) -> Answer<axum::Json<Queue>> {
    requested_by::check(&ctx.actor, body.requested_by.as_deref())?;
    queues::bound_to(&ctx, &registry, &name, body.max_concurrent, &body.reason).await?;
    one(&ctx, &registry, &name).await
}

async fn one(ctx: &Ctx, registry: &Registry, name: &str) -> Answer<axum::Json<Queue>> {
    Ok(axum::Json(queues::read(ctx, registry, name).await?))
}
