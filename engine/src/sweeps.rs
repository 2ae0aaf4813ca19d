//! Sweeps: upkeep that the leader does again and again. Each is idempotent, takes no input but
//! the time, and says what it did.

use signalbox_model::Timestamp;
use sqlx::PgPool;

use crate::auth::sessions;
use crate::jobs;

/// Finished jobs, attempts and logs are kept this long (OP-16).
pub const KEEP_DAYS: i64 = 90;

/// Partitions are made this many days ahead.
const DAYS_AHEAD: i32 = 7;

/// A key keeps a repeated enqueue from running twice for this long.
const IDEMPOTENCY_DAYS: i64 = 7;

/// What a round of upkeep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Partitions made.
    pub partitions_made: i32,
    /// Partitions dropped.
    pub partitions_dropped: i32,
    /// Idempotency keys forgotten.
    pub keys_expired: u64,
    /// Sessions forgotten.
    pub sessions_expired: u64,
    /// Counters forgotten.
    pub stats_expired: u64,
}

/// Makes partitions ahead, drops old ones, forgets expired keys, sessions and counters.
///
/// # Errors
/// When the database does not answer; the next round does what was left.
pub async fn sweep(db: &PgPool, now: Timestamp) -> Result<Swept, sqlx::Error> {
    let days = chrono::Duration::days;
    let expired = sqlx::query("DELETE FROM idempotency_keys WHERE created_at < $1")
        .bind(now - days(IDEMPOTENCY_DAYS))
        .execute(db)
        .await?;
    Ok(Swept {
        partitions_made: make_partitions(db, now).await?,
        partitions_dropped: sqlx::query_scalar("SELECT drop_partitions($1)")
            .bind((now - days(KEEP_DAYS)).date_naive())
            .fetch_one(db)
            .await?,
        keys_expired: expired.rows_affected(),
        sessions_expired: sessions::delete_expired(db, now).await?,
        stats_expired: jobs::forget_before(db, now - days(KEEP_DAYS)).await?,
    })
}

/// Makes the partitions of today and of the days ahead.
///
/// # Errors
/// When the database does not answer.
pub async fn make_partitions(db: &PgPool, now: Timestamp) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar("SELECT make_partitions($1, $2)")
        .bind(now.date_naive())
        .bind(DAYS_AHEAD)
        .fetch_one(db)
        .await
}
