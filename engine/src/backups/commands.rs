//! What operators see of backups and do with them.

use serde_json::json;
use signalbox_model::actor::Permission;
use signalbox_model::backup::Backups;
use signalbox_model::job::{JobId, NewJob};
use signalbox_model::kill_switch::reason;
use sqlx::PgConnection;

use super::{record, take, verify};
use crate::audit::{self, Act};
use crate::jobs::enqueue;
use crate::jobs::handler::Registry;
use crate::settings::Settings;
use crate::{CommandError, Ctx};

/// The setting that says how many files are kept.
pub(super) const KEPT: &str = "backups_kept";

/// The backups.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn list(ctx: &Ctx) -> Result<Backups, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    Ok(Backups {
        backups: record::list(&ctx.db).await?,
        kept: Settings::read(&ctx.db, ctx.now()).await?.get(KEPT),
        as_of: ctx.now(),
    })
}

/// Has a backup taken, and `verify` says whether it is to be verified at once. Returns the job.
///
/// # Errors
/// Without [`Permission::OperateDatabase`]; without a reason; while another one is under way; when
/// the database does not answer.
pub async fn ask(
    ctx: &Ctx,
    registry: &Registry,
    verify: bool,
    why: &str,
) -> Result<JobId, CommandError> {
    ctx.demand(Permission::OperateDatabase)?;
    let why = reason(why).map_err(|detail| CommandError::invalid("reason", detail))?;
    let known = list(ctx).await?;
    if let Some(backup) = known.under_way() {
        return Err(CommandError::Conflict(format!("Backup {} is under way already.", backup.id)));
    }
    let mut tx = ctx.db.begin().await?;
    let job = enqueue_one(&mut tx, ctx, registry, take::KIND, json!({ "verify": verify })).await?;
    let id = record::open(&mut *tx, job, &ctx.actor.email, Some(why), ctx.now()).await?;
    let details = json!({ "job": job, "verify": verify });
    let subject = format!("backup {id}");
    let act = Act { action: "database.backup", subject: &subject, reason: Some(why), details };
    audit::record(&mut tx, ctx, act).await?;
    tx.commit().await?;
    Ok(job)
}

/// Has a backup verified: restored beside this database, and compared. Returns the job.
///
/// # Errors
/// Without [`Permission::OperateDatabase`]; without a reason; when there is no such backup, it has no
/// file (any more), or its verification is under way; when the database does not answer.
pub async fn ask_verification(
    ctx: &Ctx,
    registry: &Registry,
    id: i64,
    why: &str,
) -> Result<JobId, CommandError> {
    ctx.demand(Permission::OperateDatabase)?;
    let why = reason(why).map_err(|detail| CommandError::invalid("reason", detail))?;
    let known = list(ctx).await?;
    let backup = known.backups.iter().find(|backup| backup.id == id);
    let backup = backup.ok_or_else(|| CommandError::not_found("backup", id))?;
    if !backup.can_be_verified() {
        return Err(CommandError::Conflict(format!(
            "Backup {id} cannot be verified now: it is not complete, its file was removed, or its \
             verification is under way."
        )));
    }
    let mut tx = ctx.db.begin().await?;
    let job = enqueue_one(&mut tx, ctx, registry, verify::KIND, json!({})).await?;
    record::verification_asked(&mut tx, id, job).await?;
    let (subject, details) = (format!("backup {id}"), json!({ "job": job }));
    let act =
        Act { action: "database.verify_backup", subject: &subject, reason: Some(why), details };
    audit::record(&mut tx, ctx, act).await?;
    tx.commit().await?;
    Ok(job)
}

async fn enqueue_one(
    tx: &mut PgConnection,
    ctx: &Ctx,
    registry: &Registry,
    kind: &str,
    payload: serde_json::Value,
) -> Result<JobId, sqlx::Error> {
    let jobs = vec![NewJob::new(kind, payload)];
    let enqueued = enqueue::insert(tx, registry, jobs, ctx.now()).await?;
    enqueued.first().map(|job| job.id).ok_or(sqlx::Error::RowNotFound)
}
