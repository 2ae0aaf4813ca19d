//! The auto-throttle (AV-9): near a provider's own limit its rates are lowered by themselves, and
//! come back. What a provider's limit is, its answers say (`allowance.rs`); what follows from that,
//! pure functions decide (`step.rs`); here it is stored, per provider and for all workers.

pub mod allowance;
pub mod step;

use std::collections::{BTreeSet, HashMap};

use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::system_log::LogLevel;
use signalbox_model::throttle::Throttled;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};

use self::allowance::Allowance;
use self::step::{Seen, Throttle, Tuning, effective_rpm, step};
use crate::jobs::Registry;
use crate::logs::{self, NewLog};
use crate::provider::Operation;
use crate::settings::Settings;
use crate::{CommandError, Ctx, limits};

/// 1 while the auto-throttle is on.
pub const ENABLED: &str = "auto_throttle_enabled";
/// From this share of a provider's limit on.
pub const THRESHOLD: &str = "auto_throttle_threshold_percent";

fn is_on(settings: &Settings) -> bool {
    settings.get(ENABLED) == 1
}

/// How far the rates of each throttled provider are lowered at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Throttles {
    percents: HashMap<String, i64>,
}

impl Throttles {
    /// Reads them. None counts while the auto-throttle is off.
    pub(crate) async fn read(
        conn: &mut PgConnection,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Throttles, sqlx::Error> {
        if !is_on(settings) {
            return Ok(Throttles::default());
        }
        let percents = lowered(conn)
            .await?
            .into_iter()
            .map(|(provider, held)| (provider, held.percent_at(now)));
        Ok(Throttles { percents: percents.collect() })
    }

    /// The share of its rate settings that `provider` is called at, in percent.
    pub fn percent(&self, provider: &str) -> i64 {
        self.percents.get(provider).copied().unwrap_or(100)
    }

    /// The calls a minute that `operation` is allowed now.
    pub fn rpm(&self, settings: &Settings, operation: Operation) -> i64 {
        effective_rpm(settings.get(operation.rate), self.percent(operation.provider))
    }
}

/// Every rate that is lowered now.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn list(ctx: &Ctx, registry: &Registry) -> Result<Vec<Throttled>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let now = ctx.now();
    let settings = Settings::read(&ctx.db, now).await?;
    if !is_on(&settings) {
        return Ok(Vec::new());
    }
    let stored = lowered(&ctx.db).await?;
    let mut throttled = Vec::new();
    for (provider, held) in stored.iter().filter(|(_, held)| held.percent_at(now) < 100) {
        for rate in rates(registry, provider) {
            let of = settings.get(rate);
            throttled.push(Throttled {
                rate: rate.to_owned(),
                provider: provider.clone(),
                rpm: effective_rpm(of, held.percent_at(now)),
                of,
                since: held.since,
                used_percent: held.used_percent,
            });
        }
    }
    Ok(throttled)
}

/// The throttles as they were stored when they were last below their settings.
async fn lowered(db: impl PgExecutor<'_>) -> Result<Vec<(String, Throttle)>, sqlx::Error> {
    sqlx::query("SELECT * FROM provider_throttles WHERE percent < 100")
        .try_map(throttle)
        .fetch_all(db)
        .await
}

/// The rate settings of the operations of `provider`.
fn rates(registry: &Registry, provider: &str) -> BTreeSet<&'static str> {
    registry
        .specs()
        .filter_map(|spec| spec.calls)
        .filter(|(operation, _)| operation.provider == provider)
        .map(|(operation, _)| operation.rate)
        .collect()
}

/// Takes in what an answer of `provider`, to a call sent at `sent_at`, says of its limit.
pub(crate) async fn observe(
    db: &PgPool,
    registry: &Registry,
    provider: &str,
    seen: Seen,
    sent_at: Timestamp,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let settings = Settings::read(db, now).await?;
    let rates = rates(registry, provider);
    let tuning = Tuning {
        threshold_percent: settings.get(THRESHOLD),
        set_rpm: rates.iter().map(|rate| settings.get(rate)).sum(),
    };
    if !is_on(&settings) || !is_near(seen, tuning) {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    let before = lock(&mut tx, provider, now).await?;
    let after = step(before, seen, tuning, sent_at, now);
    if after != before {
        save(&mut tx, provider, after).await?;
    }
    if after.percent < before.percent_at(now) {
        let log = lowering(provider, before.percent_at(now), after);
        logs::write(&mut *tx, now, log).await?;
    }
    if let Seen::Allowance(Allowance { remaining: 0, resets_in, .. }) = seen {
        // The next call would be refused, whatever its rate.
        let reset = now + chrono::Duration::from_std(resets_in).unwrap_or_default();
        let rates: Vec<_> = rates.into_iter().collect();
        limits::block_until(&mut *tx, &rates, reset, now).await?;
    }
    tx.commit().await
}

/// Whether an answer says anything that could lower a rate.
fn is_near(seen: Seen, tuning: Tuning) -> bool {
    match seen {
        Seen::Refusal => true,
        Seen::Allowance(left) => left.used_percent() >= tuning.threshold_percent,
    }
}

/// Writes down and logs the steps by which rates have come back; all the way, once the
/// auto-throttle is off. Returns how many providers' rates have.
///
/// # Errors
/// When the database does not answer.
pub async fn settle(db: &PgPool, now: Timestamp) -> Result<usize, sqlx::Error> {
    let mut tx = db.begin().await?;
    let stored = sqlx::query("SELECT * FROM provider_throttles WHERE percent < 100 FOR UPDATE")
        .try_map(throttle)
        .fetch_all(&mut *tx)
        .await?;
    let mut moved = 0;
    if !stored.is_empty() {
        let on = is_on(&Settings::read(&mut *tx, now).await?);
        for (provider, before) in stored {
            let after = if on { before.settled(now) } else { Throttle::none(now) };
            if after.percent > before.percent {
                save(&mut tx, &provider, after).await?;
                let log = restoring(&provider, before.percent, after.percent);
                logs::write(&mut *tx, now, log).await?;
                moved += 1;
            }
        }
    }
    tx.commit().await?;
    Ok(moved)
}

/// What the logs of the auto-throttle are found by.
const EVENT: &str = "auto_throttle";

fn lowering(provider: &str, before: i64, after: Throttle) -> NewLog<'static> {
    let cause = match after.used_percent {
        Some(used) => format!("{used} % of the provider's own limit are used"),
        None => "the provider answered 429".to_owned(),
    };
    let to = after.percent;
    let message =
        format!("The rates of {provider} are lowered to {to} % of their settings: {cause}");
    let details = json!({
        "provider": provider, "before": before, "after": to, "usedPercent": after.used_percent,
    });
    NewLog::new(EVENT, LogLevel::Warn, message).with(details)
}

fn restoring(provider: &str, before: i64, after: i64) -> NewLog<'static> {
    let message = match after {
        100 => format!("The rates of {provider} are as they are set again"),
        _ => format!("The rates of {provider} have come back to {after} % of their settings"),
    };
    let details = json!({ "provider": provider, "before": before, "after": after });
    NewLog::new(EVENT, LogLevel::Info, message).with(details)
}

async fn lock(
    tx: &mut PgConnection,
    provider: &str,
    now: Timestamp,
) -> Result<Throttle, sqlx::Error> {
    sqlx::query(
        "INSERT INTO provider_throttles (provider, since, lowered_at, holds_until)
         VALUES ($1, $2, $2, $2) ON CONFLICT (provider) DO NOTHING",
    )
    .bind(provider)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    sqlx::query("SELECT * FROM provider_throttles WHERE provider = $1 FOR UPDATE")
        .bind(provider)
        .try_map(throttle)
        .fetch_one(tx)
        .await
        .map(|(_, throttle)| throttle)
}

async fn save(
    tx: &mut PgConnection,
    provider: &str,
    throttle: Throttle,
) -> Result<(), sqlx::Error> {
    let small = |percent: i64| i16::try_from(percent).unwrap_or(100);
    sqlx::query(
        "UPDATE provider_throttles
         SET percent = $2, since = $3, lowered_at = $4, holds_until = $5, used_percent = $6
         WHERE provider = $1",
    )
    .bind(provider)
    .bind(small(throttle.percent))
    .bind(throttle.since)
    .bind(throttle.lowered_at)
    .bind(throttle.holds_until)
    .bind(throttle.used_percent.map(small))
    .execute(tx)
    .await
    .map(drop)
}

fn throttle(row: PgRow) -> Result<(String, Throttle), sqlx::Error> {
    let throttle = Throttle {
        percent: row.try_get::<i16, _>("percent")?.into(),
        since: row.try_get("since")?,
        lowered_at: row.try_get("lowered_at")?,
        holds_until: row.try_get("holds_until")?,
        used_percent: row.try_get::<Option<i16>, _>("used_percent")?.map(i64::from),
    };
    Ok((row.try_get("provider")?, throttle))
}
