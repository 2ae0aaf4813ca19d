//! The kill switch (OP-4). The claim reads it in its own transaction, so that no job starts once
//! it is on; running jobs are asked to stop by their workers.

use serde_json::json;
use signalbox_model::actor::Permission;
use signalbox_model::kill_switch::{KillSwitch, reason};
use signalbox_model::system_log::LogLevel;
use sqlx::{PgExecutor, Row};

use crate::audit::{self, Act};
use crate::logs::{self, NewLog};
use crate::{CommandError, Ctx, notify};

/// Its position, for those who may see the console.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn read(ctx: &Ctx) -> Result<KillSwitch, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    Ok(position(&ctx.db).await?)
}

/// Its position, for the engine.
pub(crate) async fn position(db: impl PgExecutor<'_>) -> Result<KillSwitch, sqlx::Error> {
    sqlx::query("SELECT * FROM kill_switch")
        .try_map(|row: sqlx::postgres::PgRow| {
            Ok(KillSwitch {
                active: row.try_get("active")?,
                reason: row.try_get("reason")?,
                changed_by: row.try_get("changed_by")?,
                changed_at: row.try_get("changed_at")?,
            })
        })
        .fetch_one(db)
        .await
}

/// Stops everything: no job starts anywhere until it is deactivated.
///
/// # Errors
/// Without [`Permission::OperateKillSwitch`]; without a reason; when it is on already; when the
/// database does not answer.
pub async fn activate(ctx: &Ctx, why: &str) -> Result<KillSwitch, CommandError> {
    turn(ctx, true, why).await
}

/// Lets jobs start again.
///
/// # Errors
/// As [`activate`]; when it is off already.
pub async fn deactivate(ctx: &Ctx, why: &str) -> Result<KillSwitch, CommandError> {
    turn(ctx, false, why).await
}

async fn turn(ctx: &Ctx, on: bool, why: &str) -> Result<KillSwitch, CommandError> {
    ctx.demand(Permission::OperateKillSwitch)?;
    let why = reason(why).map_err(|detail| CommandError::invalid("reason", detail))?;
    let mut tx = ctx.db.begin().await?;
    let turned = sqlx::query(
        "UPDATE kill_switch SET active = $1, reason = $2, changed_by = $3, changed_at = $4
         WHERE active <> $1",
    )
    .bind(on)
    .bind(why)
    .bind(&ctx.actor.email)
    .bind(ctx.now())
    .execute(&mut *tx)
    .await?;
    let word = if on { "on" } else { "off" };
    if turned.rows_affected() == 0 {
        return Err(CommandError::Conflict(format!("The kill switch is {word} already.")));
    }
    let level = if on { LogLevel::Warn } else { LogLevel::Info };
    let message = format!("Kill switch turned {word} by {}: {why}", ctx.actor.email);
    let facts = json!({ "active": on, "reason": why, "requestedBy": ctx.actor.email });
    let log = NewLog::new("kill_switch", level, message).with(facts);
    logs::write(&mut *tx, ctx.now(), log).await?;
    let action = if on { "kill_switch.activate" } else { "kill_switch.deactivate" };
    let act = Act { action, subject: "kill switch", reason: Some(why), details: json!({}) };
    audit::record(&mut tx, ctx, act).await?;
    notify::notify(&mut *tx, notify::CONTROLS).await?;
    tx.commit().await?;
    Ok(KillSwitch {
        active: on,
        reason: Some(why.to_owned()),
        changed_by: Some(ctx.actor.email.clone()),
        changed_at: Some(ctx.now()),
    })
}
