//! `system.verify_backup`: restores a backup beside the database, compares what it holds with what
//! the database held at the backup's moment, and removes it again.

use std::path::Path;

use serde::Deserialize;
use serde_json::json;
use signalbox_model::actor::Permission;
use signalbox_model::backup::differences;
use signalbox_model::error_class::ErrorClass;
use signalbox_model::format;
use signalbox_model::system_log::LogLevel;
use sqlx::{ConnectOptions as _, PgConnection, Row};

use super::record::Taken;
use super::run::Audience;
use super::{BackupError, Place, alone, files, record, restore, server_version};
use crate::jobs::JobContext;
use crate::jobs::handler::{Job, JobError, KindSpec};
use crate::logs::{self, NewLog};
use crate::upkeep;

/// The kind's name.
pub(super) const KIND: &str = "system.verify_backup";

/// The payload. Which backup is verified stands in its row; a job that nobody asked for verifies the
/// last one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Verify {}

impl Job for Verify {
    type Resources = Place;
    const SPEC: KindSpec = upkeep::spec(KIND, 6 * 60);
    const PERMISSION: Permission = Permission::OperateDatabase;

    async fn run(self, cx: &JobContext, place: &Place) -> Result<(), JobError> {
        let Some(backup) = record::to_verify(&cx.db, cx.job_id, cx.now()).await? else {
            return Err(JobError::fail(ErrorClass::NotFound, "there is no backup with a file"));
        };
        let differences = match compare(cx, place, &backup).await {
            Ok(differences) => differences,
            // A file that is not what was written is found, not failed to be looked at.
            Err(error @ BackupError::Tampered { .. }) => vec![error.to_string()],
            Err(error) => {
                if !matches!(error, BackupError::Stopped | BackupError::Busy) {
                    let why = error.to_string();
                    record::verified(&cx.db, backup.id, Err(&why), cx.now()).await?;
                }
                return Err(error.decided());
            }
        };
        conclude(cx, &backup, &differences).await
    }
}

/// Records what was found. A backup that is not the same is a failure that people must hear of.
async fn conclude(cx: &JobContext, backup: &Taken, differences: &[String]) -> Result<(), JobError> {
    let id = backup.id;
    let tables = i64::try_from(backup.content.len()).unwrap_or(i64::MAX);
    let (level, message) = if differences.is_empty() {
        let tables = format::plural(tables, "table holds", "tables hold");
        (LogLevel::Info, format!("Backup {id} verified: {tables} what they held"))
    } else {
        (LogLevel::Error, format!("Backup {id} is not the same: {}", differences.join("; ")))
    };
    let mut tx = cx.db.begin().await?;
    record::verified(&mut *tx, id, Ok(differences), cx.now()).await?;
    let log = NewLog::new("backup_verified", level, message.clone()).job(cx.job_id);
    let facts = json!({ "backup": id, "differences": differences });
    logs::write(&mut *tx, cx.now(), log.with(facts)).await?;
    tx.commit().await?;
    if differences.is_empty() { Ok(()) } else { Err(JobError::fail(ErrorClass::Rejected, message)) }
}

/// What is not the same in the restored backup.
async fn compare(
    cx: &JobContext,
    place: &Place,
    backup: &Taken,
) -> Result<Vec<String>, BackupError> {
    let name = Path::new(&backup.file).file_name().unwrap_or_default();
    let file = place.dir()?.join(name);
    cx.progress(0, None, "reading the file".to_owned()).await;
    files::check(&file, &backup.sha256).await?;
    let (_, major) = server_version(&cx.db).await?;
    let programs = place.programs(major).await?;
    let options = cx.db.connect_options();
    let mut connection = options.connect().await?;
    alone(&mut connection).await?;
    let scratch = Scratch::make(&mut connection).await?;
    let inside = options.as_ref().clone().database(&scratch.name);
    let total = i64::try_from(backup.content.len()).unwrap_or(i64::MAX);
    let audience = Audience::Job { cx, phrase: "processing data for table", total };
    let compared = async {
        restore::into(&inside, &programs, &file, false, &audience).await?;
        cx.progress(total, total, "comparing").await;
        Ok(differences(&backup.content, &restore::content_of(&inside).await?))
    };
    let compared = compared.await;
    scratch.drop(&mut connection).await?;
    compared
}

/// The database that a backup is restored into to be compared.
struct Scratch {
    name: String,
    /// The same, as SQL writes it.
    quoted: String,
}

impl Scratch {
    /// An empty one, with the encoding and the order of this database. What an interrupted
    /// verification has left is dropped first.
    async fn make(connection: &mut PgConnection) -> Result<Scratch, BackupError> {
        let row = sqlx::query(
            "SELECT left(d.datname, 50) || '_verify' AS name, quote_ident(left(d.datname, 50) || '_verify') AS quoted,
                    format('ENCODING %L LC_COLLATE %L LC_CTYPE %L',
                           pg_encoding_to_char(d.encoding), d.datcollate, d.datctype) AS form,
                    quote_ident(r.rolname) AS role, r.rolcreatedb OR r.rolsuper AS may
             FROM pg_database d, pg_roles r
             WHERE d.datname = current_database() AND r.rolname = current_user",
        )
        .fetch_one(&mut *connection)
        .await?;
        if !row.try_get::<bool, _>("may")? {
            return Err(BackupError::NoCreateDb { role: row.try_get("role")? });
        }
        let scratch = Scratch { name: row.try_get("name")?, quoted: row.try_get("quoted")? };
        let form: String = row.try_get("form")?;
        scratch.drop(connection).await?;
        let make = format!("CREATE DATABASE {} TEMPLATE template0 {form}", scratch.quoted);
        sqlx::raw_sql(sqlx::AssertSqlSafe(make)).execute(connection).await?;
        Ok(scratch)
    }

    async fn drop(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.quoted);
        sqlx::raw_sql(sqlx::AssertSqlSafe(drop)).execute(connection).await.map(|_| ())
    }
}
