//! The breakers' rows. Every step locks its row, applies the pure [`step`], and logs a change of
//! state in the same transaction.

use std::time::Duration;

use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::breaker::{Breaker, BreakerState};
use signalbox_model::format::shorten;
use signalbox_model::system_log::LogLevel;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

use crate::breaker::step::{Admission, Circuit, Event, Tuning, cooled_down, step};
use crate::logs::{self, NewLog};
use crate::settings::Settings;
use crate::{CommandError, Ctx, notify};

/// The provider whose breaker OP-1 and OP-2 speak of.
pub const MCP: &str = "mcp";

/// A success is written to the row at most this often: it is read to tell an outage from a bad
/// job, where a second does not matter, and saves a write per call.
const SUCCESS_NOTED_EVERY: chrono::Duration = chrono::Duration::seconds(1);

/// A breaker as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its state.
    pub circuit: Circuit,
    /// The provider's last good answer.
    pub last_success_at: Option<Timestamp>,
    /// The provider's last failure.
    pub last_error: Option<String>,
}

/// What decides when `provider`'s breaker opens: the settings `<provider>_cb_…`, or else the
/// MCP provider's.
pub fn tuning(settings: &Settings, provider: &str) -> Tuning {
    let get = |name: &str| {
        let own = format!("{provider}_cb_{name}");
        if signalbox_model::setting::setting(&own).is_some() {
            settings.get(&own)
        } else {
            settings.get(&format!("{MCP}_cb_{name}"))
        }
    };
    Tuning {
        threshold: i32::try_from(get("failure_threshold")).unwrap_or(i32::MAX),
        cooldown: Duration::from_millis(get("cooldown_ms").unsigned_abs()),
        trials: i32::try_from(get("half_open_trials")).unwrap_or(i32::MAX),
    }
}

/// Asks whether a call to `provider` may go out; counts it as a trial if it is one.
pub(crate) async fn admit(
    db: &PgPool,
    provider: &str,
    now: Timestamp,
) -> Result<Admission, sqlx::Error> {
    // The usual case, a closed breaker, takes no lock.
    let state: Option<String> =
        sqlx::query_scalar("SELECT state FROM circuit_breakers WHERE provider = $1")
            .bind(provider)
            .fetch_optional(db)
            .await?;
    if state.is_none_or(|state| state == BreakerState::Closed.name()) {
        return Ok(Admission::Admitted);
    }
    apply(db, provider, Event::Call, None, now).await
}

/// Reports that `provider` answered.
pub(crate) async fn succeeded(
    db: &PgPool,
    provider: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
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
        apply(db, provider, Event::Success, None, now).await?;
    }
    Ok(())
}

/// Reports that a call failed by `provider`'s fault.
pub(crate) async fn failed(
    db: &PgPool,
    provider: &str,
    error: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    apply(db, provider, Event::Failure, Some(error), now).await.map(drop)
}

async fn apply(
    db: &PgPool,
    provider: &str,
    event: Event,
    error: Option<&str>,
    now: Timestamp,
) -> Result<Admission, sqlx::Error> {
    let mut tx = db.begin().await?;
    let tuning = tuning(&Settings::read(&mut *tx).await?, provider);
    let before = lock(&mut tx, provider).await?;
    let (after, admission) = step(before, event, tuning, now);
    let success_at = (event == Event::Success).then_some(now);
    save(&mut tx, provider, after, success_at, error).await?;
    if after.state != before.state {
        log_change(&mut tx, provider, before, after, error, now).await?;
        notify::notify(&mut *tx, notify::CONTROLS).await?;
    }
    tx.commit().await?;
    Ok(admission)
}

async fn lock(tx: &mut PgConnection, provider: &str) -> Result<Circuit, sqlx::Error> {
    sqlx::query(
        "INSERT INTO circuit_breakers (provider, state, failures) VALUES ($1, 'closed', 0)
         ON CONFLICT (provider) DO NOTHING",
    )
    .bind(provider)
    .execute(&mut *tx)
    .await?;
    sqlx::query("SELECT * FROM circuit_breakers WHERE provider = $1 FOR UPDATE")
        .bind(provider)
        .try_map(|row| circuit(&row))
        .fetch_one(tx)
        .await
}

async fn save(
    tx: &mut PgConnection,
    provider: &str,
    circuit: Circuit,
    success_at: Option<Timestamp>,
    error: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE circuit_breakers SET state = $2, failures = $3, opened_at = $4, retry_at = $5,
             trials = $6, trial_at = $7, last_success_at = coalesce($8, last_success_at),
             last_error = coalesce($9, last_error)
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
    .execute(tx)
    .await
    .map(drop)
}

async fn log_change(
    tx: &mut PgConnection,
    provider: &str,
    before: Circuit,
    after: Circuit,
    error: Option<&str>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (event, level, message) = match after.state {
        BreakerState::Open => (
            "circuit_breaker_open",
            LogLevel::Error,
            format!("Breaker of {provider} opened after {} failures in a row", after.failures),
        ),
        BreakerState::HalfOpen => (
            "circuit_breaker_half_open",
            LogLevel::Warn,
            format!("Breaker of {provider} lets trial calls out"),
        ),
        BreakerState::Closed => (
            "circuit_breaker_closed",
            LogLevel::Info,
            format!("Breaker of {provider} closed: the provider answers again"),
        ),
    };
    let facts = json!({
        "provider": provider, "from": before.state, "to": after.state,
        "failures": after.failures, "retryAt": after.retry_at, "error": error,
    });
    logs::write(tx, now, NewLog::new(event, level, message).with(facts)).await
}

/// All breakers, for those who may see the console. The MCP provider's is always among them.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn list(ctx: &Ctx) -> Result<Vec<Breaker>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let mut conn = ctx.db.acquire().await?;
    let settings = Settings::read(&mut *conn).await?;
    let mut stored = read_all(&mut conn).await?;
    if !stored.iter().any(|(provider, _)| provider == MCP) {
        let never = Stored { circuit: Circuit::CLOSED, last_success_at: None, last_error: None };
        stored.push((MCP.to_owned(), never));
    }
    stored.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(stored
        .into_iter()
        .map(|(provider, stored)| shown(provider, stored, &settings, ctx.now()))
        .collect())
}

fn shown(provider: String, stored: Stored, settings: &Settings, now: Timestamp) -> Breaker {
    let tuning = tuning(settings, &provider);
    let circuit = cooled_down(stored.circuit, now);
    Breaker {
        provider,
        state: circuit.state,
        failures: circuit.failures,
        threshold: tuning.threshold,
        opened_at: circuit.opened_at,
        cooldown_ms: i64::try_from(tuning.cooldown.as_millis()).unwrap_or(i64::MAX),
        retry_at: circuit.retry_at,
        last_success_at: stored.last_success_at,
        last_error: stored.last_error,
    }
}

/// All breakers that ever were asked, by provider.
pub(crate) async fn read_all(
    conn: &mut PgConnection,
) -> Result<Vec<(String, Stored)>, sqlx::Error> {
    sqlx::query("SELECT * FROM circuit_breakers")
        .try_map(|row: PgRow| {
            let stored = Stored {
                circuit: circuit(&row)?,
                last_success_at: row.try_get("last_success_at")?,
                last_error: row.try_get("last_error")?,
            };
            Ok((row.try_get("provider")?, stored))
        })
        .fetch_all(conn)
        .await
}

fn circuit(row: &PgRow) -> Result<Circuit, sqlx::Error> {
    let state: String = row.try_get("state")?;
    Ok(Circuit {
        state: BreakerState::from_name(&state)
            .ok_or_else(|| sqlx::Error::Decode(format!("unknown breaker state {state}").into()))?,
        failures: row.try_get("failures")?,
        opened_at: row.try_get("opened_at")?,
        retry_at: row.try_get("retry_at")?,
        trials: row.try_get("trials")?,
        trial_at: row.try_get("trial_at")?,
    })
}
