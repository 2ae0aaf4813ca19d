//! Sessions, as rows. The id is stored as its SHA-256: a copy of the table opens no session.

use serde_json::Value;
use sha2::{Digest, Sha256};
use signalbox_model::Timestamp;
use sqlx::PgPool;

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
