//! A provider fails; its jobs are parked and wait.

use chrono::Duration;
use signalbox_model::breaker::{Breaker, BreakerForce, BreakerState};
use signalbox_model::format;
use signalbox_model::runbook::{Finding, Lever, Remedy};
use sqlx::Row;

use super::{Steps, clock_time, span};
use crate::breaker::store;
use crate::{CommandError, Ctx, overview};

/// How far back calls are counted.
const MINUTES: i64 = 15;

pub(super) async fn detection(ctx: &Ctx) -> Result<Vec<Finding>, CommandError> {
    Ok(store::list(ctx).await?.iter().map(finding).collect())
}

pub(super) async fn look(ctx: &Ctx) -> Result<Steps, CommandError> {
    let mut steps = Steps::default();
    let breakers = store::list(ctx).await?;
    for breaker in &breakers {
        steps.check(finding(breaker));
        if is_closed(breaker) {
            continue;
        }
        if let Some(error) = &breaker.last_error {
            let what = format!("Last error of {}", breaker.provider);
            steps.diagnosis.push(Finding::new(what, false, format::shorten(error, 200)));
        }
        let (calls, failed) = calls(ctx, &breaker.provider).await?;
        let what = format!("Calls to {} in {MINUTES} min", breaker.provider);
        let detail = format!("{} failed of {}", format::count(failed), format::count(calls));
        steps.diagnosis.push(Finding::new(what, failed == 0, detail));
        steps.remedies.extend(remedies(breaker));
    }
    let queues = overview::queue_depths(&ctx.db, None).await?;
    let waiting: i64 = queues.iter().map(|lane| lane.available).sum();
    let oldest = queues.iter().filter_map(|lane| lane.oldest_waiting_since).min();
    let waited = oldest.map_or(Duration::zero(), |oldest| ctx.now() - oldest);
    let detail = match waiting {
        0 => "no job waits".to_owned(),
        n => format!("{} wait, the oldest for {}", format::count(n), span(waited)),
    };
    let backlog = Finding::new("Backlog", waited < Duration::minutes(5), detail);
    steps.diagnosis.push(backlog.clone().at("/admin/queues"));
    steps.verification.push(backlog.at("/admin/queues"));
    Ok(steps)
}

fn finding(breaker: &Breaker) -> Finding {
    let link = format!("/admin/breakers/{}", breaker.provider);
    Finding::new(&breaker.provider, is_closed(breaker), state(breaker)).at(link)
}

fn is_closed(breaker: &Breaker) -> bool {
    breaker.state == BreakerState::Closed
}

fn state(breaker: &Breaker) -> String {
    let held = match &breaker.forced {
        Some(forced) if forced.to == BreakerForce::Open => format!(", held by {}", forced.by),
        _ => String::new(),
    };
    match breaker.state {
        BreakerState::Closed => "calls go out".to_owned(),
        BreakerState::HalfOpen => "a few calls go out on trial".to_owned(),
        BreakerState::Open => {
            let since = breaker.opened_at.map(clock_time).unwrap_or_default();
            format!("no call goes out since {since}{held}; no attempt is spent")
        }
    }
}

fn remedies(breaker: &Breaker) -> [Remedy; 2] {
    let provider = &breaker.provider;
    [
        Remedy::new(
            Lever::ResetBreaker,
            provider,
            format!("Let calls to {provider} go out"),
            "Closes the breaker now, without waiting for its cool-down: the parked jobs start as \
             their limits allow. If the provider still fails, it opens again.",
        ),
        Remedy::new(
            Lever::HoldBreakerOpen,
            provider,
            format!("Hold {provider} until it is repaired"),
            "No trial call goes out until the breaker is reset. Jobs stay parked; nothing is lost.",
        ),
    ]
}

/// Calls that went out lately, and how many of them failed.
async fn calls(ctx: &Ctx, provider: &str) -> Result<(i64, i64), sqlx::Error> {
    let row = sqlx::query(
        "SELECT count(*) AS calls, count(*) FILTER (WHERE outcome = 'failed') AS failed
         FROM provider_calls WHERE provider = $1 AND at > $2 AND outcome IN ('ok', 'failed')",
    )
    .bind(provider)
    .bind(ctx.now() - Duration::minutes(MINUTES))
    .fetch_one(&ctx.db)
    .await?;
    Ok((row.try_get("calls")?, row.try_get("failed")?))
}
