//! Materialized views by API (OP-9, OP-10).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_engine::matviews;
use signalbox_model::job::JobId;
use signalbox_model::matview::Matviews;
use signalbox_model::problem::FieldError;

use super::input::{Json, Signed};
use super::output::OkOrAccepted;
use super::requested_by;
use crate::problem::{Answer, ApiProblem};

/// The body of `POST /api/admin/matviews`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Command {
    action: String,
    requested_by: Option<String>,
}

/// The answer to a command: how they stand now, and the job that refreshes them.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Commanded {
    #[serde(flatten)]
    matviews: Matviews,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<JobId>,
}

/// `GET /api/admin/matviews`.
pub async fn status(Signed { ctx, .. }: Signed) -> Answer<axum::Json<Matviews>> {
    Ok(axum::Json(matviews::status(&ctx).await?))
}

/// `POST /api/admin/matviews {"action":"enable"|"disable"|"refresh","requestedBy"?}`; 202 for
/// `refresh`, which is a job.
pub async fn command(
    Signed { ctx, registry }: Signed,
    Json(command): Json<Command>,
) -> Answer<OkOrAccepted<Commanded>> {
    requested_by::check(&ctx.actor, command.requested_by.as_deref())?;
    let mut job_id = None;
    match command.action.as_str() {
        "enable" => matviews::switch(&ctx, true).await?,
        "disable" => matviews::switch(&ctx, false).await?,
        "refresh" => job_id = Some(matviews::refresh_now(&ctx, &registry).await?),
        _ => {
            let allowed = "must be one of enable, disable, refresh";
            return Err(ApiProblem::invalid(vec![FieldError::new("action", allowed)]));
        }
    }
    let matviews = matviews::status(&ctx).await?;
    Ok(OkOrAccepted { other: job_id.is_some(), content: Commanded { matviews, job_id } })
}
