//! What operators do with alerts and their rules.

use serde_json::{Value, json};
use signalbox_model::actor::Permission;
use signalbox_model::alert::{
    Message, Rule, RuleChange, RuleSpec, SILENCE_MINUTES_BOUND, rule_named,
};
use signalbox_model::kill_switch::reason;
use signalbox_model::problem::FieldError;
use signalbox_model::system_log::LogLevel;
use sqlx::{PgConnection, Postgres, Transaction};

use super::courier::{self, Outside};
use super::{alert, unknown};
use crate::audit::{self, Act};
use crate::logs::{self, NewLog};
use crate::{CommandError, Ctx, notify};

/// Says that the actor takes care of an alert.
///
/// # Errors
/// Without [`Permission::OperateAlerts`]; when there is no such alert; when it is over, or somebody
/// takes care of it already; when the database does not answer.
pub async fn acknowledge(ctx: &Ctx, id: i64) -> Result<(), CommandError> {
    ctx.demand(Permission::OperateAlerts)?;
    let mut tx = ctx.db.begin().await?;
    let found =
        sqlx::query("SELECT * FROM alerts WHERE id = $1 AND fired_at IS NOT NULL FOR UPDATE")
            .bind(id)
            .try_map(alert)
            .fetch_optional(&mut *tx)
            .await?
            .flatten()
            .ok_or_else(|| CommandError::not_found("alert", id))?;
    if found.resolved_at.is_some() {
        return Err(CommandError::Conflict(format!("Alert {id} is over.")));
    }
    if let Some(by) = found.acknowledged_by {
        return Err(CommandError::Conflict(format!("{by} takes care of alert {id} already.")));
    }
    sqlx::query("UPDATE alerts SET acknowledged_by = $2, acknowledged_at = $3 WHERE id = $1")
        .bind(id)
        .bind(&ctx.actor.email)
        .bind(ctx.now())
        .execute(&mut *tx)
        .await?;
    let said = format!("{} takes care of: {}, {}", ctx.actor.email, found.title, found.subject);
    let facts = json!({ "alert": found.rule, "subject": found.subject });
    record(tx, ctx, ("alert.acknowledge", &found.rule), None, said, facts).await
}

/// Changes a rule.
///
/// # Errors
/// Without [`Permission::OperateAlerts`]; when there is no such rule; for a value out of bounds;
/// when the database does not answer.
pub async fn change_rule(ctx: &Ctx, name: &str, change: RuleChange) -> Result<Rule, CommandError> {
    ctx.demand(Permission::OperateAlerts)?;
    let spec = known(name)?;
    CommandError::unless_fine(change.problems(spec))?;
    let for_minutes = change.for_minutes.and_then(|minutes| i32::try_from(minutes).ok());
    let mut tx = ctx.db.begin().await?;
    sqlx::query(
        "INSERT INTO alert_rules AS r (name, threshold, for_minutes, enabled, updated_by, updated_at)
         VALUES ($1, $2, $3, coalesce($4, true), $5, $6)
         ON CONFLICT (name) DO UPDATE SET threshold = coalesce($2, r.threshold),
             for_minutes = coalesce($3, r.for_minutes), enabled = coalesce($4, r.enabled),
             updated_by = excluded.updated_by, updated_at = excluded.updated_at",
    )
    .bind(name)
    .bind(change.threshold)
    .bind(for_minutes)
    .bind(change.enabled)
    .bind(&ctx.actor.email)
    .bind(ctx.now())
    .execute(&mut *tx)
    .await?;
    let (by, facts) = (&ctx.actor.email, json!({ "alert": name, "change": change }));
    let said = format!("Alert rule {name} was changed by {by}");
    record(tx, ctx, ("alert_rule.change", name), None, said, facts).await?;
    super::rule(ctx, name).await
}

/// Makes a rule what the catalogue says.
///
/// # Errors
/// As [`change_rule`]; when it is that already.
pub async fn reset_rule(ctx: &Ctx, name: &str) -> Result<Rule, CommandError> {
    ctx.demand(Permission::OperateAlerts)?;
    known(name)?;
    let mut tx = ctx.db.begin().await?;
    let reset = sqlx::query("DELETE FROM alert_rules WHERE name = $1");
    if reset.bind(name).execute(&mut *tx).await?.rows_affected() == 0 {
        return Err(CommandError::Conflict(format!("Nobody has changed the rule {name}.")));
    }
    let said = format!("Alert rule {name} was reset by {}", ctx.actor.email);
    record(tx, ctx, ("alert_rule.reset", name), None, said, json!({ "alert": name })).await?;
    super::rule(ctx, name).await
}

/// Tells nobody of a rule's alerts for `minutes`; the console shows them all the same.
///
/// # Errors
/// Without [`Permission::OperateAlerts`]; when there is no such rule; without a reason, or for a
/// time that is not 1 to [`SILENCE_MINUTES_BOUND`]; when the database does not answer.
pub async fn silence(ctx: &Ctx, name: &str, minutes: i64, why: &str) -> Result<Rule, CommandError> {
    ctx.demand(Permission::OperateAlerts)?;
    known(name)?;
    let mut problems = Vec::new();
    if !(1..=SILENCE_MINUTES_BOUND).contains(&minutes) {
        let detail = format!("must be 1 to {SILENCE_MINUTES_BOUND}");
        problems.push(FieldError::new("minutes", detail));
    }
    problems.extend(reason(why).err().map(|detail| FieldError::new("reason", detail)));
    CommandError::unless_fine(problems)?;
    let (why, by) = (why.trim(), &ctx.actor.email);
    let until = ctx.now() + chrono::Duration::minutes(minutes);
    let mut tx = ctx.db.begin().await?;
    sqlx::query(
        "INSERT INTO alert_silences (rule, until, reason, by) VALUES ($1, $2, $3, $4)
         ON CONFLICT (rule) DO UPDATE
             SET until = excluded.until, reason = excluded.reason, by = excluded.by",
    )
    .bind(name)
    .bind(until)
    .bind(why)
    .bind(by)
    .execute(&mut *tx)
    .await?;
    let said = format!("Alert rule {name} was silenced by {by} for {minutes} min: {why}");
    let facts = json!({ "alert": name, "until": until });
    record(tx, ctx, ("alert_rule.silence", name), Some(why), said, facts).await?;
    super::rule(ctx, name).await
}

/// Ends a silence.
///
/// # Errors
/// Without [`Permission::OperateAlerts`]; when there is no such rule, or it is not silenced; when
/// the database does not answer.
pub async fn unsilence(ctx: &Ctx, name: &str) -> Result<Rule, CommandError> {
    ctx.demand(Permission::OperateAlerts)?;
    known(name)?;
    let mut tx = ctx.db.begin().await?;
    let ended = sqlx::query("DELETE FROM alert_silences WHERE rule = $1 AND until > $2")
        .bind(name)
        .bind(ctx.now())
        .execute(&mut *tx)
        .await?;
    if ended.rows_affected() == 0 {
        return Err(CommandError::Conflict(format!("The rule {name} is not silenced.")));
    }
    let said = format!("The silence of alert rule {name} was ended by {}", ctx.actor.email);
    record(tx, ctx, ("alert_rule.unsilence", name), None, said, json!({ "alert": name })).await?;
    super::rule(ctx, name).await
}

/// Tells everybody outside that this is a test (OP-13).
///
/// # Errors
/// Without [`Permission::OperateAlerts`], or when the database does not answer.
pub async fn test_message(ctx: &Ctx, outside: &Outside) -> Result<Vec<Message>, CommandError> {
    ctx.demand(Permission::OperateAlerts)?;
    let by = &ctx.actor.email;
    let text = format!(
        "Signalbox {}: this is a test by {by}. Nothing is wrong.\n{}",
        outside.environment,
        outside.link("/admin/alerts")
    );
    let mut tx = ctx.db.begin().await?;
    let messages = courier::write(&mut tx, outside, &text, ctx.now()).await?;
    let said = format!("A test alert was asked for by {by}");
    record(tx, ctx, ("alert.test", "test alert"), None, said, json!({})).await?;
    Ok(messages)
}

fn known(name: &str) -> Result<&'static RuleSpec, CommandError> {
    rule_named(name).ok_or_else(|| unknown(name))
}

/// Logs and audits what was done, and commits it.
async fn record(
    mut tx: Transaction<'static, Postgres>,
    ctx: &Ctx,
    (action, subject): (&str, &str),
    reason: Option<&str>,
    said: String,
    facts: Value,
) -> Result<(), CommandError> {
    let conn: &mut PgConnection = &mut tx;
    let log = NewLog::new("alert_operated", LogLevel::Info, said).with(facts.clone());
    logs::write(&mut *conn, ctx.now(), log).await?;
    audit::record(conn, ctx, Act { action, subject, reason, details: facts }).await?;
    notify::notify(conn, notify::CONTROLS).await?;
    tx.commit().await?;
    Ok(())
}
