//! Runbooks by API (RB, JS-3).

use axum::extract::Path;
use axum::response::IntoResponse as _;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_engine::{CommandError, runbooks};
use signalbox_model::runbook::{Incident, Lever, Run, Runbook, Severity};

use super::input::{Json, Signed};
use super::output::Markdown;
use crate::problem::{Answer, ApiProblem};

/// The answer of `GET /api/admin/runbooks`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Runbooks {
    runbooks: Vec<Runbook>,
}

/// The body of `POST /api/admin/runbooks/{incident}`.
#[derive(Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Take it on.
    Start {
        /// How urgent it is.
        severity: Severity,
    },
    /// Pull a lever.
    Pull {
        /// Which.
        lever: Lever,
        /// On what; empty where there is only one.
        #[serde(default)]
        target: String,
        /// Why.
        reason: String,
    },
    /// Write a note.
    Note {
        /// Its text.
        note: String,
    },
    /// End it.
    End {
        /// What it was, and what is left to do.
        note: String,
    },
}

/// `GET /api/admin/runbooks`: every runbook as it stands now.
pub async fn list(Signed { ctx, registry }: Signed) -> Answer<axum::Json<Runbooks>> {
    Ok(axum::Json(Runbooks { runbooks: runbooks::list(&ctx, &registry).await? }))
}

/// `GET /api/admin/runbooks/{incident}`: one runbook as it stands now.
pub async fn read(
    Signed { ctx, registry }: Signed,
    Path(name): Path<String>,
) -> Answer<axum::Json<Runbook>> {
    Ok(axum::Json(runbooks::read(&ctx, &registry, incident(&name)?).await?))
}

/// `POST /api/admin/runbooks/{incident}` `{"action":"start","severity"}`,
/// `{"action":"pull","lever","target","reason"}`, `{"action":"note","note"}` or
/// `{"action":"end","note"}` → the runbook as it is then.
pub async fn command(
    Signed { ctx, registry }: Signed,
    Path(name): Path<String>,
    Json(command): Json<Command>,
) -> Answer<axum::Json<Runbook>> {
    let incident = incident(&name)?;
    match command {
        Command::Start { severity } => {
            runbooks::start(&ctx, &registry, incident, severity).await?;
        }
        Command::Pull { lever, target, reason } => {
            runbooks::pull(&ctx, &registry, incident, (lever, &target), &reason).await?;
        }
        Command::Note { note } => runbooks::note(&ctx, incident, &note).await?,
        Command::End { note } => {
            runbooks::end(&ctx, &registry, incident, &note).await?;
        }
    }
    Ok(axum::Json(runbooks::read(&ctx, &registry, incident).await?))
}

/// `GET /api/admin/runbooks/runs/{id}`: a run with its record.
pub async fn run(Signed { ctx, .. }: Signed, Path(id): Path<i64>) -> Answer<axum::Json<Run>> {
    Ok(axum::Json(runbooks::run(&ctx, id).await?))
}

/// `GET /api/admin/runbooks/runs/{id}/export`: the same as a Markdown file.
pub async fn export(Signed { ctx, .. }: Signed, Path(id): Path<i64>) -> Answer<Markdown> {
    let run = runbooks::run(&ctx, id).await?;
    let name = format!("attachment; filename=\"{}-run-{id}.md\"", run.incident.name());
    let headers =
        [(CONTENT_TYPE, "text/markdown; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok(Markdown((headers, run.markdown()).into_response()))
}

fn incident(name: &str) -> Result<Incident, ApiProblem> {
    let unknown = || CommandError::NotFound { what: format!("runbook {name}") };
    Ok(Incident::from_name(name).ok_or_else(unknown)?)
}
