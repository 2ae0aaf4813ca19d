//! One batch of a bulk operation: the letters it takes, what is done with them, and its log.

use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::bulk_operation::{BulkAction, BulkState};
use signalbox_model::format::plural;
use signalbox_model::job::JobId;
use signalbox_model::system_log::LogLevel;
use sqlx::{Connection, PgConnection};

use super::filter::{bind_filter, filter_sql};
use super::runner::{Due, finish};
use crate::jobs::transitions;
use crate::logs::{self, NewLog};
use crate::notify;

/// Letters that were handled, each with its job.
pub(super) type Handled = Vec<(i64, JobId)>;

/// Handles the next letters, at most `limit`, and moves the checkpoint past them. Nothing is
/// returned when no letter was left.
pub(super) async fn batch(
    tx: &mut PgConnection,
    due: &Due,
    limit: i64,
    now: Timestamp,
) -> Result<Option<Handled>, sqlx::Error> {
    // What failed after the operation was asked for was not part of its preview.
    let next = sqlx::query_scalar(concat!(
        "SELECT id FROM dead_letter_queue WHERE ",
        filter_sql!(),
        " AND id > $7 AND id <= $8 AND last_failed_at <= $9 ORDER BY id LIMIT $10"
    ));
    let letters: Vec<i64> = bind_filter!(next, due.filter)
        .bind(due.position)
        .bind(due.up_to)
        .bind(due.created_at)
        .bind(limit)
        .fetch_all(&mut *tx)
        .await?;
    let Some(last) = letters.last() else { return Ok(None) };
    let (handled, failed, error) = handle(tx, due, &letters, now).await?;
    let counted = if due.action == BulkAction::RedriveCanary { 0 } else { handled.len() };
    sqlx::query(
        "UPDATE bulk_operations SET position = $2, last_batch_at = $3, done = done + $4,
             failed = failed + $5
         WHERE id = $1",
    )
    .bind(due.id)
    .bind(last)
    .bind(now)
    .bind(i64::try_from(counted).unwrap_or(i64::MAX))
    .bind(failed)
    .execute(&mut *tx)
    .await?;
    log_batch(tx, due, &handled, now).await?;
    match error {
        Some(error) if handled.is_empty() => {
            let cause = format!("no letter of a batch could be handled: {error}");
            finish(tx, due, BulkState::Failed, Some(&cause), now).await?;
        }
        _ => {}
    }
    Ok(Some(handled))
}

/// Acts on `letters` in one statement; where the database refuses that, on each by itself, so that
/// one bad letter does not hold up the rest. Returns those handled, how many were refused, and
/// the last refusal. A letter that somebody else has acted on meanwhile is in neither.
async fn handle(
    tx: &mut PgConnection,
    due: &Due,
    letters: &[i64],
    now: Timestamp,
) -> Result<(Handled, i64, Option<String>), sqlx::Error> {
    if let Ok(handled) = attempt(tx, due, letters, now).await? {
        return Ok((handled, 0, None));
    }
    let (mut handled, mut failed, mut last) = (Vec::new(), 0, None);
    for letter in letters {
        match attempt(tx, due, &[*letter], now).await? {
            Ok(one) => handled.extend(one),
            Err(error) => {
                failed += 1;
                let message =
                    format!("Bulk operation {} could not handle letter {letter}: {error}", due.id);
                let facts = json!({ "dlqId": letter, "operation": due.id, "action": due.action });
                let log = NewLog::new("dlq_error", LogLevel::Error, message).with(facts);
                logs::write(&mut *tx, now, log).await?;
                last = Some(error);
            }
        }
    }
    Ok((handled, failed, last))
}

/// Acts on `letters`, or on none of them when the database refuses one.
async fn attempt(
    tx: &mut PgConnection,
    due: &Due,
    letters: &[i64],
    now: Timestamp,
) -> Result<Result<Handled, String>, sqlx::Error> {
    let mut savepoint = tx.begin().await?;
    let handled = match due.action {
        BulkAction::Retry | BulkAction::RedriveCanary => {
            transitions::redrive(&mut savepoint, letters, now).await
        }
        BulkAction::Delete => transitions::discard(&mut savepoint, letters).await,
    };
    match handled {
        Ok(handled) => {
            savepoint.commit().await?;
            Ok(Ok(handled))
        }
        Err(sqlx::Error::Database(error)) => {
            savepoint.rollback().await?;
            Ok(Err(error.message().to_owned()))
        }
        Err(error) => Err(error),
    }
}

/// One entry a batch, with every letter and job in it.
async fn log_batch(
    tx: &mut PgConnection,
    due: &Due,
    handled: &Handled,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if handled.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(handled.len()).unwrap_or(i64::MAX);
    let letters = plural(count, "dead letter", "dead letters");
    let (event, verb) = match due.action {
        BulkAction::Delete => ("dlq_delete", "deleted"),
        BulkAction::Retry | BulkAction::RedriveCanary => ("dlq_retry", "scheduled again"),
    };
    let (ids, jobs): (Vec<i64>, Vec<JobId>) = handled.iter().copied().unzip();
    let facts = json!({
        "operation": due.id, "dlqIds": ids, "jobIds": jobs, "requestedBy": due.created_by,
    });
    let message = format!("{letters} {verb} by bulk operation {} of {}", due.id, due.created_by);
    let log = NewLog::new(event, LogLevel::Info, message).with(facts);
    logs::write(&mut *tx, now, log).await?;
    if due.action != BulkAction::Delete {
        notify::notify(&mut *tx, notify::JOBS).await?;
    }
    Ok(())
}
