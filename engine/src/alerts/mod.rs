//! Alerts (OP-13, AV-5): the leader looks at every rule's measure every few seconds (`watch.rs`),
//! notes what has crossed its threshold for long enough, and has people told by messages
//! (`courier.rs`) that no kill switch holds up.

mod back_test;
mod commands;
pub mod courier;
mod gaps;
mod kept;
mod measure;
mod watch;

use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::alert::{
    Alert, AlertCounts, Message, MessageState, RULES, Rule, RuleSpec, Silence, Urgency, condition,
    rule_named,
};
use signalbox_model::page::{Page, page_rows};
use signalbox_model::runbook::Incident;
use sqlx::postgres::PgRow;
use sqlx::{PgExecutor, PgPool, Row};

pub use self::back_test::back_test;
pub use self::commands::{acknowledge, change_rule, reset_rule, silence, test_message, unsilence};
pub(crate) use self::gaps::{Gap, gaps};
pub use self::watch::watch;
use crate::{CommandError, Ctx};

/// As many messages are shown.
const MESSAGES: i64 = 20;

/// What fires now, the most urgent first.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn firing(ctx: &Ctx) -> Result<Vec<Alert>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let mut alerts: Vec<_> =
        sqlx::query("SELECT * FROM alerts WHERE resolved_at IS NULL AND fired_at IS NOT NULL")
            .try_map(alert)
            .fetch_all(&ctx.db)
            .await?
            .into_iter()
            .flatten()
            .collect();
    let place = |alert: &Alert| RULES.iter().position(|rule| rule.name == alert.rule);
    alerts.sort_by_key(|alert| (place(alert), alert.fired_at, alert.id));
    Ok(alerts)
}

/// What fires now of one incident's rules.
///
/// # Errors
/// As [`firing`].
pub async fn of_incident(ctx: &Ctx, incident: Incident) -> Result<Vec<Alert>, CommandError> {
    let mut alerts = firing(ctx).await?;
    alerts.retain(|alert| alert.incident == incident);
    Ok(alerts)
}

/// How much fires now.
///
/// # Errors
/// As [`firing`].
pub async fn counts(ctx: &Ctx) -> Result<AlertCounts, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let critical = RULES.iter().filter(|rule| rule.urgency == Urgency::Critical);
    let (firing, critical) = sqlx::query_as(
        "SELECT count(*), count(*) FILTER (WHERE rule = ANY($1) AND acknowledged_by IS NULL)
         FROM alerts WHERE resolved_at IS NULL AND fired_at IS NOT NULL",
    )
    .bind(critical.map(|rule| rule.name).collect::<Vec<_>>())
    .fetch_one(&ctx.db)
    .await?;
    Ok(AlertCounts { firing, critical })
}

/// What has fired, of one rule or of all, the newest first.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn history(
    ctx: &Ctx,
    rule: Option<&str>,
    cursor: Option<i64>,
    limit: Option<i64>,
) -> Result<Page<Alert>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let limit = page_rows(limit);
    // Those of rules that this version does not know would make a page shorter than it is.
    let wanted: Vec<_> = RULES
        .iter()
        .map(|spec| spec.name)
        .filter(|name| rule.is_none_or(|rule| rule == *name))
        .collect();
    let rows = sqlx::query(
        "SELECT * FROM alerts
         WHERE fired_at IS NOT NULL AND rule = ANY($1) AND ($2::bigint IS NULL OR id < $2)
         ORDER BY id DESC LIMIT $3",
    )
    .bind(wanted)
    .bind(cursor)
    .bind(limit + 1)
    .try_map(alert)
    .fetch_all(&ctx.db)
    .await?;
    Ok(Page::from_rows(rows.into_iter().flatten().collect(), limit, |alert| alert.id))
}

/// Every rule as it stands.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn rules(ctx: &Ctx) -> Result<Vec<Rule>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    Ok(rules_at(&ctx.db, ctx.now()).await?)
}

/// One rule as it stands.
///
/// # Errors
/// As [`rules`]; when there is no such rule.
pub async fn rule(ctx: &Ctx, name: &str) -> Result<Rule, CommandError> {
    let rules = rules(ctx).await?;
    rules.into_iter().find(|rule| rule.name == name).ok_or_else(|| unknown(name))
}

/// The last messages, the newest first.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn messages(ctx: &Ctx) -> Result<Vec<Message>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let messages = sqlx::query("SELECT * FROM alert_messages ORDER BY id DESC LIMIT $1")
        .bind(MESSAGES)
        .try_map(message)
        .fetch_all(&ctx.db)
        .await?;
    Ok(messages)
}

/// Forgets the alerts that were over, and the messages that were written, before `oldest`.
pub(crate) async fn forget_before(db: &PgPool, oldest: Timestamp) -> Result<u64, sqlx::Error> {
    let alerts = sqlx::query("DELETE FROM alerts WHERE resolved_at < $1").bind(oldest);
    let messages = sqlx::query("DELETE FROM alert_messages WHERE at < $1").bind(oldest);
    let forgotten = alerts.execute(db).await?.rows_affected();
    Ok(forgotten + messages.execute(db).await?.rows_affected())
}

/// Every rule as it stands at `now`, in the catalogue's order.
async fn rules_at(db: impl PgExecutor<'_>, now: Timestamp) -> Result<Vec<Rule>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT name, r.threshold, r.for_minutes, r.enabled, r.updated_by, r.updated_at,
                s.until, s.reason, s.by,
                (SELECT count(*) FROM alerts a WHERE a.rule = name
                   AND a.resolved_at IS NULL AND a.fired_at IS NOT NULL) AS firing
         FROM unnest($1::text[]) AS name
              LEFT JOIN alert_rules r USING (name)
              LEFT JOIN alert_silences s ON s.rule = name AND s.until > $2",
    )
    .bind(RULES.map(|rule| rule.name).as_slice())
    .bind(now)
    .fetch_all(db)
    .await?;
    let stored = |name: &str| {
        rows.iter().find(|row| row.try_get("name").is_ok_and(|found: &str| found == name))
    };
    RULES
        .iter()
        .map(|spec| {
            stored(spec.name).map_or_else(|| Ok(Rule::unchanged(spec)), |row| as_stored(spec, row))
        })
        .collect()
}

fn as_stored(spec: &RuleSpec, row: &PgRow) -> Result<Rule, sqlx::Error> {
    let enabled: Option<bool> = row.try_get("enabled")?;
    let threshold =
        row.try_get::<Option<i64>, _>("threshold")?.filter(|_| spec.threshold.is_some());
    let threshold = threshold.or(spec.threshold.map(|threshold| threshold.default));
    let for_minutes: Option<i32> = row.try_get("for_minutes")?;
    let for_minutes = for_minutes.map_or(spec.for_minutes, i64::from);
    let silence = match row.try_get("until")? {
        Some(until) => {
            Some(Silence { until, by: row.try_get("by")?, reason: row.try_get("reason")? })
        }
        None => None,
    };
    Ok(Rule {
        threshold,
        condition: condition(spec, threshold, for_minutes),
        for_minutes,
        enabled: enabled.unwrap_or(true),
        changed: enabled.is_some(),
        silence,
        firing: row.try_get("firing")?,
        updated_by: row.try_get("updated_by")?,
        updated_at: row.try_get("updated_at")?,
        ..Rule::unchanged(spec)
    })
}

/// An alert; nothing where its rule is not known to this version.
fn alert(row: PgRow) -> Result<Option<Alert>, sqlx::Error> {
    let Some(spec) = rule_named(row.try_get("rule")?) else { return Ok(None) };
    Ok(Some(Alert {
        id: row.try_get("id")?,
        rule: spec.name.to_owned(),
        title: spec.title.to_owned(),
        urgency: spec.urgency,
        incident: spec.incident,
        subject: row.try_get("subject")?,
        detail: row.try_get("detail")?,
        since: row.try_get("since")?,
        fired_at: row.try_get("fired_at")?,
        resolved_at: row.try_get("resolved_at")?,
        repeats: row.try_get::<i32, _>("repeats")?.into(),
        acknowledged_by: row.try_get("acknowledged_by")?,
        acknowledged_at: row.try_get("acknowledged_at")?,
    }))
}

fn message(row: PgRow) -> Result<Message, sqlx::Error> {
    Ok(Message {
        id: row.try_get("id")?,
        at: row.try_get("at")?,
        channel: row.try_get("channel")?,
        text: row.try_get("text")?,
        state: MessageState::from_name(row.try_get("state")?).unwrap_or(MessageState::Failed),
        attempts: row.try_get::<i32, _>("attempts")?.into(),
        error: row.try_get("error")?,
        sent_at: row.try_get("sent_at")?,
    })
}

fn unknown(name: &str) -> CommandError {
    CommandError::NotFound { what: format!("alert rule {name}") }
}
