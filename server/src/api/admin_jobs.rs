//! The overview by API (OP-2), and starting pipelines (OP-11).

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_engine::overview;
use signalbox_model::backfill::{Backfills, DAYS_DEFAULT, LIMIT_DEFAULT};
use signalbox_model::metrics::Overview;
use signalbox_model::problem::FieldError;
use signalbox_pipelines::domains::commands;

use super::input::{Json, Params, Signed};
use super::jobs::JobRef;
use super::output::Accepted;
use super::requested_by;
use crate::problem::{Answer, ApiProblem};

/// The window of the metrics when nobody asks for another, in hours.
const HOURS_DEFAULT: i64 = 24;

/// The query of `GET /api/admin/jobs`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverviewParams {
    r#type: Option<String>,
    hours: Option<i64>,
}

/// `GET /api/admin/jobs?type=&hours=` (OP-2).
pub async fn read(
    Signed { ctx, .. }: Signed,
    Params(params): Params<OverviewParams>,
) -> Answer<axum::Json<Overview>> {
    let hours = params.hours.unwrap_or(HOURS_DEFAULT);
    Ok(axum::Json(overview::overview(&ctx, hours, params.r#type.as_deref()).await?))
}

/// `GET /api/admin/jobs/backfill`: the backfills that wait, run, or have ended lately (OP-11).
pub async fn backfills(Signed { ctx, .. }: Signed) -> Answer<axum::Json<Backfills>> {
    Ok(axum::Json(commands::backfills(&ctx).await?))
}

/// The body of `POST /api/admin/jobs`. One struct for all actions, so that a wrong field is named.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trigger {
    action: String,
    limit: Option<i64>,
    days: Option<i64>,
    post_id: Option<i64>,
    requested_by: Option<String>,
}

/// `POST /api/admin/jobs {"action"}` → 202 and the job's id (OP-11).
pub async fn trigger(
    Signed { ctx, registry }: Signed,
    Json(trigger): Json<Trigger>,
) -> Answer<Accepted<JobRef>> {
    requested_by::check(&ctx.actor, trigger.requested_by.as_deref())?;
    let limit = trigger.limit.unwrap_or(LIMIT_DEFAULT);
    let days = trigger.days.unwrap_or(DAYS_DEFAULT);
    let job = match trigger.action.as_str() {
        "trigger_discovery" => {
            trigger.only(&["limit"])?;
            commands::trigger_discovery(&ctx, &registry, limit).await?
        }
        "trigger_harvesting" => {
            trigger.only(&["postId"])?;
            commands::trigger_harvesting(&ctx, &registry, trigger.required_post_id()?).await?
        }
        "trigger_backfill" => {
            trigger.only(&["days", "limit"])?;
            commands::trigger_backfill(&ctx, &registry, days, limit).await?
        }
        _ => return Err(unknown_action()),
    };
    Ok(Accepted(JobRef { id: job.id }))
}

impl Trigger {
    /// Refuses fields that mean nothing to this action: they are most likely a mistake.
    fn only(&self, allowed: &[&str]) -> Answer<()> {
        let given = [("limit", self.limit), ("days", self.days), ("postId", self.post_id)];
        let errors: Vec<_> = given
            .into_iter()
            .filter(|(name, value)| value.is_some() && !allowed.contains(name))
            .map(|(name, _)| FieldError::new(name, format!("has no meaning for {}", self.action)))
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(ApiProblem::invalid(errors)) }
    }

    fn required_post_id(&self) -> Answer<i64> {
        self.post_id
            .ok_or_else(|| ApiProblem::invalid(vec![FieldError::new("postId", "is required")]))
    }
}

fn unknown_action() -> ApiProblem {
    ApiProblem::invalid(vec![FieldError::new(
        "action",
        "must be one of trigger_discovery, trigger_harvesting, trigger_backfill",
    )])
}
