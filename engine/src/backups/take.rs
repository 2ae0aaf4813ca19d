//! `system.backup`: dumps the database into a file, and sums up what that holds.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;
use signalbox_model::actor::Permission;
use signalbox_model::backup::Manifest;
use signalbox_model::format;
use signalbox_model::job::NewJob;
use signalbox_model::system_log::LogLevel;
use sqlx::ConnectOptions as _;

use super::run::{Audience, run};
use super::{BackupError, Place, alone, commands, content, files, record, server_version, verify};
use crate::jobs::handler::{Job, JobError, KindSpec};
use crate::jobs::{JobContext, enqueue};
use crate::logs::{self, NewLog};
use crate::settings::Settings;
use crate::upkeep;

/// The kind's name.
pub(super) const KIND: &str = "system.backup";

/// So long a dump waits for a table that somebody changes the form of.
const LOCK_WAIT_MS: u32 = 60_000;

/// The payload.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Take {
    /// Verify it right after.
    #[serde(default)]
    verify: bool,
}

impl Job for Take {
    type Resources = Place;
    const SPEC: KindSpec = upkeep::spec(KIND, 6 * 60);
    const PERMISSION: Permission = Permission::OperateDatabase;

    async fn run(self, cx: &JobContext, place: &Place) -> Result<(), JobError> {
        let by = cx.command_ctx().actor.email;
        let id = record::begin(&cx.db, cx.job_id, &by, cx.now()).await?;
        match dump(cx, place, id).await {
            Ok((path, manifest)) => {
                remove_surplus(cx, place).await?;
                self.complete(cx, id, &path, &manifest).await
            }
            Err(error) => {
                if !matches!(error, BackupError::Stopped | BackupError::Busy) {
                    record::failed(&cx.db, id, &error.to_string()).await?;
                }
                Err(error.decided())
            }
        }
    }
}

impl Take {
    /// Notes that it was taken and, in the same transaction, enqueues what verifies it.
    async fn complete(
        self,
        cx: &JobContext,
        id: i64,
        path: &Path,
        manifest: &Manifest,
    ) -> Result<(), JobError> {
        let now = cx.now();
        let mut tx = cx.db.begin().await?;
        record::taken(&mut tx, id, &path.to_string_lossy(), manifest, now).await?;
        if self.verify {
            let jobs = vec![NewJob::new(verify::KIND, json!({}))];
            let enqueued = enqueue::insert(&mut tx, &cx.registry, jobs, now).await?;
            let job = enqueued.first().ok_or(sqlx::Error::RowNotFound)?.id;
            record::verification_asked(&mut tx, id, job).await?;
        }
        let message = format!(
            "Backup {id} taken: {} of {} in {}",
            format::bytes(manifest.bytes),
            format::plural(count(manifest.content.len()), "table", "tables"),
            path.display()
        );
        let log = NewLog::new("backup", LogLevel::Info, message).job(cx.job_id);
        logs::write(&mut *tx, now, log.with(json!({ "backup": id }))).await?;
        cx.complete_in(&mut tx).await?;
        Ok(tx.commit().await?)
    }
}

/// Dumps what the database holds at one moment, and sums it up at the same one.
async fn dump(cx: &JobContext, place: &Place, id: i64) -> Result<(PathBuf, Manifest), BackupError> {
    let dir = place.dir()?;
    let (version, major) = server_version(&cx.db).await?;
    let programs = place.programs(major).await?;
    let taken_at = cx.now();
    let name = format!("signalbox_{}_{id}.dump", taken_at.format("%Y%m%dT%H%M%SZ"));
    let path = dir.join(&name);
    let part = path.with_extension("dump.part");
    let options = cx.db.connect_options();
    let mut connection = options.connect().await?;
    alone(&mut connection).await?;
    let snapshot = content::begin(&mut connection).await?;
    let tables = content::tables(&mut connection).await?;
    files::create(&part)?;
    let mut command = programs.command("pg_dump", &options);
    command
        .args(["--format=custom", "--no-owner"])
        .arg(format!("--lock-wait-timeout={LOCK_WAIT_MS}"))
        .arg(format!("--snapshot={snapshot}"))
        .arg("--file")
        .arg(&part);
    let total = count(tables.len());
    let audience = Audience::Job { cx, phrase: "dumping contents of table", total };
    let dumped = run("pg_dump", command, &audience);
    let summed = async { Ok(content::sums(&mut connection, &tables).await?) };
    let content = match tokio::try_join!(dumped, summed) {
        Ok(((), content)) => content,
        Err(error) => {
            files::remove(&part);
            return Err(error);
        }
    };
    let (bytes, sha256) = files::digest(&part).await?;
    let manifest =
        Manifest { file: name, bytes, sha256, taken_at, server_version: version, content };
    files::complete(&part, &path, &manifest)?;
    Ok((path, manifest))
}

/// Removes the oldest files beyond what is kept, the one just written counted in. What lies on
/// another worker's disk is left to that worker.
async fn remove_surplus(cx: &JobContext, place: &Place) -> Result<(), JobError> {
    let kept = Settings::read(&cx.db, cx.now()).await?.get(commands::KEPT);
    for (id, file) in record::surplus(&cx.db, kept - 1).await? {
        let dir = place.dir().map_err(BackupError::decided)?;
        if Path::new(&file).file_name().is_some_and(|name| files::remove(&dir.join(name))) {
            record::removed(&cx.db, id, cx.now()).await?;
            tracing::info!(backup = id, file, "an old backup was removed");
        }
    }
    Ok(())
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
