//! Devices that a user has signed in with (OWASP's "device cookies"): they have tries of their own,
//! so that guesses from elsewhere never lock the owner out. The cookie opens nothing by itself.

use std::net::IpAddr;

use chrono::TimeDelta;
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};
use signalbox_model::Timestamp;
use sqlx::PgPool;

/// A device that has not been used for so long is a stranger again.
pub const DEVICE_LIFETIME: TimeDelta = TimeDelta::days(180);
/// So many devices of a user are known, the ones used last.
const DEVICES_MAX: i64 = 20;

pub(super) fn digest(id: &str) -> Vec<u8> {
    Sha256::digest(id.as_bytes()).to_vec()
}

/// A new device's id: 128 random bits.
pub(super) fn new_id() -> String {
    format!("{:032x}", rand::rng().random::<u128>())
}

/// By which of what the owner has used before this try comes, if any: the device itself, or the
/// address.
pub(super) async fn recognise(
    db: &PgPool,
    email: &str,
    device: Option<&str>,
    address: Option<IpAddr>,
    now: Timestamp,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT CASE WHEN id_hash = $2 THEN id_hash ELSE convert_to(address, 'UTF8') END
         FROM known_devices
         WHERE email = $1 AND last_used_at > $4 AND (id_hash = $2 OR address = $3)
         ORDER BY id_hash = $2 DESC LIMIT 1",
    )
    .bind(email)
    .bind(device.map(digest).unwrap_or_default())
    .bind(address.map(|address| address.to_canonical().to_string()))
    .bind(now - DEVICE_LIFETIME)
    .fetch_optional(db)
    .await
}

/// Notes that `email` has signed in with this device.
pub(super) async fn remember(
    db: &PgPool,
    email: &str,
    device: &str,
    address: Option<IpAddr>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH used AS (
             INSERT INTO known_devices (id_hash, email, address, last_used_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (email, id_hash) DO UPDATE
                 SET address = excluded.address, last_used_at = excluded.last_used_at
         )
         DELETE FROM known_devices WHERE email = $2 AND id_hash IN (
             SELECT id_hash FROM known_devices WHERE email = $2 ORDER BY last_used_at DESC OFFSET $5)",
    )
    .bind(digest(device))
    .bind(email)
    .bind(address.map(|address| address.to_canonical().to_string()))
    .bind(now)
    .bind(DEVICES_MAX - 1)
    .execute(db)
    .await
    .map(drop)
}

/// Forgets devices that are strangers again. Returns how many.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn forget(db: &PgPool, now: Timestamp) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query("DELETE FROM known_devices WHERE last_used_at <= $1")
        .bind(now - DEVICE_LIFETIME)
        .execute(db)
        .await?;
    Ok(forgotten.rows_affected())
}
