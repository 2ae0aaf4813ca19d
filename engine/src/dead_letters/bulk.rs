//! Acts on many letters at once, as an operator commands them: preview, start, watch, abort. What
//! carries them out is [`runner`](super::runner).

use std::collections::HashMap;

use chrono::Duration;
use serde_json::json;
use signalbox_model::actor::Permission;
use signalbox_model::bulk_operation::{
    BulkAction, BulkOperation, BulkPreview, BulkRequest, BulkState, CanaryStep,
};
use signalbox_model::dead_letter::{DeadLetterFilter, DeadLetterStatus};
use signalbox_model::format::plural;
use signalbox_model::kill_switch::reason;
use signalbox_model::page::{Page, page_rows};
use signalbox_model::problem::FieldError;
use signalbox_model::system_log::LogLevel;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

use super::filter::{bind_filter, filter_sql};
use crate::audit::{self, Act};
use crate::logs::{self, NewLog};
use crate::settings::Settings;
use crate::{CommandError, Ctx};

/// How many letters `request` would touch. Its reason is not asked for yet.
///
/// # Errors
/// Without [`Permission::ReadConsole`]; for a request that makes no sense; when the database does
/// not answer.
pub async fn preview(ctx: &Ctx, request: &BulkRequest) -> Result<BulkPreview, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    CommandError::unless_fine(request.problems())?;
    let mut conn = ctx.db.acquire().await?;
    let settings = Settings::read(&mut *conn, ctx.now()).await?;
    let (count, up_to) = matching(&mut conn, &request.filter, request.up_to).await?;
    Ok(BulkPreview {
        count,
        up_to,
        rate_per_second: request
            .rate_per_second
            .unwrap_or_else(|| settings.get("dlq_bulk_per_second")),
        undo_seconds: settings.get("dlq_undo_seconds"),
    })
}

/// Starts an operation. It touches nothing until its undo window has ended.
///
/// # Errors
/// Without [`Permission::WorkDeadLetters`]; without a reason, or for a request that makes no sense;
/// when no letter matches, or the same operation is under way; when the database does not answer.
pub async fn start(ctx: &Ctx, request: &BulkRequest) -> Result<BulkOperation, CommandError> {
    ctx.demand(Permission::WorkDeadLetters)?;
    let why = reason(&request.reason);
    let mut problems = request.problems();
    problems.extend(why.err().map(|detail| FieldError::new("reason", detail)));
    CommandError::unless_fine(problems)?;
    let mut tx = ctx.db.begin().await?;
    let settings = Settings::read(&mut *tx, ctx.now()).await?;
    let (count, up_to) = matching(&mut tx, &request.filter, request.up_to).await?;
    let Some(up_to) = up_to else {
        return Err(CommandError::Conflict(
            "No pending dead letter matches: there is nothing to do.".to_owned(),
        ));
    };
    let Some(id) = insert(&mut tx, ctx, request, (count, up_to), &settings).await? else {
        return Err(CommandError::Conflict("The same operation is under way already.".to_owned()));
    };
    let subject = format!("bulk operation {id}");
    let details = json!({
        "action": request.action, "filter": request.filter, "letters": count, "upTo": up_to,
    });
    let message = format!(
        "Bulk operation {id} asked for by {}: {} {} {}",
        ctx.actor.email,
        request.action.verb().to_lowercase(),
        plural(count, "dead letter", "dead letters"),
        request.filter.describe(),
    );
    let log = NewLog::new("dlq_bulk", LogLevel::Info, message).with(details.clone());
    logs::write(&mut *tx, ctx.now(), log).await?;
    let why = Some(request.reason.trim());
    let act = Act { action: "dead_letter.bulk", subject: &subject, reason: why, details };
    audit::record(&mut tx, ctx, act).await?;
    tx.commit().await?;
    read(ctx, id).await
}

/// Stops an operation: in its undo window all of it, later what is left of it.
///
/// # Errors
/// Without [`Permission::WorkDeadLetters`]; when there is no such operation, or it has ended; when
/// the database does not answer.
pub async fn abort(ctx: &Ctx, id: i64) -> Result<BulkOperation, CommandError> {
    ctx.demand(Permission::WorkDeadLetters)?;
    let mut tx = ctx.db.begin().await?;
    let before: Option<(String, i64, i64)> = sqlx::query_as(
        "SELECT state, done + failed, previewed FROM bulk_operations WHERE id = $1 FOR UPDATE",
    )
    .bind(id)
    .fetch_optional(&mut *tx)
    .await?;
    let (state, handled, previewed) =
        before.ok_or_else(|| CommandError::not_found("bulk operation", id))?;
    let was = BulkState::from_name(&state).unwrap_or(BulkState::Failed);
    let cause = match was {
        BulkState::Pending => format!("undone by {} before it began", ctx.actor.email),
        BulkState::Running => {
            format!("aborted by {} after {handled} of {previewed} letters", ctx.actor.email)
        }
        _ => {
            return Err(CommandError::Conflict(format!(
                "Bulk operation {id} has ended already: {state}."
            )));
        }
    };
    sqlx::query(
        "UPDATE bulk_operations SET state = 'aborted', finished_at = $2, stop_cause = $3
         WHERE id = $1",
    )
    .bind(id)
    .bind(ctx.now())
    .bind(&cause)
    .execute(&mut *tx)
    .await?;
    let details = json!({ "state": was, "handled": handled, "of": previewed });
    let log = NewLog::new("dlq_bulk", LogLevel::Warn, format!("Bulk operation {id} {cause}"))
        .with(details.clone());
    logs::write(&mut *tx, ctx.now(), log).await?;
    let subject = format!("bulk operation {id}");
    let act = Act { action: "dead_letter.bulk_abort", subject: &subject, reason: None, details };
    audit::record(&mut tx, ctx, act).await?;
    tx.commit().await?;
    read(ctx, id).await
}

/// One operation.
///
/// # Errors
/// Without [`Permission::ReadConsole`]; when there is no such operation; when the database does not
/// answer.
pub async fn read(ctx: &Ctx, id: i64) -> Result<BulkOperation, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let operation = sqlx::query("SELECT * FROM bulk_operations WHERE id = $1")
        .bind(id)
        .try_map(operation)
        .fetch_optional(&ctx.db)
        .await?;
    let mut operation = operation.ok_or_else(|| CommandError::not_found("bulk operation", id))?;
    operation.steps = steps(&ctx.db, &[id]).await?.remove(&id).unwrap_or_default();
    Ok(operation)
}

/// The operations, the newest first.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn list(
    ctx: &Ctx,
    cursor: Option<i64>,
    limit: Option<i64>,
) -> Result<Page<BulkOperation>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let limit = page_rows(limit);
    let rows = sqlx::query(
        "SELECT * FROM bulk_operations WHERE $1::bigint IS NULL OR id < $1
         ORDER BY id DESC LIMIT $2",
    )
    .bind(cursor)
    .bind(limit + 1)
    .try_map(operation)
    .fetch_all(&ctx.db)
    .await?;
    let mut page = Page::from_rows(rows, limit, |operation| operation.id);
    let ids: Vec<_> = page.items.iter().map(|operation| operation.id).collect();
    let mut steps = steps(&ctx.db, &ids).await?;
    for operation in &mut page.items {
        operation.steps = steps.remove(&operation.id).unwrap_or_default();
    }
    Ok(page)
}

/// How many pending letters match, and the newest of them.
async fn matching(
    conn: &mut PgConnection,
    filter: &DeadLetterFilter,
    up_to: Option<i64>,
) -> Result<(i64, Option<i64>), sqlx::Error> {
    let pending = pending(filter);
    let count = sqlx::query_as(concat!(
        "SELECT count(*), max(id) FROM dead_letter_queue WHERE ",
        filter_sql!(),
        " AND ($7::bigint IS NULL OR id <= $7)"
    ));
    bind_filter!(count, pending).bind(up_to).fetch_one(conn).await
}

/// `filter`, for those of its letters that can be acted on.
pub(super) fn pending(filter: &DeadLetterFilter) -> DeadLetterFilter {
    DeadLetterFilter { status: Some(DeadLetterStatus::Pending), ..filter.clone() }
}

/// The new operation's number; none while the same one is under way.
async fn insert(
    tx: &mut PgConnection,
    ctx: &Ctx,
    request: &BulkRequest,
    (count, up_to): (i64, i64),
    settings: &Settings,
) -> Result<Option<i64>, sqlx::Error> {
    let rate = request.rate_per_second.unwrap_or_else(|| settings.get("dlq_bulk_per_second"));
    let canary = request.action == BulkAction::RedriveCanary;
    let of_canary = |key: &str| canary.then(|| settings.get(key));
    sqlx::query_scalar(
        "INSERT INTO bulk_operations (action, filter, up_to, previewed, rate_per_s, state, reason,
             created_by, created_at, starts_at, step, step_letters, stop_percent)
         VALUES ($1, $2, $3, $4, $5::bigint::integer, 'pending', $6, $7, $8, $9, $10, $11,
             $12::bigint::smallint)
         ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(request.action.name())
    .bind(sqlx::types::Json(&request.filter))
    .bind(up_to)
    .bind(count)
    .bind(rate)
    .bind(request.reason.trim())
    .bind(&ctx.actor.email)
    .bind(ctx.now())
    .bind(ctx.now() + Duration::seconds(settings.get("dlq_undo_seconds")))
    .bind(canary.then_some(1_i32))
    .bind(of_canary("dlq_canary_letters"))
    .bind(of_canary("dlq_canary_stop_percent"))
    .fetch_optional(tx)
    .await
}

/// The canary steps of these operations.
async fn steps(db: &PgPool, ids: &[i64]) -> Result<HashMap<i64, Vec<CanaryStep>>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT operation_id, step, count(*) FILTER (WHERE outcome = 'completed') AS completed,
                count(*) FILTER (WHERE outcome = 'failed') AS failed,
                count(*) FILTER (WHERE outcome = 'cancelled') AS cancelled,
                count(*) FILTER (WHERE outcome IS NULL) AS out
         FROM canary_trials WHERE operation_id = ANY($1)
         GROUP BY operation_id, step ORDER BY operation_id, step",
    )
    .bind(ids)
    .fetch_all(db)
    .await?;
    let mut steps: HashMap<i64, Vec<CanaryStep>> = HashMap::new();
    for row in rows {
        steps.entry(row.try_get("operation_id")?).or_default().push(CanaryStep {
            step: row.try_get("step")?,
            completed: row.try_get("completed")?,
            failed: row.try_get("failed")?,
            cancelled: row.try_get("cancelled")?,
            out: row.try_get("out")?,
        });
    }
    Ok(steps)
}

fn operation(row: PgRow) -> Result<BulkOperation, sqlx::Error> {
    let unknown = |what: &str| sqlx::Error::Decode(format!("unknown {what}").into());
    let filter: sqlx::types::Json<DeadLetterFilter> = row.try_get("filter")?;
    Ok(BulkOperation {
        id: row.try_get("id")?,
        action: BulkAction::from_name(row.try_get("action")?).ok_or_else(|| unknown("action"))?,
        filter: filter.0,
        previewed: row.try_get("previewed")?,
        rate_per_second: i64::from(row.try_get::<i32, _>("rate_per_s")?),
        state: BulkState::from_name(row.try_get("state")?).ok_or_else(|| unknown("state"))?,
        reason: row.try_get("reason")?,
        created_by: row.try_get("created_by")?,
        created_at: row.try_get("created_at")?,
        starts_at: row.try_get("starts_at")?,
        finished_at: row.try_get("finished_at")?,
        done: row.try_get("done")?,
        failed: row.try_get("failed")?,
        stop_cause: row.try_get("stop_cause")?,
        steps: Vec::new(),
        stop_percent: row.try_get("stop_percent")?,
    })
}
