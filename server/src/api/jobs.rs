//! Jobs by API.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use schemars::JsonSchema;
use serde::Serialize;
use signalbox_engine::jobs::{bulk, commands, enqueue, hold, list, why};
use signalbox_model::job::{Enqueued, Job, JobDetail, JobFilter, JobId, NewJob};
use signalbox_model::job_bulk::{JobsDone, JobsPreview, JobsRequest};
use signalbox_model::page::Page;
use signalbox_model::why::Verdict;

use super::input::{Id, Json, Params, Signed};
use super::output::Accepted;
use super::requested_by::Because;
use crate::openapi::describe::Answers;
use crate::openapi::operation::{Operation, Schemas};
use crate::problem::Answer;

/// A job's number, as the API answers it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JobRef {
    /// The number.
    pub id: JobId,
}

/// The answer to a new job.
#[derive(Debug)]
pub struct Made(Enqueued);

impl IntoResponse for Made {
    fn into_response(self) -> Response {
        let Enqueued { id, existed } = self.0;
        let status = if existed { StatusCode::OK } else { StatusCode::CREATED };
        let location = [(LOCATION, format!("/api/jobs/{id}"))];
        (status, location, axum::Json(JobRef { id })).into_response()
    }
}

impl Answers for Made {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        operation.answers_json::<JobRef>(200, schemas);
        operation.answers_json::<JobRef>(201, schemas);
    }
}

/// `POST /api/jobs` → 201, or 200 with the first job's id for a repeated idempotency key.
pub async fn enqueue(Signed { ctx, registry }: Signed, Json(job): Json<NewJob>) -> Answer<Made> {
    Ok(Made(enqueue::enqueue(&ctx, &registry, job).await?))
}

/// `GET /api/jobs?state=&kind=&queue=&provider=&errorClass=&since=&until=&q=&path=&cursor=&limit=`.
pub async fn list(
    Signed { ctx, registry }: Signed,
    Params(filter): Params<JobFilter>,
) -> Answer<axum::Json<Page<Job>>> {
    Ok(axum::Json(list::list(&ctx, &registry, &filter).await?))
}

/// `POST /api/jobs/bulk/preview {"action","filter"}`: how many jobs it would touch.
pub async fn preview_bulk(
    Signed { ctx, registry }: Signed,
    Json(request): Json<JobsRequest>,
) -> Answer<axum::Json<JobsPreview>> {
    Ok(axum::Json(bulk::preview(&ctx, &registry, &request).await?))
}

/// `POST /api/jobs/bulk {"action":"cancel"|"hold"|"release","filter","reason"}`: with the oldest
/// 1000 that match, as a whole or not at all. 409 when none does.
pub async fn bulk(
    Signed { ctx, registry }: Signed,
    Json(request): Json<JobsRequest>,
) -> Answer<axum::Json<JobsDone>> {
    Ok(axum::Json(bulk::act(&ctx, &registry, &request).await?))
}

/// `GET /api/jobs/{id}`.
pub async fn detail(Signed { ctx, registry }: Signed, Id(id): Id) -> Answer<axum::Json<JobDetail>> {
    Ok(axum::Json(list::detail(&ctx, &registry, id).await?))
}

/// `GET /api/jobs/{id}/why`: why it is not running.
pub async fn why(Signed { ctx, registry }: Signed, Id(id): Id) -> Answer<axum::Json<Verdict>> {
    Ok(axum::Json(why::why(&ctx, &registry, id).await?))
}

/// `POST /api/jobs/{id}/cancel` → 202: a running job stops when its code notices.
pub async fn cancel(Signed { ctx, .. }: Signed, Id(id): Id) -> Answer<Accepted<JobRef>> {
    commands::cancel(&ctx, id).await?;
    Ok(Accepted(JobRef { id }))
}

/// `POST /api/jobs/{id}/retry` → 202. For a dead job; 409 for any other.
pub async fn retry(Signed { ctx, .. }: Signed, Id(id): Id) -> Answer<Accepted<JobRef>> {
    commands::retry(&ctx, id).await?;
    Ok(Accepted(JobRef { id }))
}

/// `POST /api/jobs/{id}/run-next` → 202: before all others, even from a paused queue.
pub async fn run_next(Signed { ctx, .. }: Signed, Id(id): Id) -> Answer<Accepted<JobRef>> {
    commands::run_next(&ctx, id).await?;
    Ok(Accepted(JobRef { id }))
}

/// `POST /api/jobs/{id}/hold {"reason","requestedBy"?}` → 202: a running job stops when its code
/// notices. 409 for one that has ended, or is held already.
pub async fn hold(
    Signed { ctx, .. }: Signed,
    Id(id): Id,
    Json(body): Json<Because>,
) -> Answer<Accepted<JobRef>> {
    hold::hold(&ctx, id, body.reason(&ctx.actor)?).await?;
    Ok(Accepted(JobRef { id }))
}

/// `POST /api/jobs/{id}/release` → 202. 409 for a job that is not held.
pub async fn release(Signed { ctx, .. }: Signed, Id(id): Id) -> Answer<Accepted<JobRef>> {
    hold::release(&ctx, id).await?;
    Ok(Accepted(JobRef { id }))
}
