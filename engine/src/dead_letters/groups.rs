//! Dead letters by what went wrong: one group per fingerprint.

use chrono::Duration;
use serde_json::json;
use signalbox_model::actor::Permission;
use signalbox_model::dead_letter::{
    DeadLetterGroup, DeadLetterGroups, GroupMark, Mark, TREND_DAYS, TREND_HOURS,
};
use signalbox_model::error_class::ErrorClass;
use signalbox_model::format::shorten;
use signalbox_model::kill_switch::reason;
use signalbox_model::page::page_rows;
use signalbox_model::system_log::LogLevel;
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::audit::{self, Act};
use crate::logs::{self, NewLog};
use crate::{CommandError, Ctx, notify};

/// The largest groups, those that somebody has decided about last. Costs as much as there are
/// letters, which `dlq_max_letters` bounds; counted from the index alone.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn groups(ctx: &Ctx, limit: Option<i64>) -> Result<DeadLetterGroups, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let now = ctx.now();
    let hours = i64::try_from(TREND_HOURS).unwrap_or(i64::MAX);
    let days = i64::try_from(TREND_DAYS).unwrap_or(i64::MAX);
    let rows = sqlx::query(
        "WITH grouped AS (
             SELECT fingerprint, count(*) AS letters,
                    count(*) FILTER (WHERE status = 'pending') AS pending,
                    array_agg(DISTINCT kind) AS kinds,
                    min(first_failed_at) AS first_failed_at, max(last_failed_at) AS last_failed_at,
                    count(*) OVER () AS total
             FROM dead_letter_queue GROUP BY fingerprint
         ), marked AS (
             SELECT g.*, m.mark, m.reason, m.marked_by, m.marked_at,
                    m.mark IS NOT NULL AND (m.mark = 'ignored' OR last_failed_at <= m.marked_at)
                        AS decided
             FROM grouped g LEFT JOIN dead_letter_marks m USING (fingerprint)
         ), largest AS (
             SELECT * FROM marked ORDER BY decided, letters DESC, fingerprint LIMIT $1
         )
         SELECT g.*, newest.error, newest.error_class, trend.per_hour, trend.per_day
         FROM largest g
         CROSS JOIN LATERAL (
             SELECT error, error_class FROM dead_letter_queue l
             WHERE l.fingerprint = g.fingerprint ORDER BY last_failed_at DESC LIMIT 1
         ) newest
         CROSS JOIN LATERAL (
             WITH ages AS (
                 SELECT greatest(floor(extract(epoch FROM $2 - last_failed_at) / 3600), 0)::bigint
                            AS hours, count(*) AS letters
                 FROM dead_letter_queue l
                 WHERE l.fingerprint = g.fingerprint AND l.last_failed_at > $5 GROUP BY 1
             )
             SELECT ARRAY(SELECT coalesce(sum(a.letters), 0)::bigint
                          FROM generate_series(0, $3 - 1) h LEFT JOIN ages a ON a.hours = h
                          GROUP BY h ORDER BY h DESC) AS per_hour,
                    ARRAY(SELECT coalesce(sum(a.letters), 0)::bigint
                          FROM generate_series(0, $4 - 1) d LEFT JOIN ages a ON a.hours / 24 = d
                          GROUP BY d ORDER BY d DESC) AS per_day
         ) trend
         ORDER BY g.decided, g.letters DESC, g.fingerprint",
    )
    .bind(page_rows(limit))
    .bind(now)
    .bind(hours)
    .bind(days)
    .bind(now - Duration::days(days))
    .fetch_all(&ctx.db)
    .await?;
    let total = rows.first().map_or(Ok(0), |row| row.try_get("total"))?;
    let groups = rows.iter().map(group).collect::<Result<_, _>>()?;
    Ok(DeadLetterGroups { groups, total, as_of: now })
}

fn group(row: &PgRow) -> Result<DeadLetterGroup, sqlx::Error> {
    let class: String = row.try_get("error_class")?;
    Ok(DeadLetterGroup {
        fingerprint: row.try_get("fingerprint")?,
        count: row.try_get("letters")?,
        pending: row.try_get("pending")?,
        kinds: row.try_get("kinds")?,
        first_failed_at: row.try_get("first_failed_at")?,
        last_failed_at: row.try_get("last_failed_at")?,
        sample_error: row.try_get("error")?,
        error_class: ErrorClass::from_name(&class).unwrap_or(ErrorClass::Internal),
        per_hour: row.try_get("per_hour")?,
        per_day: row.try_get("per_day")?,
        mark: mark_in(row)?,
    })
}

fn mark_in(row: &PgRow) -> Result<Option<GroupMark>, sqlx::Error> {
    let name: Option<String> = row.try_get("mark")?;
    let Some(mark) = name.and_then(|name| Mark::from_name(&name)) else { return Ok(None) };
    Ok(Some(GroupMark {
        mark,
        reason: row.try_get("reason")?,
        by: row.try_get("marked_by")?,
        at: row.try_get("marked_at")?,
    }))
}

/// What was decided about the error that the letters of `fingerprint` have in common.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn marked(ctx: &Ctx, fingerprint: &str) -> Result<Option<GroupMark>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let row = sqlx::query("SELECT * FROM dead_letter_marks WHERE fingerprint = $1")
        .bind(fingerprint)
        .fetch_optional(&ctx.db)
        .await?;
    Ok(row.as_ref().map(mark_in).transpose()?.flatten())
}

/// Decides about the error that the letters of `fingerprint` have in common: that it is resolved,
/// that it is to be ignored, or (without a mark) neither.
///
/// # Errors
/// Without [`Permission::WorkDeadLetters`]; without a reason; when no letter has this fingerprint;
/// when the database does not answer.
pub async fn mark(
    ctx: &Ctx,
    fingerprint: &str,
    mark: Option<Mark>,
    why: &str,
) -> Result<(), CommandError> {
    ctx.demand(Permission::WorkDeadLetters)?;
    let why = reason(why).map_err(|detail| CommandError::invalid("reason", detail))?;
    let mut tx = ctx.db.begin().await?;
    let known: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM dead_letter_queue WHERE fingerprint = $1)
             OR EXISTS (SELECT FROM dead_letter_marks WHERE fingerprint = $1)",
    )
    .bind(fingerprint)
    .fetch_one(&mut *tx)
    .await?;
    if !known {
        let what = format!("group of dead letters “{}”", shorten(fingerprint, 100));
        return Err(CommandError::NotFound { what });
    }
    let verb = match mark {
        Some(mark) => {
            sqlx::query(
                "INSERT INTO dead_letter_marks (fingerprint, mark, reason, marked_by, marked_at)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (fingerprint) DO UPDATE SET mark = excluded.mark,
                     reason = excluded.reason, marked_by = excluded.marked_by,
                     marked_at = excluded.marked_at",
            )
            .bind(fingerprint)
            .bind(mark.name())
            .bind(why)
            .bind(&ctx.actor.email)
            .bind(ctx.now())
            .execute(&mut *tx)
            .await?;
            mark.name()
        }
        None => {
            sqlx::query("DELETE FROM dead_letter_marks WHERE fingerprint = $1")
                .bind(fingerprint)
                .execute(&mut *tx)
                .await?;
            "open again"
        }
    };
    let error = shorten(fingerprint, 100);
    let message = format!("Error “{error}” said to be {verb} by {}: {why}", ctx.actor.email);
    let facts = json!({ "fingerprint": fingerprint, "mark": mark, "reason": why });
    let log = NewLog::new("dlq_group", LogLevel::Info, message).with(facts);
    logs::write(&mut *tx, ctx.now(), log).await?;
    let details = json!({ "mark": mark });
    let act = Act { action: "dead_letter.mark", subject: fingerprint, reason: Some(why), details };
    audit::record(&mut tx, ctx, act).await?;
    notify::notify(&mut *tx, notify::CONTROLS).await?;
    tx.commit().await?;
    Ok(())
}
