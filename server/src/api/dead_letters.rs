//! Dead letters by API (OP-6).

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_engine::dead_letters;
use signalbox_model::dead_letter::{
    DeadLetter, DeadLetterFilter, DeadLetterGroups, DeadLetterStatus, Mark,
};
use signalbox_model::error_class::ErrorClass;
use signalbox_model::metrics::DeadLetterCounts;
use signalbox_model::page::Page;

use super::input::{Json, Params, Signed};
use super::output::Accepted;
use super::requested_by;
use crate::problem::Answer;

/// The query of `GET /api/admin/dead-letter-queue`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filter {
    status: Option<DeadLetterStatus>,
    kind: Option<String>,
    queue: Option<String>,
    error_class: Option<ErrorClass>,
    fingerprint: Option<String>,
    cursor: Option<i64>,
    limit: Option<i64>,
}

/// One page of dead letters, and how many there are.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Letters {
    #[serde(flatten)]
    page: Page<DeadLetter>,
    counts: DeadLetterCounts,
}

/// The body of `POST` and `DELETE /api/admin/dead-letter-queue`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Letter {
    dlq_id: i64,
    requested_by: Option<String>,
}

/// The answer to a retry.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retried {
    dlq_id: i64,
    job_id: i64,
}

/// `GET /api/admin/dead-letter-queue?status=pending|retry_scheduled&kind=&queue=&errorClass=&fingerprint=&cursor=&limit=`.
pub async fn list(
    Signed { ctx, .. }: Signed,
    Params(Filter { status, kind, queue, error_class, fingerprint, cursor, limit }): Params<Filter>,
) -> Answer<axum::Json<Letters>> {
    let filter = DeadLetterFilter { status, kind, queue, error_class, fingerprint, ids: None };
    let page = dead_letters::list(&ctx, &filter, cursor, limit).await?;
    Ok(axum::Json(Letters { page, counts: dead_letters::counts(&ctx).await? }))
}

/// The query of `GET /api/admin/dead-letter-queue/groups`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Largest {
    limit: Option<i64>,
}

/// `GET /api/admin/dead-letter-queue/groups?limit=`: the largest groups of the same error.
pub async fn groups(
    Signed { ctx, .. }: Signed,
    Params(Largest { limit }): Params<Largest>,
) -> Answer<axum::Json<DeadLetterGroups>> {
    Ok(axum::Json(dead_letters::groups::groups(&ctx, limit).await?))
}

/// The body of `POST /api/admin/dead-letter-queue/groups`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decision {
    fingerprint: String,
    #[serde(default)]
    mark: Option<Mark>,
    reason: String,
    requested_by: Option<String>,
}

/// `POST /api/admin/dead-letter-queue/groups {"fingerprint","mark":"resolved"|"ignored"|null,"reason"}`
/// → 204. 404 for a fingerprint that no letter has.
pub async fn mark(
    Signed { ctx, .. }: Signed,
    Json(Decision { fingerprint, mark, reason, requested_by }): Json<Decision>,
) -> Answer<StatusCode> {
    requested_by::check(&ctx.actor, requested_by.as_deref())?;
    dead_letters::groups::mark(&ctx, &fingerprint, mark, &reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/admin/dead-letter-queue {"dlqId","requestedBy"?}` → 202: its job runs again. 404
/// for an unknown one, 409 if it was retried already.
pub async fn retry(
    Signed { ctx, .. }: Signed,
    Json(letter): Json<Letter>,
) -> Answer<Accepted<Retried>> {
    requested_by::check(&ctx.actor, letter.requested_by.as_deref())?;
    let job_id = dead_letters::retry(&ctx, letter.dlq_id).await?;
    Ok(Accepted(Retried { dlq_id: letter.dlq_id, job_id }))
}

/// `DELETE /api/admin/dead-letter-queue {"dlqId","requestedBy"?}` → 204: gone for good.
pub async fn delete(Signed { ctx, .. }: Signed, Json(letter): Json<Letter>) -> Answer<StatusCode> {
    requested_by::check(&ctx.actor, letter.requested_by.as_deref())?;
    dead_letters::delete(&ctx, letter.dlq_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
