//! The cap of the dead letter queue: by age and by count. What it removes is always logged.

use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::system_log::LogLevel;
use sqlx::PgPool;

use crate::logs::{self, NewLog};
use crate::settings::Settings;

/// Letters are removed in transactions of at most this many.
const AT_ONCE: i64 = 5000;

/// How many letters a round removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Because they failed longer ago than `dlq_max_age_days`.
    pub by_age: u64,
    /// Because there were more than `dlq_max_letters`.
    pub by_count: u64,
}

/// Removes what is beyond the cap, the oldest first. Letters whose retry is under way stay.
///
/// # Errors
/// When the database does not answer; the next round does what was left.
pub async fn trim(db: &PgPool, now: Timestamp) -> Result<Trimmed, sqlx::Error> {
    let settings = Settings::read(db, now).await?;
    let mut trimmed = Trimmed::default();
    let days = settings.get("dlq_max_age_days");
    if days > 0 {
        let oldest = now - chrono::Duration::days(days);
        let why = format!("failed more than {days} days ago");
        loop {
            let removed = remove(db, Some(oldest), AT_ONCE, &why, now).await?;
            trimmed.by_age += removed;
            if removed < AT_ONCE.unsigned_abs() {
                break;
            }
        }
    }
    let keep = settings.get("dlq_max_letters");
    let why = format!("were the oldest of more than {keep}");
    loop {
        let pending: i64 =
            sqlx::query_scalar("SELECT count(*) FROM dead_letter_queue WHERE status = 'pending'")
                .fetch_one(db)
                .await?;
        let excess = (pending - keep).min(AT_ONCE);
        if excess <= 0 {
            return Ok(trimmed);
        }
        trimmed.by_count += remove(db, None, excess, &why, now).await?;
    }
}

/// Removes the oldest pending letters, at most `limit`, and says so in the same transaction.
async fn remove(
    db: &PgPool,
    before: Option<Timestamp>,
    limit: i64,
    why: &str,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let mut tx = db.begin().await?;
    let ids: Vec<i64> = sqlx::query_scalar(
        "DELETE FROM dead_letter_queue WHERE id IN (
             SELECT id FROM dead_letter_queue
             WHERE status = 'pending' AND ($1::timestamptz IS NULL OR last_failed_at < $1)
             ORDER BY last_failed_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
         ) RETURNING id",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(&mut *tx)
    .await?;
    if !ids.is_empty() {
        let message = format!("Removed {} dead letters that {why}", ids.len());
        let facts = json!({ "count": ids.len(), "dlqIds": ids });
        let log = NewLog::new("dlq_trimmed", LogLevel::Warn, message).with(facts);
        logs::write(&mut *tx, now, log).await?;
    }
    tx.commit().await?;
    Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
}
