//! Sessions, as rows. The id is stored as its SHA-256: a copy of the table opens no session. Its
//! first bytes are the handle that people see.

use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::user::OpenSession;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

use super::given;
use crate::audit::{self, Act};
use crate::{CommandError, Ctx};

/// What a session's data holds, by name.
pub mod key {
    /// The user's e-mail.
    pub const EMAIL: &str = "email";
    /// When they signed in, in seconds since 1970.
    pub const BEGAN_S: &str = "began_s";
    /// When the session was last prolonged, in seconds since 1970.
    pub const SEEN_S: &str = "seen_s";
    /// Where they signed in.
    pub const ADDRESS: &str = "address";
    /// Their browser, as it calls itself.
    pub const AGENT: &str = "agent";
}

/// A session ends so long after it began, however much it is used (OWASP ASVS 7.3.2).
pub const LIFETIME: TimeDelta = TimeDelta::days(7);
/// As many bytes of the digest name a session to people.
const HANDLE_BYTES: usize = 8;

/// What the session with this id is named by.
pub fn handle(id: &str) -> String {
    digest(id)[..HANDLE_BYTES].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(id: &str) -> Vec<u8> {
    Sha256::digest(id.as_bytes()).to_vec()
}

/// Stores a new session. `false` says that the id is taken.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    db: &PgPool,
    id: &str,
    data: &Value,
    expires_at: Timestamp,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query(
        "INSERT INTO sessions (id_hash, data, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(digest(id))
    .bind(data)
    .bind(expires_at)
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Stores a newer state of a session. One that has ended meanwhile stays ended.
///
/// # Errors
/// When the database does not answer.
pub async fn save(
    db: &PgPool,
    id: &str,
    data: &Value,
    expires_at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE sessions SET data = $2, expires_at = $3 WHERE id_hash = $1")
        .bind(digest(id))
        .bind(data)
        .bind(expires_at)
        .execute(db)
        .await
        .map(drop)
}

/// The session with this id, unless it has expired.
///
/// # Errors
/// When the database does not answer.
pub async fn load(
    db: &PgPool,
    id: &str,
    now: Timestamp,
) -> Result<Option<(Value, Timestamp)>, sqlx::Error> {
    sqlx::query_as("SELECT data, expires_at FROM sessions WHERE id_hash = $1 AND expires_at > $2")
        .bind(digest(id))
        .bind(now)
        .fetch_optional(db)
        .await
}

/// Ends a session.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(db: &PgPool, id: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM sessions WHERE id_hash = $1")
        .bind(digest(id))
        .execute(db)
        .await
        .map(drop)
}

/// Forgets sessions that have expired. Returns how many.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_expired(db: &PgPool, now: Timestamp) -> Result<u64, sqlx::Error> {
    let deleted =
        sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(now).execute(db).await?;
    Ok(deleted.rows_affected())
}

/// The open sessions of `email`, or of everybody; those used last first, at most 200. `this` is the
/// handle of the one that asks.
///
/// # Errors
/// Without [`Permission::ManageUsers`] for anybody's but one's own; when the database does not
/// answer.
pub async fn list(
    ctx: &Ctx,
    email: Option<&str>,
    this: Option<&str>,
) -> Result<Vec<OpenSession>, CommandError> {
    if email != Some(ctx.actor.email.as_str()) {
        ctx.demand(Permission::ManageUsers)?;
    }
    let sessions = sqlx::query(
        "SELECT encode(substr(id_hash, 1, $4), 'hex') AS handle, email, data, expires_at FROM sessions
         WHERE email IS NOT NULL AND ($1::text IS NULL OR email = $1)
           AND expires_at > $2 AND (data ->> 'began_s')::bigint > $3
         ORDER BY coalesce((data ->> 'seen_s')::bigint, 0) DESC LIMIT 200",
    )
    .bind(email)
    .bind(ctx.now())
    .bind((ctx.now() - LIFETIME).timestamp())
    .bind(i32::try_from(HANDLE_BYTES).unwrap_or_default())
    .try_map(|row| open(&row, this))
    .fetch_all(&ctx.db)
    .await?;
    Ok(sessions)
}

fn open(row: &PgRow, this: Option<&str>) -> Result<OpenSession, sqlx::Error> {
    let data: Value = row.try_get("data")?;
    let text = |key: &str| data[key].as_str().map(str::to_owned);
    let moment = |key: &str| DateTime::from_timestamp(data[key].as_i64()?, 0);
    let began_at = moment(key::BEGAN_S).unwrap_or_default();
    let handle: String = row.try_get("handle")?;
    let expires_at: Timestamp = row.try_get("expires_at")?;
    Ok(OpenSession {
        is_this: this == Some(handle.as_str()),
        handle,
        email: row.try_get("email")?,
        began_at,
        seen_at: moment(key::SEEN_S).unwrap_or(began_at),
        expires_at: expires_at.min(began_at + LIFETIME),
        address: text(key::ADDRESS),
        agent: text(key::AGENT),
    })
}

/// Ends one session: one's own, or, with the permission, anybody's.
///
/// # Errors
/// When there is no such session that the actor may end, or the database does not answer.
pub async fn end(ctx: &Ctx, handle: &str) -> Result<String, CommandError> {
    if ctx.actor.token.is_some() {
        ctx.demand(Permission::ManageUsers)?;
    }
    let anybodys = ctx.actor.may(Permission::ManageUsers);
    let mut tx = ctx.db.begin().await?;
    let email: Option<String> = sqlx::query_scalar(
        "DELETE FROM sessions WHERE encode(substr(id_hash, 1, $1), 'hex') = $2 AND (email = $3 OR $4)
         RETURNING email",
    )
    .bind(i32::try_from(HANDLE_BYTES).unwrap_or_default())
    .bind(handle)
    .bind(&ctx.actor.email)
    .bind(anybodys)
    .fetch_optional(&mut *tx)
    .await?
    .flatten();
    let Some(email) = email else {
        return Err(CommandError::NotFound { what: format!("open session {handle}") });
    };
    let details = json!({ "handle": handle });
    let act = Act { action: "session.end", subject: &email, reason: None, details };
    audit::record(&mut tx, ctx, act).await?;
    tx.commit().await?;
    Ok(email)
}

/// Ends every session of everybody but the one that asks, and every token (AV-11). How many of
/// each.
///
/// # Errors
/// Without [`Permission::ManageUsers`] or a reason, or when the database does not answer.
pub async fn revoke_everything(
    ctx: &Ctx,
    this: Option<&str>,
    reason: &str,
) -> Result<(u64, u64), CommandError> {
    ctx.demand(Permission::ManageUsers)?;
    let reason = given(reason)?;
    let mut tx = ctx.db.begin().await?;
    let sessions = sqlx::query(
        "DELETE FROM sessions WHERE email IS NOT NULL
           AND encode(substr(id_hash, 1, $1), 'hex') IS DISTINCT FROM $2",
    )
    .bind(i32::try_from(HANDLE_BYTES).unwrap_or_default())
    .bind(this)
    .execute(&mut *tx)
    .await?
    .rows_affected();
    let tokens = sqlx::query(
        "UPDATE api_tokens SET revoked_at = $1 WHERE revoked_at IS NULL AND expires_at > $1",
    )
    .bind(ctx.now())
    .execute(&mut *tx)
    .await?
    .rows_affected();
    let details = json!({ "sessions": sessions, "tokens": tokens });
    let act = Act {
        action: "session.revoke_everything",
        subject: "everybody",
        reason: Some(reason),
        details,
    };
    audit::record(&mut tx, ctx, act).await?;
    tx.commit().await?;
    Ok((sessions, tokens))
}

/// Ends the sessions of `email`, but for the one of that handle. How many.
pub(super) async fn end_of(
    tx: &mut PgConnection,
    email: &str,
    but: Option<&str>,
) -> Result<u64, sqlx::Error> {
    let ended = sqlx::query(
        "DELETE FROM sessions WHERE email = $2
           AND encode(substr(id_hash, 1, $1), 'hex') IS DISTINCT FROM $3",
    )
    .bind(i32::try_from(HANDLE_BYTES).unwrap_or_default())
    .bind(email)
    .bind(but)
    .execute(tx)
    .await?;
    Ok(ended.rows_affected())
}
