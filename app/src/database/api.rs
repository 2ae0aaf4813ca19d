//! Server functions of the database.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::backup::{Backup, Backups};
use signalbox_model::database::{Database, Tables};
use signalbox_model::job::Job;

use crate::error::AppError;
use crate::notice::Notice;

/// What the first page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DatabaseFacts {
    /// The database.
    pub database: Database,
    /// The last backup.
    pub last_backup: Option<Backup>,
    /// The last one that was restored and found the same.
    pub last_verified: Option<Backup>,
}

/// What the page of the tables shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TablesFacts {
    /// Tables and indexes.
    pub tables: Tables,
    /// The last maintenance, the newest first.
    pub jobs: Vec<Job>,
}

/// How the database stands.
#[server(prefix = "/api/fn", endpoint = "database", output = crate::codec::Json)]
pub(crate) async fn read_database() -> Result<DatabaseFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::{backups, database};

    let ctx = ctx()?;
    let backups = answer(backups::list(&ctx).await)?;
    Ok(DatabaseFacts {
        database: answer(database::read(&ctx).await)?,
        last_backup: backups.last().cloned(),
        last_verified: backups.last_verified().cloned(),
    })
}

/// The tables and what maintains them.
#[server(prefix = "/api/fn", endpoint = "database_tables", output = crate::codec::Json)]
pub(crate) async fn read_tables() -> Result<TablesFacts, AppError> {
    use crate::request::{answer, ctx, state};
    use signalbox_engine::database;

    let ctx = ctx()?;
    let jobs = answer(database::last(&ctx, &state()?.registry, 5).await)?;
    Ok(TablesFacts { tables: answer(database::tables(&ctx).await)?, jobs })
}

/// The backups.
#[server(prefix = "/api/fn", endpoint = "backups", output = crate::codec::Json)]
pub(crate) async fn list_backups() -> Result<Backups, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::backups;

    answer(backups::list(&ctx()?).await)
}

/// Closes a connection.
#[server(prefix = "/api/fn", endpoint = "close_connection", output = crate::codec::Json)]
pub(crate) async fn close_connection(
    connection: String,
    #[server(default)] own: bool,
    reason: String,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::CommandError;
    use signalbox_engine::database::{self, Own};
    use signalbox_model::database::Session;

    let (ctx, own) = (ctx()?, if own { Own::Close } else { Own::Spare });
    let result = match Session::parse_key(&connection) {
        Some(name) => database::close(&ctx, name, own, &reason).await,
        None => Err(CommandError::invalid("connection", "names no connection")),
    };
    let done = result.map(|ended| {
        Notice::done(if ended {
            "The connection is closed."
        } else {
            "The connection was told to close; it ends as soon as its present work lets it."
        })
    });
    let page = format!("/admin/database?close={connection}");
    finish(done, &page, &[("reason", reason.as_str())]).await
}

/// Has a table, or all, maintained.
#[server(prefix = "/api/fn", endpoint = "maintain_table", output = crate::codec::Json)]
pub(crate) async fn maintain_table(
    task: String,
    #[server(default)] table: String,
    reason: String,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state};
    use signalbox_engine::{CommandError, database};
    use signalbox_model::database::Task;

    let ctx = ctx()?;
    let result = match Task::from_name(&task) {
        Some(task) => database::ask(&ctx, &state()?.registry, task, Some(&table), &reason).await,
        None => Err(CommandError::invalid("task", "must be one of analyze, vacuum, reindex")),
    };
    let done = result.map(|job| {
        Notice::done(format!("Job {job} does it."))
            .link(format!("/admin/jobs/{job}"), "See how far it is")
    });
    finish(done, "/admin/database/tables", &[("reason", reason.as_str())]).await
}

/// Has a backup taken.
#[server(prefix = "/api/fn", endpoint = "take_backup", output = crate::codec::Json)]
pub(crate) async fn take_backup(
    #[server(default)] verify: bool,
    reason: String,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state};
    use signalbox_engine::backups;

    let result = backups::ask(&ctx()?, &state()?.registry, verify, &reason).await;
    let done = result.map(|job| {
        Notice::done(format!("Job {job} takes the backup."))
            .link(format!("/admin/jobs/{job}"), "See how far it is")
    });
    finish(done, "/admin/database/backups", &[("reason", reason.as_str())]).await
}

/// Has a backup verified.
#[server(prefix = "/api/fn", endpoint = "verify_backup", output = crate::codec::Json)]
pub(crate) async fn verify_backup(backup: i64, reason: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state};
    use signalbox_engine::backups;

    let result = backups::ask_verification(&ctx()?, &state()?.registry, backup, &reason).await;
    let done = result.map(|job| {
        Notice::done(format!(
            "Job {job} restores backup {backup} beside the database and compares."
        ))
        .link(format!("/admin/jobs/{job}"), "See how far it is")
    });
    let page = format!("/admin/database/backups?verify={backup}");
    finish(done, &page, &[("reason", reason.as_str())]).await
}
