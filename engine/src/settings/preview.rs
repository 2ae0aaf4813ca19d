//! What another value of a limit would do: gathers the facts, and lets the model's pure function
//! answer.

use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::limit_preview::{KindFacts, LimitFacts, LimitPreview, preview as answer};
use signalbox_model::metrics::COUNT_CAP;
use signalbox_model::setting::{Bound, SETTINGS, check};
use signalbox_model::why::PACE_WINDOW_S;

use super::{Settings, invalid};
use crate::jobs::handler::KindSpec;
use crate::jobs::{Registry, stats};
use crate::throttle::Throttles;
use crate::{CommandError, Ctx, overview};

/// Durations are measured over this long.
const MEASURED_OVER: chrono::Duration = chrono::Duration::hours(24);

/// What the limit `key` would do with the value `value`.
///
/// # Errors
/// Without [`Permission::ReadConsole`]; for an unknown key, a value out of range, or a setting that
/// bounds no throughput, with what is allowed; when the database does not answer.
pub async fn preview(
    ctx: &Ctx,
    registry: &Registry,
    key: &str,
    value: i64,
) -> Result<LimitPreview, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let spec = check(key, value).map_err(invalid)?;
    let Some(bound) = spec.bound() else {
        let limits: Vec<_> =
            SETTINGS.iter().filter(|spec| spec.bound().is_some()).map(|spec| spec.key).collect();
        let detail = format!("{key} bounds no throughput; those that do are {}", limits.join(", "));
        return Err(CommandError::invalid("key", detail));
    };
    let now = ctx.now();
    let settings = Settings::read(&ctx.db, now).await?;
    let throttles = Throttles::read(&mut *ctx.db.acquire().await?, &settings, now).await?;
    let mut throttle_percent = None;
    let mut kinds = Vec::new();
    for spec in registry.specs().filter(|spec| is_bound(spec, bound, key)) {
        if let (Bound::Rate, Some((operation, _))) = (bound, spec.calls) {
            throttle_percent = Some(throttles.percent(operation.provider)).filter(|p| *p < 100);
        }
        kinds.push(kind_facts(ctx, spec, bound, (&settings, &throttles), now).await?);
    }
    Ok(answer(&LimitFacts {
        key: key.to_owned(),
        unit: spec.unit.to_owned(),
        present: settings.get(key),
        proposed: value,
        throttle_percent,
        kinds,
    }))
}

fn is_bound(spec: &KindSpec, bound: Bound, key: &str) -> bool {
    match bound {
        Bound::Rate => spec.calls.is_some_and(|(operation, _)| operation.rate == key),
        Bound::Concurrency => spec.concurrency == Some(key),
    }
}

async fn kind_facts(
    ctx: &Ctx,
    spec: &KindSpec,
    bound: Bound,
    (settings, throttles): (&Settings, &Throttles),
    now: Timestamp,
) -> Result<KindFacts, sqlx::Error> {
    let lanes = overview::queue_depths(&ctx.db, Some(spec.name)).await?;
    let waiting: i64 = lanes.iter().map(|lane| lane.available).sum();
    let since = now - chrono::Duration::seconds(PACE_WINDOW_S);
    let recently_ended =
        stats::ended_since(&mut *ctx.db.acquire().await?, spec.name, since).await?;
    let measured = stats::per_kind(&ctx.db, now - MEASURED_OVER, Some(spec.name)).await?;
    let minutes = measured
        .first()
        .and_then(|metrics| metrics.avg_duration_ms)
        .map(|ms| ms.max(1) as f64 / 60_000.0);
    let calls = spec.calls.map(|(operation, calls)| (operation, f64::from(calls.max(1))));
    let by_rate = calls.map(|(operation, calls)| {
        (operation.rate, throttles.rpm(settings, operation) as f64 / calls)
    });
    let by_concurrency = spec.concurrency.and_then(|key| match settings.get(key) {
        0 => Some((key, 0.0)),
        places => minutes.map(|minutes| (key, places as f64 / minutes)),
    });
    let (cost, other) = match bound {
        Bound::Rate => (calls.map(|(_, calls)| calls), by_concurrency),
        Bound::Concurrency => (minutes, by_rate),
    };
    Ok(KindFacts {
        kind: spec.name.to_owned(),
        waiting: waiting.min(COUNT_CAP),
        recently_ended,
        cost,
        other: other.map(|(key, pace)| (key.to_owned(), pace)),
    })
}
