//! What a breaker would have done with other settings.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};
use signalbox_model::breaker::{BackTest, BreakerSettings, TriedSettings};
use signalbox_model::format;

use super::api::{BackTestBreaker, BackTestFacts};
use crate::components::field::Field;
use crate::components::live::{on_demand, page, part};
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::time::Time;

/// The page.
#[component]
pub(crate) fn BackTestPage() -> impl IntoView {
    let params = use_params_map();
    let search = use_location().query;
    let provider = move || params.with(|p| p.get("provider").unwrap_or_default());
    let tried = move || {
        search.with(|search| {
            let number = |name: &str| search.get(name)?.parse().ok();
            TriedSettings {
                failure_threshold: number("failureThreshold"),
                cooldown_ms: number("cooldownMs"),
                half_open_trials: number("halfOpenTrials"),
                window_calls: number("windowCalls"),
                min_calls: number("minCalls"),
                failure_percent: number("failurePercent"),
                slow_percent: number("slowPercent"),
                slow_ms: number("slowMs"),
            }
        })
    };
    page(
        on_demand(move || BackTestBreaker { provider: provider(), tried: tried() }),
        |facts: &BackTestFacts| ("Back-test".to_owned(), facts.as_of),
        move |facts| {
            part(move || view! { <Tested provider=provider() facts=facts.get() tried=tried() /> })
        },
    )
}

#[component]
fn Tested(provider: String, facts: BackTestFacts, tried: TriedSettings) -> impl IntoView {
    let name = provider.to_ascii_uppercase();
    let (now, rest) = match &facts.tried {
        Ok(found) => said(found),
        Err(problem) => ("These settings are not allowed.".to_owned(), problem.clone()),
    };
    let found = facts.tried.ok().map(|found| view! { <Found found /> });
    view! {
        <Crumbs href="/admin/breakers" label="Breakers" here=format!("{name}, back-test") />
        <PageHead heading=format!("Back-test of {name}'s breaker") now rest />
        <div class="columns">
            <Settings provider present=facts.present tried />
            {found}
        </div>
    }
}

/// "With these settings the last 24 h would have opened N times and parked M jobs."
fn said(found: &BackTest) -> (String, String) {
    let times = match found.openings.len() {
        1 => "once".to_owned(),
        n => format!("{n} times"),
    };
    (
        format!(
            "With these settings it would have opened {times} in the last {} h and parked {}.",
            found.hours,
            format::plural(found.parked_jobs, "job", "jobs")
        ),
        format!(
            "{} were replayed; {} of them failed.",
            format::plural(found.calls, "call", "calls"),
            format::count(found.failed)
        ),
    )
}

#[component]
fn Settings(provider: String, present: BreakerSettings, tried: TriedSettings) -> impl IntoView {
    let field = |name: &'static str, label: &'static str, tried: Option<i64>, present: i64| {
        let value = tried.unwrap_or(present).to_string();
        let label = format!("{label} (now {})", format::count(present));
        view! { <Field name label kind="number" value min=0 /> }
    };
    let action = format!("/admin/breakers/{provider}/back-test");
    view! {
        <section class="panel" aria-labelledby="tried">
            <h2 id="tried">"Settings to try"</h2>
            <form method="get" action=action>
                {field(
                    "failureThreshold",
                    "Failures in a row",
                    tried.failure_threshold,
                    present.failure_threshold,
                )}
                {field("cooldownMs", "Cool-down, ms", tried.cooldown_ms, present.cooldown_ms)}
                {field(
                    "halfOpenTrials",
                    "Trial calls",
                    tried.half_open_trials,
                    present.half_open_trials,
                )}
                {field("windowCalls", "Window, calls", tried.window_calls, present.window_calls)}
                {field("minCalls", "Calls before a rate counts", tried.min_calls, present.min_calls)}
                {field(
                    "failurePercent",
                    "Failed calls, %, 0 for off",
                    tried.failure_percent,
                    present.failure_percent,
                )}
                {field(
                    "slowPercent",
                    "Slow calls, %, 0 for off",
                    tried.slow_percent,
                    present.slow_percent,
                )}
                {field("slowMs", "Slow from, ms", tried.slow_ms, present.slow_ms)}
                <p class="actions">
                    <button class="button primary">"Back-test"</button>
                    <a class="button" href="/admin/config">
                        "Change the settings"
                    </a>
                </p>
            </form>
        </section>
    }
    .into_any()
}

#[component]
fn Found(found: BackTest) -> impl IntoView {
    let openings: Vec<_> =
        found.openings.iter().take(50).map(|at| view! { <li><Time at=*at /></li> }).collect();
    let truncated = found.truncated.then(|| {
        view! { <p class="hint">"There were more calls: only the newest were replayed."</p> }
    });
    view! {
        <section class="panel" aria-labelledby="found">
            <h2 id="found">"What would have happened"</h2>
            <dl class="facts">
                <dt>"Opened"</dt>
                <dd>{format::plural(i64::try_from(found.openings.len()).unwrap_or(i64::MAX), "time", "times")}</dd>
                <dt>"Open for"</dt>
                <dd>{format::duration_ms(found.open_ms)}</dd>
                <dt>"Calls held back"</dt>
                <dd>{format::count(found.refused)}</dd>
                <dt>"Jobs parked"</dt>
                <dd>{format::count(found.parked_jobs)}</dd>
            </dl>
            <ul>{openings}</ul>
            {truncated}
            <p class="hint">
                {format!(
                    "Every recorded call is replayed in its real order. Not known: how {} that the \
                     breaker really held back would have ended, and when calls held back here \
                     would have come again.",
                    format::plural(found.really_refused, "call", "calls"),
                )}
            </p>
        </section>
    }
    .into_any()
}
