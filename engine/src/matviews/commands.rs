//! What operators see of the materialized views and do with them.

use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::job::{JobId, NewJob};
use signalbox_model::matview::{Happened, Matviews};
use signalbox_model::system_log::LogLevel;
use sqlx::{PgConnection, PgPool, Row};

use super::{KIND, reads, refresh};
use crate::audit::{self, Act};
use crate::clock::SharedClock;
use crate::jobs::enqueue;
use crate::jobs::handler::Registry;
use crate::logs::{self, NewLog};
use crate::settings::{ENVIRONMENT, Settings};
use crate::{CommandError, Ctx};

/// How they stand.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn status(ctx: &Ctx) -> Result<Matviews, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let (db, now) = (&ctx.db, ctx.now());
    let row = sqlx::query("SELECT * FROM matviews_control").fetch_one(db).await?;
    let happened = |at: &str, what: &str| -> Result<Option<Happened>, sqlx::Error> {
        let at: Option<Timestamp> = row.try_get(at)?;
        let what: Option<String> = row.try_get(what)?;
        Ok(at.zip(what).map(|(at, what)| Happened { at, what }))
    };
    Ok(Matviews {
        enabled: row.try_get("enabled")?,
        changed_by: row.try_get("changed_by")?,
        changed_at: row.try_get("changed_at")?,
        reading: reads::reads(db, now).await?.freshness,
        max_age_minutes: reads::max_age_minutes(&Settings::read(db, now).await?),
        refreshing: refresh::is_running(db).await?,
        views: sqlx::query("SELECT * FROM matviews ORDER BY name")
            .try_map(|row| refresh::matview(&row, now))
            .fetch_all(db)
            .await?,
        failed: happened("failed_at", "failure")?,
        skipped: happened("skipped_at", "skip_reason")?,
        as_of: now,
    })
}

/// Turns reading from the materialized views on or off; the next read follows.
///
/// # Errors
/// Without [`Permission::ChangeSettings`]; when they are on or off already; when the database does
/// not answer.
pub async fn switch(ctx: &Ctx, on: bool) -> Result<(), CommandError> {
    ctx.demand(Permission::ChangeSettings)?;
    let mut tx = ctx.db.begin().await?;
    let switched = sqlx::query(
        "UPDATE matviews_control SET enabled = $1, changed_by = $2, changed_at = $3
         WHERE enabled <> $1",
    )
    .bind(on)
    .bind(&ctx.actor.email)
    .bind(ctx.now())
    .execute(&mut *tx)
    .await?;
    let word = if on { "on" } else { "off" };
    if switched.rows_affected() == 0 {
        return Err(CommandError::Conflict(format!("Materialized views are {word} already.")));
    }
    let action = if on { "matviews.enable" } else { "matviews.disable" };
    let message = format!("Materialized views turned {word} by {}", ctx.actor.email);
    record(&mut tx, ctx, action, "matviews_switch", message).await?;
    Ok(tx.commit().await?)
}

/// Has them refreshed by a job, whatever the load. Returns the job.
///
/// # Errors
/// Without [`Permission::RunJobs`]; while a refresh is under way; when the database does not answer.
pub async fn refresh_now(ctx: &Ctx, registry: &Registry) -> Result<JobId, CommandError> {
    ctx.demand(Permission::RunJobs)?;
    let mut tx = ctx.db.begin().await?;
    if refresh::is_running(&mut *tx).await? {
        return Err(CommandError::Conflict("A refresh is under way already.".to_owned()));
    }
    let job = NewJob::new(KIND, json!({ "forced": true }));
    let enqueued = enqueue::insert(&mut tx, registry, vec![job], ctx.now()).await?;
    let job = enqueued.first().ok_or(sqlx::Error::RowNotFound)?.id;
    let message =
        format!("Refresh of the materialized views asked for by {}: job {job}", ctx.actor.email);
    record(&mut tx, ctx, "matviews.refresh", "matviews_refresh", message).await?;
    tx.commit().await?;
    Ok(job)
}

async fn record(
    tx: &mut PgConnection,
    ctx: &Ctx,
    action: &str,
    event: &str,
    message: String,
) -> Result<(), sqlx::Error> {
    let log = NewLog::new(event, LogLevel::Info, message).with(json!({ "by": ctx.actor.email }));
    logs::write(&mut *tx, ctx.now(), log).await?;
    let act = Act { action, subject: "materialized views", reason: None, details: json!({}) };
    audit::record(tx, ctx, act).await
}

/// Takes what the environment says at start (`MATVIEWS_ENABLED`), unless an operator has turned
/// them on or off since.
///
/// # Errors
/// When the database does not answer.
pub async fn apply_environment(
    db: &PgPool,
    clock: &SharedClock,
    enabled: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE matviews_control SET enabled = $1, changed_by = $2, changed_at = $3
         WHERE enabled <> $1 AND coalesce(changed_by, $2) = $2",
    )
    .bind(enabled)
    .bind(ENVIRONMENT)
    .bind(clock.now())
    .execute(db)
    .await
    .map(drop)
}
