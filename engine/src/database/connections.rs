//! Closing a connection (JS-5).

use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::kill_switch::reason;
use signalbox_model::system_log::LogLevel;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::audit::{self, Act};
use crate::logs::{self, NewLog};
use crate::{CommandError, Ctx, db};

/// How long a server process is given to end.
const ENDS_WITHIN_MS: i64 = 2_000;

/// What becomes of a connection that is Signalbox's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// It is left alone, and whoever asks is told so.
    Spare,
    /// It is closed too: the process that has it opens another one, and what it did is done again.
    Close,
}

struct Found {
    pid: i32,
    application: String,
    user: String,
    state: String,
}

/// Closes the connection to this database that is served by process `pid`, if that is the one opened
/// at `opened_at`. What it has begun and not committed is undone. Returns whether it has ended
/// within two seconds; else it ends as soon as its present work lets it.
///
/// # Errors
/// Without [`Permission::OperateDatabase`]; without a reason; when there is no such connection any
/// more; when it is Signalbox's own and `own` spares those; when the database's role may not end it;
/// when the database does not answer.
pub async fn close(
    ctx: &Ctx,
    (pid, opened_at): (i32, Timestamp),
    own: Own,
    why: &str,
) -> Result<bool, CommandError> {
    ctx.demand(Permission::OperateDatabase)?;
    let why = reason(why).map_err(|detail| CommandError::invalid("reason", detail))?;
    let mut tx = ctx.db.begin().await?;
    let found = find(&mut tx, pid, opened_at).await?;
    if found.application == db::APPLICATION && own == Own::Spare {
        return Err(CommandError::Conflict(format!(
            "Connection {pid} is one of Signalbox's own: nothing was closed. To close it all the \
             same, say so (own); its process opens another one."
        )));
    }
    record(&mut tx, ctx, &found, why).await?;
    // It cannot be taken back, so it comes last: if the record cannot be kept, nothing is closed.
    let ended = terminate(&mut tx, pid).await?;
    tx.commit().await?;
    Ok(ended)
}

async fn find(
    tx: &mut PgConnection,
    pid: i32,
    opened_at: Timestamp,
) -> Result<Found, CommandError> {
    sqlx::query(
        "SELECT application_name, coalesce(usename, '') AS usename, coalesce(state, 'unknown') AS state
         FROM pg_stat_activity
         WHERE pid = $1 AND backend_start = $2 AND datname = current_database()
           AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
    )
    .bind(pid)
    .bind(opened_at)
    .try_map(|row: PgRow| {
        Ok(Found {
            pid,
            application: row.try_get("application_name")?,
            user: row.try_get("usename")?,
            state: row.try_get("state")?,
        })
    })
    .fetch_optional(tx)
    .await?
    .ok_or_else(|| CommandError::NotFound { what: format!("connection {pid} any more") })
}

async fn terminate(tx: &mut PgConnection, pid: i32) -> Result<bool, CommandError> {
    let ended = sqlx::query_scalar("SELECT pg_terminate_backend($1, $2)")
        .bind(pid)
        .bind(ENDS_WITHIN_MS)
        .fetch_one(tx)
        .await;
    match ended {
        // insufficient_privilege, by Appendix A of PostgreSQL's manual.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => {
            Err(CommandError::Conflict(
                "The database's role may not end connections of others. Grant it \
                 pg_signal_backend; those of superusers only a superuser can end."
                    .to_owned(),
            ))
        }
        ended => Ok(ended?),
    }
}

async fn record(
    tx: &mut PgConnection,
    ctx: &Ctx,
    found: &Found,
    why: &str,
) -> Result<(), sqlx::Error> {
    let Found { pid, application, user, state } = found;
    let facts = json!({ "pid": pid, "application": application, "user": user, "state": state });
    let message = format!(
        "Connection {pid} ({state}, user {user}, application \"{application}\") closed by {}: {why}",
        ctx.actor.email
    );
    let log = NewLog::new("database_connection", LogLevel::Warn, message).with(facts.clone());
    logs::write(&mut *tx, ctx.now(), log).await?;
    let subject = format!("connection {pid}");
    let action = "database.close_connection";
    audit::record(tx, ctx, Act { action, subject: &subject, reason: Some(why), details: facts })
        .await
}
