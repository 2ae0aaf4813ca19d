//! A provider's breaker (OP-1): its state, how far it is from opening, when it tries again.

use leptos::prelude::*;
use signalbox_model::breaker::{Breaker, BreakerState, BreakerWindow};
use signalbox_model::format;

use super::aspect::{State, of_provider};
use super::time::{MaybeTime, Time};

/// The tile.
#[component]
pub(crate) fn BreakerTile(breaker: Breaker) -> impl IntoView {
    let (aspect, word) = of_provider(&breaker);
    let heading = format!("breaker-{}", breaker.provider);
    let labelled_by = heading.clone();
    let advice = match breaker.state {
        _ if breaker.disabled.is_some() => {
            "No call goes out; jobs are parked and no attempt is spent."
        }
        BreakerState::Closed if breaker.forced.is_some() => {
            "Every call goes out: it is held closed."
        }
        BreakerState::Closed => "Calls go out.",
        BreakerState::Open => "No call goes out; jobs are parked and no attempt is spent.",
        BreakerState::HalfOpen => "Trial calls go out; the first success closes it.",
    };
    let BreakerWindow { calls, failed, slow } = breaker.window;
    let window = (calls > 0).then(|| format!("{failed} failed, {slow} slow of {calls}"));
    let reached = if breaker.failures >= breaker.threshold { ": threshold reached" } else { "" };
    view! {
        <section class=format!("breaker {}", aspect.class()) aria-labelledby=labelled_by>
            <header>
                <h3 id=heading>{breaker.provider.to_ascii_uppercase()}</h3>
                <State of=aspect word />
            </header>
            <div>
                <Gauge value=breaker.failures of=breaker.threshold />
                <p class="hint">
                    {format!("{} of {} failures in a row{reached}", breaker.failures, breaker.threshold)}
                </p>
            </div>
            <p class="hint">{advice}</p>
            <dl class="facts">
                {breaker
                    .disabled
                    .map(|off| {
                        view! {
                            <dt>"Off"</dt>
                            <dd>{format!("{}: {}", off.by, off.reason)}</dd>
                        }
                    })}
                {breaker
                    .forced
                    .map(|held| {
                        view! {
                            <dt>"Held by"</dt>
                            <dd>{format!("{}: {}", held.by, held.reason)}</dd>
                        }
                    })}
                {window.map(|words| view! { <dt>"Last calls"</dt><dd>{words}</dd> })}
                {breaker
                    .opened_at
                    .map(|at| view! { <dt>"Opened"</dt><dd><Time at /></dd> })}
                {breaker
                    .retry_at
                    .map(|at| view! { <dt>"Tries again"</dt><dd><Time at /></dd> })}
                {breaker
                    .last_error
                    .map(|error| view! { <dt>"Last failure"</dt><dd>{format::shorten(&error, 200)}</dd> })}
                <dt>"Last success"</dt>
                <dd>
                    <MaybeTime at=breaker.last_success_at />
                </dd>
                <dt>"Cool-down"</dt>
                <dd>{format::duration_ms(breaker.cooldown_ms)}</dd>
            </dl>
        </section>
    }
    .into_any()
}

/// One tick for each failure that opens it, full ones for those that happened; at most 20.
#[component]
fn Gauge(value: i32, of: i32) -> impl IntoView {
    let ticks = of.clamp(1, 20);
    let full = if of > 20 { value * ticks / of } else { value };
    let width = 1000 / ticks;
    let all: Vec<_> = (0..ticks)
        .map(|i| {
            let class = if i < full { "tick full" } else { "tick" };
            view! {
                <rect
                    class=class
                    x=width * i + 5
                    width=width - 10
                    height="60"
                />
            }
        })
        .collect();
    view! {
        <svg class="gauge" viewBox="0 0 1000 60" preserveAspectRatio="none" aria-hidden="true">
            {all}
        </svg>
    }
}
