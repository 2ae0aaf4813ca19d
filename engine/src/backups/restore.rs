//! Restoring a backup: for its verification into a database of its own, and after a loss into an
//! empty one.

use std::path::Path;

use serde_json::json;
use signalbox_model::backup::{TableSum, differences};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgPool};
use tokio::process::Command;

use super::place::Programs;
use super::run::{Audience, run};
use super::{BackupError, Place, content, files, server_version};
use crate::audit::{self, Act};
use crate::{CommandError, Ctx};

/// Comes with the server, not with the data; and only a superuser may make it.
const OF_THE_SERVER: &str = " pg_stat_statements";

/// Restores `file` into the database of `options`. Whether it is all or nothing, `whole` says.
pub(super) async fn into(
    options: &PgConnectOptions,
    programs: &Programs,
    file: &Path,
    whole: bool,
    audience: &Audience<'_>,
) -> Result<(), BackupError> {
    let mut command = programs.command("pg_restore", options);
    command.args(["--exit-on-error", "--no-owner", "--no-privileges"]);
    if whole {
        command.arg("--single-transaction");
    }
    if let Some(database) = options.get_database() {
        command.arg("--dbname").arg(database);
    }
    let chosen = choose(programs, file).await?;
    if let Some(chosen) = &chosen {
        command.arg("--use-list").arg(chosen);
    }
    command.arg(file);
    let restored = run("pg_restore", command, audience).await;
    if let Some(chosen) = chosen {
        // It holds names of tables only.
        let _ = std::fs::remove_file(chosen);
    }
    restored
}

/// A list of all in `file` but what comes with the server; none where that is everything.
async fn choose(
    programs: &Programs,
    file: &Path,
) -> Result<Option<std::path::PathBuf>, BackupError> {
    let mut command: Command = programs.bare("pg_restore");
    let listed = command.arg("--list").arg(file).output().await;
    let listed = listed.map_err(BackupError::file("list", file))?;
    if !listed.status.success() {
        let said = String::from_utf8_lossy(&listed.stderr).trim().to_owned();
        return Err(BackupError::Program { program: "pg_restore", said });
    }
    let list = String::from_utf8_lossy(&listed.stdout);
    let is_left_out =
        |line: &&str| line.contains("EXTENSION") && line.trim_end().ends_with(OF_THE_SERVER);
    if !list.lines().any(|line| is_left_out(&line)) {
        return Ok(None);
    }
    let kept: Vec<_> = list.lines().filter(|line| !is_left_out(line)).collect();
    let path =
        std::env::temp_dir().join(format!("signalbox-restore-{}.list", uuid::Uuid::now_v7()));
    files::create(&path)?;
    std::fs::write(&path, kept.join("\n")).map_err(BackupError::file("write", &path))?;
    Ok(Some(path))
}

/// What a database holds.
pub(super) async fn content_of(options: &PgConnectOptions) -> Result<Vec<TableSum>, BackupError> {
    let mut connection = options.connect().await?;
    Ok(content::all(&mut connection).await?)
}

/// What a restore has brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Tables that hold rows, or could.
    pub tables: usize,
    /// Their rows.
    pub rows: i64,
    /// What is not as it was at the backup's moment; none where it could not be compared, because
    /// nothing stood beside the file.
    pub differences: Option<Vec<String>>,
}

/// Restores the backup `file` into the empty database of `db`, all of it or nothing, and compares it
/// with what stands beside the file.
///
/// # Errors
/// A [`BackupError`] that says what to do; the database is as empty as it was.
pub async fn restore(db: &PgPool, place: &Place, file: &Path) -> Result<Restored, BackupError> {
    let manifest = files::manifest(file)?;
    match &manifest {
        Some(manifest) => files::check(file, &manifest.sha256).await?,
        None => files::digest(file).await.map(drop)?,
    }
    let options = db.connect_options();
    let tables = content::tables(&mut *db.acquire().await?).await?.len();
    if tables > 0 {
        let tables = i64::try_from(tables).unwrap_or(i64::MAX);
        return Err(BackupError::NotEmpty { tables });
    }
    let (_, major) = server_version(db).await?;
    let programs = place.programs(major).await?;
    into(&options, &programs, file, true, &Audience::Nobody).await?;
    let found = content_of(&options).await?;
    Ok(Restored {
        tables: found.len(),
        rows: found.iter().map(|sum| sum.rows).sum(),
        differences: manifest.map(|manifest| differences(&manifest.content, &found)),
    })
}

/// Writes into the restored database, once its schema is up to date, that it was restored.
///
/// # Errors
/// When the database does not answer.
pub async fn note(ctx: &Ctx, file: &Path, restored: &Restored) -> Result<(), CommandError> {
    ctx.demand(signalbox_model::actor::Permission::OperateDatabase)?;
    let subject = format!("backup {}", file.display());
    let Restored { tables, rows, differences } = restored;
    let details = json!({ "tables": tables, "rows": rows, "differences": differences });
    let act = Act { action: "database.restore", subject: &subject, reason: None, details };
    let mut tx = ctx.db.begin().await?;
    audit::record(&mut tx, ctx, act).await?;
    Ok(tx.commit().await?)
}
