//! `system_logs`: what the system did, in words that operators read (OP-14).

use serde_json::Value;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::job::JobId;
use signalbox_model::page::{Page, page_rows};
use signalbox_model::system_log::{LogLevel, SystemLog};
use sqlx::postgres::PgRow;
use sqlx::{PgExecutor, Row};

use crate::{CommandError, Ctx, wanted};

/// An entry to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLog<'a> {
    /// What happened, such as `dlq_retry`.
    pub event_type: &'a str,
    /// How much it matters.
    pub level: LogLevel,
    /// In words.
    pub message: String,
    /// The job it is about.
    pub job_id: Option<JobId>,
    /// Further facts.
    pub metadata: Value,
}

impl<'a> NewLog<'a> {
    /// An entry without a job.
    pub fn new(event_type: &'a str, level: LogLevel, message: impl Into<String>) -> NewLog<'a> {
        NewLog {
            event_type,
            level,
            message: message.into(),
            job_id: None,
            metadata: Value::Object(serde_json::Map::new()),
        }
    }

    /// The same entry about a job.
    #[must_use]
    pub fn job(mut self, id: JobId) -> NewLog<'a> {
        self.job_id = Some(id);
        self
    }

    /// The same entry with further facts.
    #[must_use]
    pub fn with(mut self, metadata: Value) -> NewLog<'a> {
        self.metadata = metadata;
        self
    }
}

/// Writes `log`, and says it to the process's own log too.
///
/// # Errors
/// When the database does not answer.
pub async fn write(
    db: impl PgExecutor<'_>,
    now: Timestamp,
    log: NewLog<'_>,
) -> Result<(), sqlx::Error> {
    match log.level {
        LogLevel::Info => {
            tracing::info!(event_type = log.event_type, job_id = log.job_id, "{}", log.message)
        }
        LogLevel::Warn => {
            tracing::warn!(event_type = log.event_type, job_id = log.job_id, "{}", log.message)
        }
        LogLevel::Error => {
            tracing::error!(event_type = log.event_type, job_id = log.job_id, "{}", log.message)
        }
    }
    sqlx::query(
        "INSERT INTO system_logs (event_type, level, message, job_id, metadata, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(log.event_type)
    .bind(log.level.name())
    .bind(log.message)
    .bind(log.job_id)
    .bind(log.metadata)
    .bind(now)
    .execute(db)
    .await
    .map(drop)
}

/// The entries that match, the newest first. `event_type` matches by prefix, so that `dlq_` finds
/// `dlq_retry` and `dlq_delete`; `q` by a part of the message.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn search(
    ctx: &Ctx,
    event_type: Option<&str>,
    q: Option<&str>,
    cursor: Option<i64>,
    limit: Option<i64>,
) -> Result<Page<SystemLog>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let limit = page_rows(limit);
    let rows = sqlx::query(
        "SELECT * FROM system_logs
         WHERE ($1::bigint IS NULL OR id < $1)
           AND ($2::text IS NULL OR starts_with(event_type, $2))
           AND ($3::text IS NULL OR strpos(lower(message), lower($3)) > 0)
         ORDER BY id DESC LIMIT $4",
    )
    .bind(cursor)
    .bind(wanted(event_type))
    .bind(wanted(q))
    .bind(limit + 1)
    .try_map(system_log)
    .fetch_all(&ctx.db)
    .await?;
    Ok(Page::from_rows(rows, limit, |log| log.id))
}

/// What was logged about one thing, the newest first, at most 50: of all entries whose metadata
/// name it in `field`, such as `queue`.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn about(ctx: &Ctx, field: &str, name: &str) -> Result<Vec<SystemLog>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    // All of them first, by their index: with the limit in sight the planner would read the log
    // backwards until it had found enough, which for a rare name is all of it.
    let logs = sqlx::query(
        "WITH about AS MATERIALIZED (
             SELECT * FROM system_logs WHERE metadata @> jsonb_build_object($1::text, $2::text)
         )
         SELECT * FROM about ORDER BY id DESC LIMIT 50",
    )
    .bind(field)
    .bind(name)
    .try_map(system_log)
    .fetch_all(&ctx.db)
    .await?;
    Ok(logs)
}

/// What was logged about a job, the newest first, at most 100.
pub(crate) async fn about_job(
    db: impl PgExecutor<'_>,
    id: JobId,
) -> Result<Vec<SystemLog>, sqlx::Error> {
    sqlx::query("SELECT * FROM system_logs WHERE job_id = $1 ORDER BY id DESC LIMIT 100")
        .bind(id)
        .try_map(system_log)
        .fetch_all(db)
        .await
}

/// The newest entries.
pub(crate) async fn newest(
    db: impl PgExecutor<'_>,
    limit: i64,
) -> Result<Vec<SystemLog>, sqlx::Error> {
    sqlx::query("SELECT * FROM system_logs ORDER BY id DESC LIMIT $1")
        .bind(limit)
        .try_map(system_log)
        .fetch_all(db)
        .await
}

/// The newest `limit` entries of these events since `since`, the newest first. For events that are
/// rare: all of them are found first, by their index. With the limit in sight the planner would
/// read the log backwards until it had found enough.
pub(crate) async fn of_events(
    db: impl PgExecutor<'_>,
    events: &[&str],
    since: Timestamp,
    limit: i64,
) -> Result<Vec<SystemLog>, sqlx::Error> {
    sqlx::query(
        "WITH found AS MATERIALIZED (
             SELECT * FROM system_logs WHERE event_type = ANY($1) AND created_at >= $2
         )
         SELECT * FROM found ORDER BY id DESC LIMIT $3",
    )
    .bind(events)
    .bind(since)
    .bind(limit)
    .try_map(system_log)
    .fetch_all(db)
    .await
}

fn system_log(row: PgRow) -> Result<SystemLog, sqlx::Error> {
    Ok(SystemLog {
        id: row.try_get("id")?,
        event_type: row.try_get("event_type")?,
        level: LogLevel::from_name(row.try_get("level")?).unwrap_or(LogLevel::Error),
        message: row.try_get("message")?,
        job_id: row.try_get("job_id")?,
        metadata: row.try_get("metadata")?,
        created_at: row.try_get("created_at")?,
    })
}
