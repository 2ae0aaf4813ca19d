//! The audit log: what operators did. Append-only, by trigger.

use serde_json::Value;
use sqlx::PgConnection;

use crate::Ctx;

/// What an operator did to what.
#[derive(Debug, Clone, PartialEq)]
pub struct Act<'a> {
    /// The command, such as `kill_switch.activate`.
    pub action: &'a str,
    /// What it was done to, such as `job 12`.
    pub subject: &'a str,
    /// The reason that was given.
    pub reason: Option<&'a str>,
    /// Further facts.
    pub details: Value,
}

/// Records `act` of the context's actor in the command's own transaction.
///
/// # Errors
/// When the database does not answer.
pub async fn record(tx: &mut PgConnection, ctx: &Ctx, act: Act<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO audit_log (actor, action, subject, reason, details, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&ctx.actor.email)
    .bind(act.action)
    .bind(act.subject)
    .bind(act.reason)
    .bind(act.details)
    .bind(ctx.now())
    .execute(tx)
    .await
    .map(drop)
}
