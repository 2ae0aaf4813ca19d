//! The refresh: all views in one transaction, without blocking who reads them. One runs at a time,
//! and a scheduled one stands back while the database is busy.

use serde_json::json;
use signalbox_model::matview::Matview;
use signalbox_model::system_log::LogLevel;
use signalbox_model::{Timestamp, format};
use sqlx::postgres::PgRow;
use sqlx::{PgExecutor, PgPool, Row};

use crate::SharedClock;
use crate::logs::{self, NewLog};
use crate::settings::Settings;

/// The advisory lock of the one refresh that runs: two numbers of our own.
const LOCK: (i32, i32) = (7_390, 1);

/// A scheduled refresh stands back while more statements than this run in the database.
const MAX_ACTIVE: &str = "matview_max_active_queries";

/// How a refresh went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refresh {
    /// The views show the state of now.
    Done(Vec<Matview>),
    /// Nothing was done, and why.
    Skipped(String),
}

/// Refreshes every view. One that is `forced` (an operator asked for it) does not mind the load.
///
/// # Errors
/// When a view cannot be refreshed: all stay as they were, the failure is in `system_logs`. When
/// the database does not answer.
pub async fn refresh(
    db: &PgPool,
    clock: &SharedClock,
    forced: bool,
) -> Result<Refresh, sqlx::Error> {
    let now = clock.now();
    if !forced && let Some(reason) = busy(db, now).await? {
        return skip(db, now, reason).await;
    }
    match run(db, now).await {
        Ok(Some(views)) => Ok(Refresh::Done(views)),
        Ok(None) => skip(db, now, "another refresh was still running".to_owned()).await,
        Err(error) => {
            fail(db, clock.now(), &error).await?;
            Err(error)
        }
    }
}

/// The refreshed views; none if another refresh runs.
async fn run(db: &PgPool, now: Timestamp) -> Result<Option<Vec<Matview>>, sqlx::Error> {
    let mut tx = db.begin().await?;
    let (class, object) = LOCK;
    let free: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1, $2)")
        .bind(class)
        .bind(object)
        .fetch_one(&mut *tx)
        .await?;
    if !free {
        return Ok(None);
    }
    let views = sqlx::query("SELECT * FROM refresh_matviews($1)")
        .bind(now)
        .try_map(|row| matview(&row, now))
        .fetch_all(&mut *tx)
        .await?;
    sqlx::query(
        "UPDATE matviews_control
         SET failed_at = NULL, failure = NULL, skipped_at = NULL, skip_reason = NULL",
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Some(views))
}

/// Why the database is too busy, if it is.
async fn busy(db: &PgPool, now: Timestamp) -> Result<Option<String>, sqlx::Error> {
    let bound = Settings::read(db, now).await?.get(MAX_ACTIVE);
    let active: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND backend_type = 'client backend'
           AND state = 'active' AND pid <> pg_backend_pid()",
    )
    .fetch_one(db)
    .await?;
    Ok((active > bound).then(|| {
        let statements = format::plural(active, "statement", "statements");
        format!("the database was busy: {statements} running, more than {bound}")
    }))
}

async fn skip(db: &PgPool, now: Timestamp, reason: String) -> Result<Refresh, sqlx::Error> {
    sqlx::query("UPDATE matviews_control SET skipped_at = $1, skip_reason = $2")
        .bind(now)
        .bind(&reason)
        .execute(db)
        .await?;
    tracing::info!(reason, "refresh of the materialized views skipped");
    Ok(Refresh::Skipped(reason))
}

async fn fail(db: &PgPool, now: Timestamp, error: &sqlx::Error) -> Result<(), sqlx::Error> {
    let failure = error.to_string();
    let mut tx = db.begin().await?;
    sqlx::query("UPDATE matviews_control SET failed_at = $1, failure = $2")
        .bind(now)
        .bind(&failure)
        .execute(&mut *tx)
        .await?;
    let message = format!("The materialized views could not be refreshed: {failure}");
    let log = NewLog::new("matviews_refresh", LogLevel::Error, message).with(json!({}));
    logs::write(&mut *tx, now, log).await?;
    tx.commit().await
}

/// Whether a refresh is under way.
pub(super) async fn is_running(db: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    let (class, object) = LOCK;
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_locks
             WHERE locktype = 'advisory' AND classid = $1::oid AND objid = $2::oid AND objsubid = 2
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND granted)",
    )
    .bind(class)
    .bind(object)
    .fetch_one(db)
    .await
}

pub(super) fn matview(row: &PgRow, now: Timestamp) -> Result<Matview, sqlx::Error> {
    let refreshed_at: Option<Timestamp> = row.try_get("refreshed_at")?;
    Ok(Matview {
        name: format!("mv_{}", row.try_get::<String, _>("name")?),
        refreshed_at,
        age_s: refreshed_at.map(|at| (now - at).num_seconds()),
        duration_ms: row.try_get("duration_ms")?,
        rows: row.try_get("row_count")?,
    })
}
