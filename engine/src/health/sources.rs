//! The providers: their breakers, their operations' calls, their rates.

use std::collections::{BTreeMap, BTreeSet};

use signalbox_model::Timestamp;
use signalbox_model::breaker::{Breaker, BreakerState};
use signalbox_model::health::{OperationCalls, RateHealth, Source};
use signalbox_model::setting::setting;
use sqlx::PgPool;

use super::totals::Counted;
use crate::breaker::store;
use crate::jobs::Registry;
use crate::settings::Settings;
use crate::throttle::{Throttles, step::effective_rpm};
use crate::{CommandError, Ctx};

/// Rates are in calls a minute.
const MINUTE: chrono::TimeDelta = chrono::TimeDelta::minutes(1);

/// Provider and operation, in the order in which they are shown.
type Operations = BTreeSet<(String, String)>;

/// Every provider that a kind calls or that was called, and every rate of theirs.
pub(super) async fn read(
    ctx: &Ctx,
    registry: &Registry,
    counted: &Counted,
) -> Result<(Vec<Source>, Vec<RateHealth>), CommandError> {
    let operations = operations(registry, counted);
    let mut known: Vec<_> = registry.specs().filter_map(|spec| spec.calls).collect();
    known.dedup_by_key(|(operation, _)| operation.provider);
    let known: Vec<_> = known.iter().map(|(operation, _)| operation.provider).collect();
    let breakers = store::with_uncalled(&ctx.db, &known, ctx.now()).await?;
    let mut sources = Vec::new();
    for breaker in breakers {
        let failing = match breaker.state {
            BreakerState::Closed => None,
            _ => failing(&ctx.db, &breaker.provider).await?,
        };
        sources.push(Source {
            operations: calls(&breaker, &operations, counted),
            failing,
            breaker,
        });
    }
    Ok((sources, rates(ctx, &operations).await?))
}

fn operations(registry: &Registry, counted: &Counted) -> Operations {
    let declared = registry.specs().filter_map(|spec| spec.calls);
    let declared =
        declared.map(|(operation, _)| (operation.provider.to_owned(), operation.name().to_owned()));
    let called = counted.calls.keys().filter(|(_, operation, _)| !operation.is_empty());
    declared
        .chain(called.map(|(provider, operation, _)| (provider.clone(), operation.clone())))
        .collect()
}

fn calls(breaker: &Breaker, operations: &Operations, counted: &Counted) -> Vec<OperationCalls> {
    let of = |operation: &str, outcome: &str| {
        let key = (breaker.provider.clone(), operation.to_owned(), outcome.to_owned());
        counted.calls.get(&key).copied().unwrap_or(0)
    };
    let own = operations.iter().filter(|(provider, _)| *provider == breaker.provider);
    own.map(|(_, operation)| OperationCalls {
        ok: of(operation, "ok"),
        failed: of(operation, "failed"),
        limited: of(operation, "limited"),
        refused: of(operation, "refused"),
        operation: operation.clone(),
    })
    .collect()
}

/// The operation whose call failed last.
async fn failing(db: &PgPool, provider: &str) -> Result<Option<String>, sqlx::Error> {
    let operation: Option<String> = sqlx::query_scalar(
        "SELECT operation FROM provider_calls WHERE provider = $1 AND outcome = 'failed'
         ORDER BY at DESC, id DESC LIMIT 1",
    )
    .bind(provider)
    .fetch_optional(db)
    .await?;
    Ok(operation.filter(|operation| !operation.is_empty()))
}

async fn rates(ctx: &Ctx, operations: &Operations) -> Result<Vec<RateHealth>, sqlx::Error> {
    let now = ctx.now();
    let mut conn = ctx.db.acquire().await?;
    let settings = Settings::read(&mut *conn, now).await?;
    let throttles = Throttles::read(&mut conn, &settings, now).await?;
    let used: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT provider, operation, count(*) FROM provider_calls
         WHERE at > $1 AND outcome <> 'refused' GROUP BY provider, operation",
    )
    .bind(now - MINUTE)
    .fetch_all(&mut *conn)
    .await?;
    let blocked: Vec<(String, Timestamp)> =
        sqlx::query_as("SELECT setting, blocked_until FROM rate_buckets WHERE blocked_until > $1")
            .bind(now)
            .fetch_all(&mut *conn)
            .await?;
    let blocked: BTreeMap<_, _> = blocked.into_iter().collect();
    let rate = |(provider, operation): &(String, String)| {
        let key = format!("{operation}_rpm");
        let limit = setting(&key).map(|spec| settings.get(spec.key))?;
        let own = used.iter().find(|(whose, which, _)| whose == provider && which == operation);
        Some(RateHealth {
            operation: operation.clone(),
            provider: provider.clone(),
            limit,
            in_force: effective_rpm(limit, throttles.percent(provider)),
            used: own.map_or(0, |(_, _, calls)| *calls),
            blocked_until: blocked.get(&key).copied(),
        })
    };
    Ok(operations.iter().filter_map(rate).collect())
}
