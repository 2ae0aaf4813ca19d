//! Every move of every breaker.

use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::breaker::{BreakerCause, BreakerState, BreakerTransition};
use signalbox_model::format::shorten;
use signalbox_model::page::{Page, page_rows};
use signalbox_model::system_log::LogLevel;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

use crate::breaker::step::Circuit;
use crate::logs::{self, NewLog};
use crate::{CommandError, Ctx};

/// The moves of `provider`'s breaker, the newest first.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn list(
    ctx: &Ctx,
    provider: &str,
    cursor: Option<i64>,
    limit: Option<i64>,
) -> Result<Page<BreakerTransition>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let limit = page_rows(limit);
    let rows = sqlx::query(
        "SELECT * FROM breaker_transitions
         WHERE provider = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
    )
    .bind(provider)
    .bind(cursor)
    .bind(limit + 1)
    .try_map(transition)
    .fetch_all(&ctx.db)
    .await?;
    Ok(Page::from_rows(rows, limit, |transition| transition.id))
}

/// A move, with who and what made it.
pub(super) struct Move<'a> {
    pub provider: &'a str,
    pub before: Circuit,
    pub after: Circuit,
    pub cause: BreakerCause,
    pub actor: Option<&'a str>,
    pub detail: Option<&'a str>,
}

/// Keeps a move, and logs it.
pub(super) async fn record(
    tx: &mut PgConnection,
    made: Move<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO breaker_transitions (provider, at, from_state, to_state, cause, actor, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(made.provider)
    .bind(now)
    .bind(made.before.state.name())
    .bind(made.after.state.name())
    .bind(made.cause.name())
    .bind(made.actor)
    .bind(made.detail.map(|text| shorten(text, 500)))
    .execute(&mut *tx)
    .await?;
    let (event, level, message) = described(&made);
    let facts = json!({
        "provider": made.provider, "from": made.before.state, "to": made.after.state,
        "cause": made.cause, "failures": made.after.failures, "retryAt": made.after.retry_at,
        "error": made.detail, "requestedBy": made.actor,
    });
    logs::write(tx, now, NewLog::new(event, level, message).with(facts)).await
}

/// A move as it stands in the log: event, level, message.
fn described(made: &Move<'_>) -> (&'static str, LogLevel, String) {
    let provider = made.provider;
    let (by, why) = (made.actor.unwrap_or_default(), made.detail.unwrap_or_default());
    match (made.cause, made.after.state) {
        (BreakerCause::ForcedOpen, _) => (
            "circuit_breaker_forced_open",
            LogLevel::Warn,
            format!("Breaker of {provider} forced open by {by}: {why}"),
        ),
        (BreakerCause::ForcedClosed, _) => (
            "circuit_breaker_forced_closed",
            LogLevel::Warn,
            format!("Breaker of {provider} forced closed by {by}: {why}"),
        ),
        (BreakerCause::Reset, _) => (
            "circuit_breaker_reset",
            LogLevel::Info,
            format!("Breaker of {provider} reset by {by}: {why}"),
        ),
        (cause, BreakerState::Open) => {
            let failures = made.after.failures;
            let why = match cause {
                BreakerCause::FailureRate => "too many of the last calls failed".to_owned(),
                BreakerCause::SlowCalls => "too many of the last calls were slow".to_owned(),
                _ => format!("{failures} failures in a row"),
            };
            (
                "circuit_breaker_open",
                LogLevel::Error,
                format!("Breaker of {provider} opened after {why}"),
            )
        }
        (_, BreakerState::HalfOpen) => (
            "circuit_breaker_half_open",
            LogLevel::Warn,
            format!("Breaker of {provider} lets trial calls out"),
        ),
        (BreakerCause::ForceEnded, BreakerState::Closed) => (
            "circuit_breaker_closed",
            LogLevel::Info,
            format!("Breaker of {provider} is no longer held closed"),
        ),
        (_, BreakerState::Closed) => (
            "circuit_breaker_closed",
            LogLevel::Info,
            format!("Breaker of {provider} closed: the provider answers again"),
        ),
    }
}

/// Forgets moves made before `oldest`. Returns how many.
pub(crate) async fn forget_before(db: &PgPool, oldest: Timestamp) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query("DELETE FROM breaker_transitions WHERE at < $1")
        .bind(oldest)
        .execute(db)
        .await?;
    Ok(forgotten.rows_affected())
}

fn transition(row: PgRow) -> Result<BreakerTransition, sqlx::Error> {
    let unknown = |what: &str| sqlx::Error::Decode(format!("unknown {what} of a breaker").into());
    let state = |column: &str| -> Result<BreakerState, sqlx::Error> {
        let name: String = row.try_get(column)?;
        BreakerState::from_name(&name).ok_or_else(|| unknown("state"))
    };
    let cause: String = row.try_get("cause")?;
    Ok(BreakerTransition {
        id: row.try_get("id")?,
        provider: row.try_get("provider")?,
        at: row.try_get("at")?,
        from: state("from_state")?,
        to: state("to_state")?,
        cause: BreakerCause::from_name(&cause).ok_or_else(|| unknown("cause"))?,
        actor: row.try_get("actor")?,
        detail: row.try_get("detail")?,
    })
}
