//! The database by API (JS-5, JS-7, CP-8).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_engine::database::{self, Own};
use signalbox_engine::{Ctx, backups};
use signalbox_model::Timestamp;
use signalbox_model::backup::Backups;
use signalbox_model::database::{Database, Tables, Task};
use signalbox_model::job::JobId;
use signalbox_model::problem::FieldError;

use super::input::{Json, Signed};
use super::output::OkOrAccepted;
use super::requested_by;
use crate::problem::{Answer, ApiProblem};

/// The answer to `GET /api/admin/database`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Shown {
    #[serde(flatten)]
    database: Database,
    tables: Tables,
}

/// `GET /api/admin/database`: connections, locks, statements, tables and indexes.
pub async fn read(Signed { ctx, .. }: Signed) -> Answer<axum::Json<Shown>> {
    let database = database::read(&ctx).await?;
    Ok(axum::Json(Shown { database, tables: database::tables(&ctx).await? }))
}

/// `GET /api/admin/database/backups`, the newest first.
pub async fn list_backups(Signed { ctx, .. }: Signed) -> Answer<axum::Json<Backups>> {
    Ok(axum::Json(backups::list(&ctx).await?))
}

/// The body of `POST /api/admin/database`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Command {
    action: String,
    /// A missing reason is refused by the engine, like an empty one.
    #[serde(default)]
    reason: String,
    requested_by: Option<String>,
    /// Of the connection to close.
    pid: Option<i32>,
    /// When that was opened, as it is listed; process ids are used again.
    started_at: Option<Timestamp>,
    /// Close it even if it is Signalbox's own.
    #[serde(default)]
    own: bool,
    /// The table to maintain; all when absent.
    table: Option<String>,
    /// Verify the backup right after; so unless it says `false`.
    verify: Option<bool>,
    /// The backup to verify.
    backup: Option<i64>,
}

/// What a command came to: a connection that was closed, at once; or a job that will do it.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<i32>,
    /// Whether it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<bool>,
    /// The job.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<JobId>,
}

/// `POST /api/admin/database {"action","reason",…}`: `close_connection` with `pid`, `startedAt` and
/// `own`? → 200; `analyze`, `vacuum` and `reindex` with `table`?, `backup` with `verify`?, and
/// `verify_backup` with `backup` → 202 and the job.
pub async fn command(
    Signed { ctx, registry }: Signed,
    Json(command): Json<Command>,
) -> Answer<OkOrAccepted<Outcome>> {
    requested_by::check(&ctx.actor, command.requested_by.as_deref())?;
    let reason = command.reason.as_str();
    let job = match command.action.as_str() {
        "close_connection" => return close(&ctx, &command).await,
        "backup" => backups::ask(&ctx, &registry, command.verify.unwrap_or(true), reason).await?,
        "verify_backup" => {
            let backup = needed("backup", command.backup)?;
            backups::ask_verification(&ctx, &registry, backup, reason).await?
        }
        action => {
            let task = Task::from_name(action).ok_or_else(unknown)?;
            database::ask(&ctx, &registry, task, command.table.as_deref(), reason).await?
        }
    };
    Ok(OkOrAccepted { other: true, content: Outcome { job_id: Some(job), ..Outcome::default() } })
}

async fn close(ctx: &Ctx, command: &Command) -> Answer<OkOrAccepted<Outcome>> {
    let pid = needed("pid", command.pid)?;
    let opened_at = needed("startedAt", command.started_at)?;
    let own = if command.own { Own::Close } else { Own::Spare };
    let ended = database::close(ctx, (pid, opened_at), own, &command.reason).await?;
    let content = Outcome { pid: Some(pid), ended: Some(ended), job_id: None };
    Ok(OkOrAccepted { other: false, content })
}

fn needed<T>(field: &str, value: Option<T>) -> Answer<T> {
    value.ok_or_else(|| ApiProblem::invalid(vec![FieldError::new(field, "is required")]))
}

fn unknown() -> ApiProblem {
    let allowed =
        "must be one of close_connection, analyze, vacuum, reindex, backup, verify_backup";
    ApiProblem::invalid(vec![FieldError::new("action", allowed)])
}
