//! Working the dead letter queue (OP-5, OP-6): one letter here, many in [`bulk`].

mod batch;
pub mod bulk;
mod canary;
pub mod cap;
mod filter;
pub mod groups;
pub mod runner;

use filter::{bind_filter, filter_sql};
use serde_json::json;
use signalbox_model::actor::Permission;
use signalbox_model::dead_letter::{DeadLetter, DeadLetterFilter, DeadLetterStatus};
use signalbox_model::error_class::ErrorClass;
use signalbox_model::job::JobId;
use signalbox_model::metrics::DeadLetterCounts;
use signalbox_model::page::{NEWER_CAP, Page, page_rows};
use signalbox_model::redact::redact;
use signalbox_model::system_log::LogLevel;
use sqlx::postgres::PgRow;
use sqlx::{PgExecutor, Row};

use crate::audit::{self, Act};
use crate::jobs::transitions;
use crate::logs::{self, NewLog};
use crate::{CommandError, Ctx, notify};

/// The letters that match, the newest first.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn list(
    ctx: &Ctx,
    filter: &DeadLetterFilter,
    cursor: Option<i64>,
    limit: Option<i64>,
) -> Result<Page<DeadLetter>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let limit = page_rows(limit);
    let list = sqlx::query(concat!(
        "SELECT * FROM dead_letter_queue WHERE ",
        filter_sql!(),
        " AND ($7::bigint IS NULL OR id < $7) ORDER BY id DESC LIMIT $8",
    ));
    let rows = bind_filter!(list, filter)
        .bind(cursor)
        .bind(limit + 1)
        .try_map(dead_letter)
        .fetch_all(&ctx.db)
        .await?;
    Ok(Page::from_rows(rows, limit, |letter| letter.id))
}

/// How many of the letters that match are newer than `than`, counted to [`NEWER_CAP`].
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn newer(ctx: &Ctx, filter: &DeadLetterFilter, than: i64) -> Result<i64, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let count = sqlx::query_scalar(concat!(
        "SELECT count(*) FROM (SELECT FROM dead_letter_queue WHERE ",
        filter_sql!(),
        " AND id > $7 LIMIT $8) newer"
    ));
    Ok(bind_filter!(count, filter).bind(than).bind(NEWER_CAP).fetch_one(&ctx.db).await?)
}

/// How many letters there are of each status.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn counts(ctx: &Ctx) -> Result<DeadLetterCounts, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    Ok(count(&ctx.db).await?)
}

pub(crate) async fn count(db: impl PgExecutor<'_>) -> Result<DeadLetterCounts, sqlx::Error> {
    let (pending, ignored, retry_scheduled) = sqlx::query_as(
        // Counts within the index on the status, rather than one over the whole table.
        "SELECT (SELECT count(*) FROM dead_letter_queue WHERE status = 'pending'),
                (SELECT count(*) FROM dead_letter_marks m JOIN dead_letter_queue d USING (fingerprint)
                 WHERE m.mark = 'ignored' AND d.status = 'pending'),
                (SELECT count(*) FROM dead_letter_queue WHERE status = 'retry_scheduled')",
    )
    .fetch_one(db)
    .await?;
    Ok(DeadLetterCounts { pending, ignored, retry_scheduled })
}

/// Schedules the letter's job for another try, with all its attempts anew. Returns the job's id.
///
/// # Errors
/// Without [`Permission::WorkDeadLetters`]; when there is no such letter; when a retry is under
/// way already; when the database does not answer. What failed is logged as `dlq_error`.
pub async fn retry(ctx: &Ctx, id: i64) -> Result<JobId, CommandError> {
    ctx.demand(Permission::WorkDeadLetters)?;
    let retried = retry_in_transaction(ctx, id).await;
    noting_failure(ctx, "retry", id, retried).await
}

async fn retry_in_transaction(ctx: &Ctx, id: i64) -> Result<JobId, CommandError> {
    let mut tx = ctx.db.begin().await?;
    let retried = transitions::redrive(&mut tx, &[id], ctx.now()).await?;
    let Some(&(_, job)) = retried.first() else {
        drop(tx);
        return Err(not_pending(ctx, id).await?);
    };
    let message = format!("Retry of dead letter {id} (job {job}) scheduled by {}", ctx.actor.email);
    record(&mut tx, ctx, "dlq_retry", "dead_letter.retry", (id, job), message).await?;
    notify::notify(&mut *tx, notify::JOBS).await?;
    tx.commit().await?;
    Ok(job)
}

/// Removes the letter and its job for good.
///
/// # Errors
/// As [`retry`]; a letter whose retry is under way cannot be deleted.
pub async fn delete(ctx: &Ctx, id: i64) -> Result<(), CommandError> {
    ctx.demand(Permission::WorkDeadLetters)?;
    let deleted = delete_in_transaction(ctx, id).await;
    noting_failure(ctx, "delete", id, deleted).await
}

async fn delete_in_transaction(ctx: &Ctx, id: i64) -> Result<(), CommandError> {
    let mut tx = ctx.db.begin().await?;
    let discarded = transitions::discard(&mut tx, &[id]).await?;
    let Some(&(_, job)) = discarded.first() else {
        drop(tx);
        return Err(not_pending(ctx, id).await?);
    };
    let message = format!("Dead letter {id} (job {job}) deleted by {}", ctx.actor.email);
    record(&mut tx, ctx, "dlq_delete", "dead_letter.delete", (id, job), message).await?;
    tx.commit().await?;
    Ok(())
}

async fn record(
    tx: &mut sqlx::PgConnection,
    ctx: &Ctx,
    event: &str,
    action: &str,
    (letter, job): (i64, JobId),
    message: String,
) -> Result<(), sqlx::Error> {
    let facts = json!({ "dlqId": letter, "jobId": job, "requestedBy": ctx.actor.email });
    let log = NewLog::new(event, LogLevel::Info, message).job(job).with(facts.clone());
    logs::write(&mut *tx, ctx.now(), log).await?;
    let subject = format!("dead letter {letter}");
    audit::record(tx, ctx, Act { action, subject: &subject, reason: None, details: facts }).await
}

/// Logs a failed action with its cause (OP-5), where that is possible.
async fn noting_failure<T>(
    ctx: &Ctx,
    verb: &str,
    id: i64,
    result: Result<T, CommandError>,
) -> Result<T, CommandError> {
    if let Err(error) = &result {
        let facts = json!({ "dlqId": id, "action": verb, "requestedBy": ctx.actor.email });
        let message = format!("Could not {verb} dead letter {id}: {error}");
        let log = NewLog::new("dlq_error", LogLevel::Error, message).with(facts);
        if let Err(unlogged) = logs::write(&ctx.db, ctx.now(), log).await {
            tracing::error!(error = %unlogged, "the failed action could not be logged");
        }
    }
    result
}

/// Why a letter that is not pending cannot be acted on.
async fn not_pending(ctx: &Ctx, id: i64) -> Result<CommandError, sqlx::Error> {
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM dead_letter_queue WHERE id = $1)")
            .bind(id)
            .fetch_one(&ctx.db)
            .await?;
    Ok(if exists {
        CommandError::Conflict(format!("A retry of dead letter {id} is scheduled already."))
    } else {
        CommandError::not_found("dead letter", id)
    })
}

fn dead_letter(row: PgRow) -> Result<DeadLetter, sqlx::Error> {
    let status: String = row.try_get("status")?;
    let class: String = row.try_get("error_class")?;
    Ok(DeadLetter {
        id: row.try_get("id")?,
        job_id: row.try_get("job_id")?,
        job_type: row.try_get("kind")?,
        queue: row.try_get("queue")?,
        status: DeadLetterStatus::from_name(&status).unwrap_or(DeadLetterStatus::Pending),
        error: row.try_get("error")?,
        error_class: ErrorClass::from_name(&class).unwrap_or(ErrorClass::Internal),
        fingerprint: row.try_get("fingerprint")?,
        first_failed_at: row.try_get("first_failed_at")?,
        last_failed_at: row.try_get("last_failed_at")?,
        attempts: row.try_get("attempts")?,
        payload: redact(row.try_get("payload")?),
    })
}
