//! Schedules by API (OP-16).

use axum::extract::Path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_engine::schedules;
use signalbox_model::job::JobId;
use signalbox_model::problem::FieldError;
use signalbox_model::schedule::{Preview, Schedule, Times};

use super::input::{Json, Params, Signed};
use super::output::OkOrAccepted;
use super::requested_by;
use crate::problem::{Answer, ApiProblem};

/// The answer of `GET /api/admin/schedules`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Schedules {
    schedules: Vec<Schedule>,
}

/// `GET /api/admin/schedules`.
pub async fn list(Signed { ctx, .. }: Signed) -> Answer<axum::Json<Schedules>> {
    Ok(axum::Json(Schedules { schedules: schedules::list(&ctx).await? }))
}

/// `GET /api/admin/schedules/{name}`.
pub async fn read(
    Signed { ctx, .. }: Signed,
    Path(name): Path<String>,
) -> Answer<axum::Json<Schedule>> {
    Ok(axum::Json(schedules::read(&ctx, &name).await?))
}

/// The query of `GET /api/admin/schedules/preview`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asked {
    cron: Option<String>,
    time_zone: Option<String>,
}

/// `GET /api/admin/schedules/preview?cron=&timeZone=`: the next ticks it would have.
pub async fn preview(
    Signed { ctx, .. }: Signed,
    Params(asked): Params<Asked>,
) -> Answer<axum::Json<Preview>> {
    let time_zone = asked.time_zone.unwrap_or_else(|| "UTC".to_owned());
    let times = Times { cron: asked.cron.unwrap_or_default(), time_zone };
    Ok(axum::Json(schedules::preview(&ctx, &times)?))
}

/// The body of `POST /api/admin/schedules/{name}`. One struct for all actions, so that a wrong
/// field is named.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Command {
    action: String,
    reason: Option<String>,
    cron: Option<String>,
    time_zone: Option<String>,
    requested_by: Option<String>,
}

/// The answer to a command: the schedule as it is now, and what came of the command.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Commanded {
    #[serde(flatten)]
    schedule: Schedule,
    /// The job that `run_now` has made.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<JobId>,
    /// The ticks that passed while it was paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped_ticks: Option<i64>,
}

/// `POST /api/admin/schedules/{name} {"action":"pause"|"resume"|"run_now"|"change"|"reset",
/// "reason"?,"cron"?,"timeZone"?,"requestedBy"?}`; 202 for `run_now`.
pub async fn command(
    Signed { ctx, registry }: Signed,
    Path(name): Path<String>,
    Json(command): Json<Command>,
) -> Answer<OkOrAccepted<Commanded>> {
    requested_by::check(&ctx.actor, command.requested_by.as_deref())?;
    let why = command.reason.as_deref();
    let (mut job_id, mut dropped_ticks) = (None, None);
    if command.action != "change" {
        command.refuse_times()?;
    }
    match command.action.as_str() {
        "pause" => schedules::pause(&ctx, &name, why.unwrap_or_default()).await?,
        "resume" => dropped_ticks = Some(schedules::resume(&ctx, &name, why).await?),
        "run_now" => job_id = Some(schedules::run_now(&ctx, &registry, &name, why).await?),
        "change" => {
            let before = schedules::read(&ctx, &name).await?;
            schedules::change(&ctx, &name, &command.times(before), why).await?;
        }
        "reset" => schedules::reset(&ctx, &name, why).await?,
        _ => return Err(unknown_action()),
    }
    let schedule = schedules::read(&ctx, &name).await?;
    let other = job_id.is_some();
    Ok(OkOrAccepted { other, content: Commanded { schedule, job_id, dropped_ticks } })
}

impl Command {
    /// The times asked for; what is left out stays as it is.
    fn times(&self, before: Schedule) -> Times {
        Times {
            cron: self.cron.clone().unwrap_or(before.cron),
            time_zone: self.time_zone.clone().unwrap_or(before.time_zone),
        }
    }

    /// Times mean something to `change` only: elsewhere they are most likely a mistake.
    fn refuse_times(&self) -> Answer<()> {
        let given = [("cron", &self.cron), ("timeZone", &self.time_zone)];
        let errors: Vec<_> = given
            .into_iter()
            .filter(|(_, value)| value.is_some())
            .map(|(name, _)| FieldError::new(name, format!("has no meaning for {}", self.action)))
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(ApiProblem::invalid(errors)) }
    }
}

fn unknown_action() -> ApiProblem {
    let allowed = "must be one of pause, resume, run_now, change, reset";
    ApiProblem::invalid(vec![FieldError::new("action", allowed)])
}
