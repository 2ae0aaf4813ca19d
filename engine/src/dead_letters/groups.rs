//! Dead letters by what went wrong: one group per fingerprint.

use chrono::Duration;
use signalbox_model::actor::Permission;
use signalbox_model::dead_letter::{DeadLetterGroup, DeadLetterGroups, TREND_DAYS, TREND_HOURS};
use signalbox_model::error_class::ErrorClass;
use signalbox_model::page::page_rows;
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::{CommandError, Ctx};

/// The largest groups. Costs as much as there are letters, which `dlq_max_letters` bounds; counted
/// from the index alone.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn groups(ctx: &Ctx, limit: Option<i64>) -> Result<DeadLetterGroups, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let now = ctx.now();
    let hours = i64::try_from(TREND_HOURS).unwrap_or(i64::MAX);
    let days = i64::try_from(TREND_DAYS).unwrap_or(i64::MAX);
    let rows = sqlx::query(
        "WITH largest AS (
             SELECT fingerprint, count(*) AS letters,
                    count(*) FILTER (WHERE status = 'pending') AS pending,
                    array_agg(DISTINCT kind) AS kinds,
                    min(first_failed_at) AS first_failed_at, max(last_failed_at) AS last_failed_at,
                    count(*) OVER () AS total
             FROM dead_letter_queue GROUP BY fingerprint
             ORDER BY letters DESC, fingerprint LIMIT $1
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
         ORDER BY g.letters DESC, g.fingerprint",
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
    })
}
