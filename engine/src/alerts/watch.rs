//! The look at all rules: what has begun, what fires, what is over, and who is to be told.

use std::cmp::Reverse;

use chrono::Duration;
use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::alert::{Alert, FOLD_MINUTES, RULES, Urgency};
use signalbox_model::format;
use signalbox_model::system_log::LogLevel;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::courier::{self, Outside};
use super::measure::Look;
use super::{alert, rules_at};
use crate::jobs::handler::Registry;
use crate::logs::{self, NewLog};
use crate::{CommandError, Ctx, notify};

/// As many alerts are named in one message: a channel has its limit, too.
const LINES: usize = 20;

/// The conditions that were seen, as columns for one statement.
#[derive(Default)]
struct Seen {
    rules: Vec<&'static str>,
    subjects: Vec<String>,
    details: Vec<String>,
    for_minutes: Vec<i32>,
    /// The rules that could not be read: what fires of them stays as it is.
    unread: Vec<&'static str>,
}

/// Looks at every rule, and writes down what that changes and what people are to be told.
///
/// # Errors
/// When the database does not answer; nothing has changed then.
pub async fn watch(ctx: &Ctx, registry: &Registry, outside: &Outside) -> Result<(), CommandError> {
    let rules = rules_at(&ctx.db, ctx.now()).await?;
    let look = Look::new(ctx, registry, &rules);
    let mut seen = Seen::default();
    for (spec, rule) in RULES.iter().zip(&rules).filter(|(_, rule)| rule.enabled) {
        let crossed = match look.crossed(spec, rule).await {
            Ok(crossed) => crossed,
            Err(error) => {
                tracing::warn!(rule = spec.name, %error, "an alert rule could not be read");
                seen.unread.push(spec.name);
                continue;
            }
        };
        for reading in crossed {
            seen.rules.push(spec.name);
            seen.subjects.push(reading.subject);
            seen.details.push(reading.detail);
            seen.for_minutes.push(i32::try_from(rule.for_minutes).unwrap_or(i32::MAX));
        }
    }
    let now = ctx.now();
    let mut tx = ctx.db.begin().await?;
    let changed = note(&mut tx, &seen, now).await?;
    let told = tell(&mut tx, outside, now).await?;
    if changed || told {
        notify::notify(&mut *tx, notify::CONTROLS).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Brings the alerts in line with what was seen. Whether any of them began or ended.
async fn note(tx: &mut PgConnection, seen: &Seen, now: Timestamp) -> Result<bool, sqlx::Error> {
    let folded = sqlx::query(
        "UPDATE alerts SET resolved_at = NULL, repeats = repeats + 1
         WHERE id IN (
             SELECT DISTINCT ON (a.rule, a.subject) a.id FROM alerts a
             JOIN unnest($1::text[], $2::text[]) AS seen (rule, subject) USING (rule, subject)
             WHERE a.resolved_at > $3
               AND NOT EXISTS (SELECT FROM alerts open WHERE open.resolved_at IS NULL
                     AND open.rule = a.rule AND open.subject = a.subject)
             ORDER BY a.rule, a.subject, a.id DESC)",
    )
    .bind(&seen.rules)
    .bind(&seen.subjects)
    .bind(now - Duration::minutes(FOLD_MINUTES))
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO alerts AS a (rule, subject, detail, since)
         SELECT DISTINCT ON (rule, subject) rule, subject, detail, $4
         FROM unnest($1::text[], $2::text[], $3::text[]) AS seen (rule, subject, detail)
         ON CONFLICT (rule, subject) WHERE resolved_at IS NULL
         DO UPDATE SET detail = excluded.detail WHERE a.detail <> excluded.detail",
    )
    .bind(&seen.rules)
    .bind(&seen.subjects)
    .bind(&seen.details)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let fired = sqlx::query(
        "UPDATE alerts a SET fired_at = $4
         FROM unnest($1::text[], $2::text[], $3::int[]) AS seen (rule, subject, for_minutes)
         WHERE a.rule = seen.rule AND a.subject = seen.subject
           AND a.resolved_at IS NULL AND a.fired_at IS NULL
           AND a.since <= $4 - make_interval(mins => seen.for_minutes)",
    )
    .bind(&seen.rules)
    .bind(&seen.subjects)
    .bind(&seen.for_minutes)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let over = sqlx::query(
        "WITH gone AS (
             SELECT id, fired_at FROM alerts
             WHERE resolved_at IS NULL AND rule <> ALL($4::text[]) AND (rule, subject) NOT IN (
                 SELECT rule, subject FROM unnest($1::text[], $2::text[]) AS seen (rule, subject))
         ), forgotten AS (
             DELETE FROM alerts WHERE id IN (SELECT id FROM gone WHERE fired_at IS NULL)
         )
         UPDATE alerts SET resolved_at = $3
         WHERE id IN (SELECT id FROM gone WHERE fired_at IS NOT NULL)",
    )
    .bind(&seen.rules)
    .bind(&seen.subjects)
    .bind(now)
    .bind(&seen.unread)
    .execute(tx)
    .await?;
    Ok(folded.rows_affected() + fired.rows_affected() + over.rows_affected() > 0)
}

/// What is to be told of an alert, and whether anybody outside is to hear it.
struct News {
    alert: Alert,
    silent: bool,
    /// Its rule is still watched: if it is over, that is because it is.
    watched: bool,
}

/// Logs what is new, and writes one message of it all. Of each alert, at most one word in
/// [`FOLD_MINUTES`]: one that comes and goes is not told each time.
async fn tell(
    tx: &mut PgConnection,
    outside: &Outside,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let news: Vec<News> = sqlx::query(
        "SELECT a.*, coalesce(r.enabled, true) AS watched,
                s.rule IS NOT NULL OR (a.told = 'silenced' AND a.resolved_at IS NOT NULL) AS silent
         FROM alerts a LEFT JOIN alert_silences s ON s.rule = a.rule AND s.until > $1
              LEFT JOIN alert_rules r ON r.name = a.rule
         WHERE (a.resolved_at IS NULL OR a.told <> 'resolved')
           AND a.fired_at IS NOT NULL AND (a.told_at IS NULL OR a.told_at <= $2)
           AND CASE WHEN a.resolved_at IS NULL
                    THEN a.told IS DISTINCT FROM 'fired'
                         AND (a.told IS DISTINCT FROM 'silenced' OR s.rule IS NULL)
                    ELSE a.told = 'silenced' OR s.rule IS NULL END
         ORDER BY a.id",
    )
    .bind(now)
    .bind(now - Duration::minutes(FOLD_MINUTES))
    .try_map(|row: PgRow| {
        let (silent, watched) = (row.try_get("silent")?, row.try_get("watched")?);
        Ok(alert(row)?.map(|alert| News { alert, silent, watched }))
    })
    .fetch_all(&mut *tx)
    .await?
    .into_iter()
    .flatten()
    .collect();
    for News { alert, silent, .. } in &news {
        let told = match (alert.resolved_at, silent) {
            (Some(_), _) => "resolved",
            (None, true) => "silenced",
            (None, false) => "fired",
        };
        sqlx::query("UPDATE alerts SET told = $2, told_at = $3 WHERE id = $1")
            .bind(alert.id)
            .bind(told)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        logs::write(&mut *tx, now, log(alert, *silent)).await?;
    }
    let mut aloud: Vec<_> = news.iter().filter(|news| !news.silent).collect();
    aloud.sort_by_key(|news| (news.alert.resolved_at.is_some(), Reverse(news.alert.urgency)));
    if !aloud.is_empty() {
        courier::write(tx, outside, &text(&aloud, outside), now).await?;
    }
    Ok(!news.is_empty())
}

fn log(alert: &Alert, silent: bool) -> NewLog<'static> {
    let (event, level) = match (alert.resolved_at, alert.urgency) {
        (Some(_), _) => ("alert_resolved", LogLevel::Info),
        (None, Urgency::Critical) => ("alert_fired", LogLevel::Error),
        (None, Urgency::Warning) => ("alert_fired", LogLevel::Warn),
    };
    let word = if alert.resolved_at.is_some() { "Over" } else { "Alert" };
    let silenced = if silent { " (silenced)" } else { "" };
    let message = format!("{word}{silenced}: {}", alert.line());
    let facts = json!({ "alert": alert.rule, "subject": alert.subject, "silenced": silent });
    NewLog::new(event, level, message).with(facts)
}

/// What people read on their telephones: what it is, where, and where to go.
fn text(news: &[&News], outside: &Outside) -> String {
    let firing = news.iter().filter(|news| news.alert.resolved_at.is_none()).count();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let mut parts = Vec::new();
    if firing > 0 {
        parts.push(format::plural(count(firing), "alert fires", "alerts fire"));
    }
    if firing < news.len() {
        parts.push(format::plural(count(news.len() - firing), "is over", "are over"));
    }
    let mut text = format!("Signalbox {}: {}", outside.environment, parts.join(", "));
    for News { alert, watched, .. } in news.iter().take(LINES) {
        let word = match (alert.resolved_at, watched) {
            (Some(_), true) => "over",
            (Some(_), false) => "no longer watched",
            (None, _) => alert.urgency.name(),
        };
        let line = format::shorten(&alert.line(), 300);
        let link = outside.link(&format!("/admin/runbooks/{}", alert.incident.name()));
        text += &format!("\n[{word}] {line}\n{link}");
    }
    if news.len() > LINES {
        let more = format::count(count(news.len() - LINES));
        text += &format!("\nand {more} more\n{}", outside.link("/admin/alerts"));
    }
    text
}
