//! The strip: the state of the whole, always in sight.

use chrono::TimeDelta;
use leptos::prelude::*;
use signalbox_model::Timestamp;
use signalbox_model::alert::AlertCounts;
use signalbox_model::fleet::Stop;
use signalbox_model::format;

use super::account_menu::AccountMenu;
use super::api::StripFacts;
use crate::components::aspect::{Aspect, State, of_breaker};
use crate::components::time::clock;
use crate::console::Console;

/// The strip. Without facts (nobody signed in, or no console) only the account is there.
#[component]
pub(super) fn StripBar(facts: Option<StripFacts>) -> impl IntoView {
    view! {
        <header class="strip">
            {facts.map(|facts| view! { <Facts facts /> })}
            <AccountMenu />
        </header>
    }
    .into_any()
}

#[component]
fn Facts(facts: StripFacts) -> impl IntoView {
    let environment = Console::get().start.with_value(|start| start.environment.clone());
    let (aspect, word) = facts.overall();
    let in_trouble = matches!(aspect, Aspect::Danger | Aspect::Held);
    let overall = if in_trouble { "/admin/runbooks" } else { "/admin" };
    let (switch, switch_word) =
        if facts.kill_switch.active { (Aspect::Danger, "On") } else { (Aspect::Idle, "Off") };
    let (breaker, breaker_words) = facts.worst_breaker.as_ref().map_or(
        (Aspect::Idle, "none".to_owned()),
        |(provider, state)| {
            let (aspect, word) = of_breaker(*state);
            (aspect, format!("{} {word}", provider.to_ascii_uppercase()))
        },
    );
    let (alert, alert_word) = match facts.alerts {
        AlertCounts { firing: 0, .. } => (Aspect::Idle, "none".to_owned()),
        AlertCounts { firing, critical: 0 } => (Aspect::Caution, format::count(firing)),
        AlertCounts { firing, .. } => (Aspect::Danger, format::count(firing)),
    };
    let dead = facts.dead_letters.undecided();
    let dead_aspect = if dead > 0 { Aspect::Caution } else { Aspect::Idle };
    view! {
        <a class=format!("state {} plate", aspect.class()) href=overall>
            <span class="unseen">"Overall: "</span>
            {word}
        </a>
        <dl>
            <Fact name="Kill switch" href="/admin/kill-switch" aspect=switch word=switch_word />
            <Fact name="Worst breaker" href="/admin/jobs#breakers" aspect=breaker word=breaker_words />
            <Fact name="Alerts" href="/admin/alerts" aspect=alert word=alert_word />
            <Fact
                name="Dead letters"
                href="/admin/dead-letter-queue"
                aspect=dead_aspect
                word=format::count(dead)
            />
            <div>
                <dt>"Environment"</dt>
                <dd class="environment">{environment}</dd>
            </div>
            <div>
                <dt>"Clock"</dt>
                <dd>
                    <time datetime=format::exact(
                        facts.as_of,
                    )>{move || clock(facts.as_of)}</time>
                </dd>
            </div>
        </dl>
    }
    .into_any()
}

#[component]
fn Fact(
    name: &'static str,
    href: &'static str,
    aspect: Aspect,
    #[prop(into)] word: String,
) -> impl IntoView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>
                <a href=href>
                    <State of=aspect word />
                </a>
            </dd>
        </div>
    }
}

/// The session's end is announced so long before.
const WARN_BEFORE: TimeDelta = TimeDelta::minutes(30);

/// Says when the session is about to end, however much it is used. What is typed stays: forms keep
/// it through the sign-in.
#[component]
pub(super) fn SessionBanner(now: Timestamp) -> impl IntoView {
    let ends = Console::get().start.with_value(|start| start.session_ends_at);
    ends.filter(|ends| *ends - now < WARN_BEFORE).map(|ends| {
        view! {
            <div class="banner" role="status">
                <span>{move || format!("Your session ends at {}.", clock(ends))}</span>
                <a href="/login" rel="external">
                    "Sign in again"
                </a>
            </div>
        }
    })
}

/// Says on every page what a person has stopped, and why.
#[component]
pub(super) fn StopBanners(facts: StripFacts) -> impl IntoView {
    let StripFacts { kill_switch: switch, workers, scheduler, at_work, alerts, .. } = facts;
    let nobody = (at_work == 0 && workers.is_none()).then(|| {
        view! {
            <div class="banner" role="status">
                <span>"No worker is at work: no job starts."</span>
                <a href="/admin/workers">"Open the workers"</a>
            </div>
        }
    });
    let alerted = (alerts.critical > 0).then(|| {
        let what = match alerts.critical {
            1 => "1 critical alert fires, and nobody takes care of it yet.".to_owned(),
            n => format!(
                "{} critical alerts fire, and nobody takes care of them yet.",
                format::count(n)
            ),
        };
        view! {
            <div class="banner" role="status">
                <span>{what}</span>
                <a href="/admin/alerts">"Open the alerts"</a>
            </div>
        }
    });
    let killed = switch.active.then(|| Stop {
        reason: switch.reason.unwrap_or_default(),
        by: switch.changed_by.unwrap_or_default(),
        at: switch.changed_at.unwrap_or(facts.as_of),
    });
    let levers = [
        (killed, "The kill switch is on", "no job starts", "kill switch", "/admin/kill-switch"),
        (workers, "All workers are stopped", "no job starts", "workers", "/admin/workers"),
        (scheduler, "The scheduler is stopped", "no schedule ticks", "workers", "/admin/workers"),
    ];
    let banners: Vec<_> = levers
        .into_iter()
        .filter_map(|(stop, what, effect, lever, href)| {
            let Stop { reason, by, at } = stop?;
            Some(view! {
                <div class="banner" role="status">
                    <span>{format!("{what} since {}: {effect}.", clock(at))}</span>
                    <span>{format!("“{reason}”, {by}")}</span>
                    <a href=href>{format!("Open the {lever}")}</a>
                </div>
            })
        })
        .collect();
    let now = facts.as_of;
    view! { <div class="banners"><SessionBanner now /> {nobody} {alerted} {banners}</div> }
        .into_any()
}
