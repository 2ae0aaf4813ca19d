//! What carries bulk operations out: the leader calls [`advance`] again and again. A round handles
//! one batch of each operation in one transaction, which also moves the operation's checkpoint, so
//! that a crash neither repeats nor skips a letter; the lock of the operation's row keeps a
//! second runner out.

use chrono::Duration;
use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::bulk_operation::{BulkAction, BulkState};
use signalbox_model::dead_letter::DeadLetterFilter;
use signalbox_model::system_log::LogLevel;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

use super::batch::{Handled, batch};
use super::canary::{self, Next};
use crate::logs::{self, NewLog};

/// A batch holds as many letters as may be handled in a second, and batches are at least this far
/// apart: so no second sees more.
const BATCH_EVERY: Duration = Duration::seconds(1);

/// An operation that is due, locked.
pub(super) struct Due {
    pub id: i64,
    pub action: BulkAction,
    pub filter: DeadLetterFilter,
    pub up_to: i64,
    pub rate: i64,
    pub begun: bool,
    pub created_by: String,
    pub created_at: Timestamp,
    pub position: i64,
    /// A canary's step, its letters, and the share of failures that stops it.
    pub canary: (i32, i64, i16),
}

/// Handles the next batch of every operation that is due. Returns how many letters that were.
///
/// # Errors
/// When the database does not answer; the next round goes on from the last checkpoint.
pub async fn advance(db: &PgPool, now: Timestamp) -> Result<usize, sqlx::Error> {
    canary::settle(db).await?;
    let due: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM bulk_operations
         WHERE state IN ('pending', 'running') AND starts_at <= $1 ORDER BY id",
    )
    .bind(now)
    .fetch_all(db)
    .await?;
    let mut handled = 0;
    for id in due {
        handled += advance_one(db, id, now).await?;
    }
    Ok(handled)
}

/// Forgets operations that ended before `oldest`. Returns how many.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn forget_before(db: &PgPool, oldest: Timestamp) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query("DELETE FROM bulk_operations WHERE finished_at < $1")
        .bind(oldest)
        .execute(db)
        .await?;
    Ok(forgotten.rows_affected())
}

async fn advance_one(db: &PgPool, id: i64, now: Timestamp) -> Result<usize, sqlx::Error> {
    let mut tx = db.begin().await?;
    let Some(due) = lock(&mut tx, id, now).await? else { return Ok(0) };
    if !due.begun {
        sqlx::query("UPDATE bulk_operations SET state = 'running' WHERE id = $1")
            .bind(id)
            .execute(&mut *tx)
            .await?;
    }
    let handled = match due.action {
        BulkAction::RedriveCanary => advance_canary(&mut tx, &due, now).await?,
        BulkAction::Retry | BulkAction::Delete => {
            match batch(&mut tx, &due, due.rate, now).await? {
                Some(handled) => handled,
                None => {
                    finish(&mut tx, &due, BulkState::Done, None, now).await?;
                    Vec::new()
                }
            }
        }
    };
    tx.commit().await?;
    Ok(handled.len())
}

/// The operation, if it may go on now and no other runner has it.
async fn lock(tx: &mut PgConnection, id: i64, now: Timestamp) -> Result<Option<Due>, sqlx::Error> {
    sqlx::query(
        "SELECT * FROM bulk_operations
         WHERE id = $1 AND state IN ('pending', 'running') AND starts_at <= $2
           AND (last_batch_at IS NULL OR last_batch_at <= $3)
         FOR UPDATE SKIP LOCKED",
    )
    .bind(id)
    .bind(now)
    .bind(now - BATCH_EVERY)
    .try_map(|row: PgRow| {
        let filter: sqlx::types::Json<DeadLetterFilter> = row.try_get("filter")?;
        let action: String = row.try_get("action")?;
        Ok(Due {
            id: row.try_get("id")?,
            action: BulkAction::from_name(&action)
                .ok_or_else(|| sqlx::Error::Decode(format!("unknown action {action}").into()))?,
            filter: super::bulk::pending(&filter.0),
            up_to: row.try_get("up_to")?,
            rate: i64::from(row.try_get::<i32, _>("rate_per_s")?),
            begun: row.try_get::<String, _>("state")? == BulkState::Running.name(),
            created_by: row.try_get("created_by")?,
            created_at: row.try_get("created_at")?,
            position: row.try_get("position")?,
            canary: (
                row.try_get::<Option<i32>, _>("step")?.unwrap_or_default(),
                row.try_get::<Option<i64>, _>("step_letters")?.unwrap_or_default(),
                row.try_get::<Option<i16>, _>("stop_percent")?.unwrap_or_default(),
            ),
        })
    })
    .fetch_optional(tx)
    .await
}

async fn advance_canary(
    tx: &mut PgConnection,
    due: &Due,
    now: Timestamp,
) -> Result<Handled, sqlx::Error> {
    let (mut number, mut planned, percent) = due.canary;
    let mut exhausted = false;
    loop {
        let step = canary::tally(tx, due.id, number).await?;
        match canary::next(&step, planned, percent, exhausted) {
            Next::LetOut(letters) => match batch(tx, due, letters.min(due.rate), now).await? {
                Some(handled) => {
                    canary::let_out(tx, (due.id, number), &handled, now).await?;
                    return Ok(handled);
                }
                None => exhausted = true,
            },
            Next::Wait => return Ok(Vec::new()),
            Next::Ramp => {
                canary::ramp(tx, due.id).await?;
                (number, planned) = (number + 1, planned * 2);
            }
            Next::Stop => {
                let cause = format!(
                    "stopped by itself at step {number}: {} of {} failed again, more than {percent} %",
                    step.failed,
                    step.letters()
                );
                finish(tx, due, BulkState::Stopped, Some(&cause), now).await?;
                return Ok(Vec::new());
            }
            Next::Done => {
                finish(tx, due, BulkState::Done, None, now).await?;
                return Ok(Vec::new());
            }
        }
    }
}

/// Ends an operation, and says so.
pub(super) async fn finish(
    tx: &mut PgConnection,
    due: &Due,
    state: BulkState,
    cause: Option<&str>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE bulk_operations SET state = $2, finished_at = $3, stop_cause = $4 WHERE id = $1",
    )
    .bind(due.id)
    .bind(state.name())
    .bind(now)
    .bind(cause)
    .execute(&mut *tx)
    .await?;
    let level = if state == BulkState::Done { LogLevel::Info } else { LogLevel::Error };
    let message = format!("Bulk operation {} is {}", due.id, cause.unwrap_or("done"));
    let facts = json!({ "operation": due.id, "state": state, "requestedBy": due.created_by });
    logs::write(tx, now, NewLog::new("dlq_bulk", level, message).with(facts)).await
}
