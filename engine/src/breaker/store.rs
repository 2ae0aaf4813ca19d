//! The breakers' rows. Every step locks its row, applies the pure [`step`], and logs a change of
//! state in the same transaction.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::breaker::{Breaker, BreakerForce, BreakerState, BreakerWindow, Forced};
use signalbox_model::format::shorten;
use signalbox_model::provider::Disabled;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};

use crate::breaker::history::{self, Move};
use crate::breaker::step::{Admission, Circuit, Event, Force, Step, cooled_down, step};
use crate::breaker::tuning;
use crate::breaker::window::Window;
use crate::settings::Settings;
use crate::{CommandError, Ctx, notify};

/// The provider whose breaker OP-1 and OP-2 speak of.
pub const MCP: &str = "mcp";

/// A success is written to the row at most this often: it is read to tell an outage from a bad
/// job, where a second does not matter, and saves a write per call.
const SUCCESS_NOTED_EVERY: chrono::Duration = chrono::Duration::seconds(1);

/// A breaker as stored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Row")]
pub struct Stored {
    /// Its state.
    pub circuit: Circuit,
    /// The provider's last good answer.
    pub last_success_at: Option<Timestamp>,
    /// The provider's last failure.
    pub last_error: Option<String>,
    /// Who holds it, if a person does.
    pub forced: Option<Forced>,
    /// Who has switched the provider off, if it is.
    pub disabled: Option<Disabled>,
}

impl Stored {
    /// One that nothing has happened to.
    const NEW: Stored = Stored {
        circuit: Circuit::CLOSED,
        last_success_at: None,
        last_error: None,
        forced: None,
        disabled: None,
    };

    /// Who holds it open at `now`, and why, if a person does.
    pub fn forced_open(&self, now: Timestamp) -> Option<(String, String)> {
        let held = cooled_down(self.circuit, now).forced?;
        let forced = self.forced.as_ref().filter(|_| held.to == BreakerForce::Open)?;
        Some((forced.by.clone(), forced.reason.clone()))
    }
}

/// Whether a call may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It may.
    Admitted,
    /// The breaker is open.
    Refused,
    /// The provider is switched off.
    Disabled,
}

/// Asks whether a call to `provider` may go out; counts it as a trial if it is one.
pub(crate) async fn admit(
    db: &PgPool,
    provider: &str,
    now: Timestamp,
) -> Result<Entry, sqlx::Error> {
    // The usual case, a closed breaker, takes no lock.
    let row: Option<(String, bool)> = sqlx::query_as(
        "SELECT state, disabled_at IS NOT NULL FROM circuit_breakers WHERE provider = $1",
    )
    .bind(provider)
    .fetch_optional(db)
    .await?;
    match row {
        Some((_, true)) => Ok(Entry::Disabled),
        Some((state, false)) if state != BreakerState::Closed.name() => {
            match apply(db, provider, Event::Call, None, now).await? {
                Admission::Admitted => Ok(Entry::Admitted),
                Admission::Refused(_) => Ok(Entry::Refused),
            }
        }
        _ => Ok(Entry::Admitted),
    }
}

/// Reports that `provider` answered after `took`.
pub(crate) async fn succeeded(
    db: &PgPool,
    provider: &str,
    took: Duration,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if tuning(&Settings::read(db, now).await?, provider).rates.are_on() {
        // Every call counts.
        return apply(db, provider, Event::Success(took), None, now).await.map(drop);
    }
    let noted: Option<bool> = sqlx::query_scalar(
        "SELECT state = 'closed' AND failures = 0 AND last_success_at > $2
         FROM circuit_breakers WHERE provider = $1",
    )
    .bind(provider)
    .bind(now - SUCCESS_NOTED_EVERY)
    .fetch_optional(db)
    .await?
    .flatten();
    if noted != Some(true) {
        apply(db, provider, Event::Success(took), None, now).await?;
    }
    Ok(())
}

/// Reports that a call failed by `provider`'s fault after `took`.
pub(crate) async fn failed(
    db: &PgPool,
    provider: &str,
    error: &str,
    took: Duration,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    apply(db, provider, Event::Failure(took), Some(error), now).await.map(drop)
}

async fn apply(
    db: &PgPool,
    provider: &str,
    event: Event,
    error: Option<&str>,
    now: Timestamp,
) -> Result<Admission, sqlx::Error> {
    let mut tx = db.begin().await?;
    let tuning = tuning(&Settings::read(&mut *tx, now).await?, provider);
    let before = lock(&mut tx, provider).await?;
    let Step { circuit: after, admission, cause } = step(before, event, tuning, now);
    let success_at = matches!(event, Event::Success(_)).then_some(now);
    if before.forced != after.forced {
        save_forced(&mut tx, provider, None).await?;
    }
    save(&mut tx, provider, after, success_at, error).await?;
    if let Some(cause) = cause {
        let made = Move { provider, before, after, cause, actor: None, detail: error };
        history::record(&mut tx, made, now).await?;
        notify::notify(&mut *tx, notify::CONTROLS).await?;
    }
    tx.commit().await?;
    Ok(admission)
}

/// Whether `provider` was ever called.
pub(super) async fn is_known(tx: &mut PgConnection, provider: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM circuit_breakers WHERE provider = $1)")
        .bind(provider)
        .fetch_one(tx)
        .await
}

pub(crate) async fn lock(tx: &mut PgConnection, provider: &str) -> Result<Circuit, sqlx::Error> {
    sqlx::query(
        "INSERT INTO circuit_breakers (provider, state, failures) VALUES ($1, 'closed', 0)
         ON CONFLICT (provider) DO NOTHING",
    )
    .bind(provider)
    .execute(&mut *tx)
    .await?;
    let Json(stored): Json<Stored> = sqlx::query_scalar(
        "SELECT to_jsonb(b) FROM circuit_breakers b WHERE provider = $1 FOR UPDATE",
    )
    .bind(provider)
    .fetch_one(tx)
    .await?;
    Ok(stored.circuit)
}

pub(super) async fn save(
    tx: &mut PgConnection,
    provider: &str,
    circuit: Circuit,
    success_at: Option<Timestamp>,
    error: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE circuit_breakers SET state = $2, failures = $3, opened_at = $4, retry_at = $5,
             trials = $6, trial_at = $7, last_success_at = coalesce($8, last_success_at),
             last_error = coalesce($9, last_error), window_calls = $10, window_failed = $11,
             window_slow = $12
         WHERE provider = $1",
    )
    .bind(provider)
    .bind(circuit.state.name())
    .bind(circuit.failures)
    .bind(circuit.opened_at)
    .bind(circuit.retry_at)
    .bind(circuit.trials)
    .bind(circuit.trial_at)
    .bind(success_at)
    .bind(error.map(|text| shorten(text, 500)))
    .bind(i16::try_from(circuit.window.calls).unwrap_or(i16::MAX))
    .bind(circuit.window.failed.cast_signed())
    .bind(circuit.window.slow.cast_signed())
    .execute(tx)
    .await
    .map(drop)
}

/// Notes who holds the breaker, or that nobody does.
pub(super) async fn save_forced(
    tx: &mut PgConnection,
    provider: &str,
    forced: Option<&Forced>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE circuit_breakers SET forced = $2, forced_until = $3, forced_by = $4,
             forced_reason = $5, forced_at = $6
         WHERE provider = $1",
    )
    .bind(provider)
    .bind(forced.map(|forced| forced.to.name()))
    .bind(forced.and_then(|forced| forced.until))
    .bind(forced.map(|forced| &forced.by))
    .bind(forced.map(|forced| &forced.reason))
    .bind(forced.map(|forced| forced.at))
    .execute(tx)
    .await
    .map(drop)
}

/// Notes who has switched the provider off, or that it is on. False when it is as it was.
pub(crate) async fn save_disabled(
    tx: &mut PgConnection,
    provider: &str,
    disabled: Option<&Disabled>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE circuit_breakers SET disabled_by = $2, disabled_reason = $3, disabled_at = $4
         WHERE provider = $1 AND (disabled_at IS NULL) <> ($4 IS NULL)",
    )
    .bind(provider)
    .bind(disabled.map(|disabled| &disabled.by))
    .bind(disabled.map(|disabled| &disabled.reason))
    .bind(disabled.map(|disabled| disabled.at))
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// All breakers, for those who may see the console. The MCP provider's is always among them.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn list(ctx: &Ctx) -> Result<Vec<Breaker>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    Ok(with_uncalled(&ctx.db, &[MCP], ctx.now()).await?)
}

/// All breakers, by provider; those of `known` are among them even if nobody has called them yet.
pub(crate) async fn with_uncalled(
    db: &PgPool,
    known: &[&str],
    now: Timestamp,
) -> Result<Vec<Breaker>, sqlx::Error> {
    let mut conn = db.acquire().await?;
    let settings = Settings::read(&mut *conn, now).await?;
    let mut stored: BTreeMap<String, Stored> =
        known.iter().map(|provider| ((*provider).to_owned(), Stored::NEW)).collect();
    let rows: Vec<(String, Json<Stored>)> =
        sqlx::query_as("SELECT provider, to_jsonb(b) FROM circuit_breakers b")
            .fetch_all(&mut *conn)
            .await?;
    stored.extend(rows.into_iter().map(|(provider, Json(stored))| (provider, stored)));
    Ok(stored
        .into_iter()
        .map(|(provider, stored)| shown(provider, stored, &settings, now))
        .collect())
}

/// `provider`'s breaker.
///
/// # Errors
/// As [`list`]; when nobody has ever called that provider.
pub async fn read(ctx: &Ctx, provider: &str) -> Result<Breaker, CommandError> {
    let found = list(ctx).await?.into_iter().find(|breaker| breaker.provider == provider);
    found.ok_or_else(|| CommandError::NotFound { what: format!("provider {provider}") })
}

/// `provider`'s breaker; a closed one, if nobody has ever called it.
///
/// # Errors
/// As [`list`].
pub(crate) async fn read_or_closed(ctx: &Ctx, provider: &str) -> Result<Breaker, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let all = with_uncalled(&ctx.db, &[provider], ctx.now()).await?;
    let found = all.into_iter().find(|breaker| breaker.provider == provider);
    found.ok_or_else(|| CommandError::NotFound { what: format!("provider {provider}") })
}

fn shown(provider: String, stored: Stored, settings: &Settings, now: Timestamp) -> Breaker {
    let settings = super::tuning::chosen(settings, &provider);
    let circuit = cooled_down(stored.circuit, now);
    let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    Breaker {
        forced: stored.forced.filter(|_| circuit.forced.is_some()),
        disabled: stored.disabled,
        window: BreakerWindow {
            calls: count(circuit.window.calls),
            failed: count(circuit.window.failures()),
            slow: count(circuit.window.slow_calls()),
        },
        settings,
        provider,
        state: circuit.state,
        failures: circuit.failures,
        threshold: i32::try_from(settings.failure_threshold).unwrap_or(i32::MAX),
        opened_at: circuit.opened_at,
        cooldown_ms: settings.cooldown_ms,
        retry_at: circuit.retry_at,
        last_success_at: stored.last_success_at,
        last_error: stored.last_error,
    }
}

/// A row as JSON, which is how the claim reads it together with all other gates.
#[derive(Deserialize)]
struct Row {
    state: BreakerState,
    failures: i32,
    opened_at: Option<Timestamp>,
    retry_at: Option<Timestamp>,
    trials: i32,
    trial_at: Option<Timestamp>,
    last_success_at: Option<Timestamp>,
    last_error: Option<String>,
    window_calls: u32,
    window_failed: i64,
    window_slow: i64,
    forced: Option<BreakerForce>,
    forced_until: Option<Timestamp>,
    forced_by: Option<String>,
    forced_reason: Option<String>,
    forced_at: Option<Timestamp>,
    disabled_by: Option<String>,
    disabled_reason: Option<String>,
    disabled_at: Option<Timestamp>,
}

impl From<Row> for Stored {
    fn from(row: Row) -> Stored {
        let forced = row.forced.map(|to| Forced {
            to,
            by: row.forced_by.unwrap_or_default(),
            reason: row.forced_reason.unwrap_or_default(),
            at: row.forced_at.unwrap_or_default(),
            until: row.forced_until,
        });
        Stored {
            circuit: Circuit {
                state: row.state,
                failures: row.failures,
                opened_at: row.opened_at,
                retry_at: row.retry_at,
                trials: row.trials,
                trial_at: row.trial_at,
                window: Window {
                    calls: row.window_calls,
                    failed: row.window_failed.cast_unsigned(),
                    slow: row.window_slow.cast_unsigned(),
                },
                forced: forced.as_ref().map(|forced| Force { to: forced.to, until: forced.until }),
            },
            last_success_at: row.last_success_at,
            last_error: row.last_error,
            forced,
            disabled: row.disabled_at.map(|at| Disabled {
                by: row.disabled_by.unwrap_or_default(),
                reason: row.disabled_reason.unwrap_or_default(),
                at,
            }),
        }
    }
}
