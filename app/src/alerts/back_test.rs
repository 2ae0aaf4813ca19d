//! What an alert rule would have found with another threshold or duration.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};
use signalbox_model::alert::{
    BackTest, FOR_MINUTES_BOUND, Found, Rule, Side, TriedRule, WouldFire, rule_named,
};
use signalbox_model::format;

use super::api::{BackTestAlertRule, RuleTestFacts};
use crate::components::aspect::Aspect;
use crate::components::field::Field;
use crate::components::live::{on_demand, page, part};
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::scroll::{Head, Scroll};
use crate::components::time::{Time, day_and_minute, minute};
use crate::components::trend_chart::{Plot, Series, Stroke, TrendChart};

/// The page.
#[component]
pub(crate) fn AlertBackTestPage() -> impl IntoView {
    let params = use_params_map();
    let search = use_location().query;
    let name = move || params.with(|params| params.get("rule").unwrap_or_default());
    let tried = move || {
        search.with(|search| {
            let number = |name: &str| search.get(name)?.parse().ok();
            TriedRule { threshold: number("threshold"), for_minutes: number("forMinutes") }
        })
    };
    page(
        on_demand(move || BackTestAlertRule { name: name(), tried: tried() }),
        |facts: &RuleTestFacts| (format!("Back-test of {}", facts.rule.title), facts.as_of),
        move |facts| part(move || view! { <Tested facts=facts.get() tried=tried() /> }),
    )
}

#[component]
fn Tested(facts: RuleTestFacts, tried: TriedRule) -> impl IntoView {
    let RuleTestFacts { rule, tried: tested, .. } = facts;
    let (now, rest) = said(&tested);
    let here = format!("{}, back-test", rule.title);
    let unit = rule_named(&rule.name).and_then(|spec| spec.threshold).map(|of| of.unit);
    let found = tested.ok().and_then(|tested| {
        let BackTest { found, threshold, .. } = tested;
        Some(view! { <FoundPanel found=found? threshold unit below=is_below(&rule) /> })
    });
    view! {
        <Crumbs href="/admin/alerts" label="Alerts" here />
        <PageHead heading=format!("Back-test: {}", rule.title) now rest />
        <div class="columns">
            <Tried rule tried />
            {found}
        </div>
    }
    .into_any()
}

fn is_below(rule: &Rule) -> bool {
    let of = rule_named(&rule.name).and_then(|spec| spec.threshold);
    of.is_some_and(|of| of.side == Side::Below)
}

/// "Below 70 %, it would have fired 3 times in the last 24 h, for 41 min in all."
fn said(tested: &Result<BackTest, String>) -> (String, String) {
    let tested = match tested {
        Ok(tested) => tested,
        Err(problem) => {
            return ("These values are not allowed.".to_owned(), format!("{problem}."));
        }
    };
    let Some(found) = &tested.found else {
        return ("This rule cannot be back-tested.".to_owned(), tested.unknown.clone());
    };
    let hours = tested.hours;
    let now = match found.fired {
        0 => format!("It would not have fired in the last {hours} h."),
        n => format!(
            "It would have fired {} in the last {hours} h, for {} in all.",
            if n == 1 { "once".to_owned() } else { format!("{} times", format::count(n)) },
            format::duration_ms(found.fired_minutes * 60_000),
        ),
    };
    (now, format!("Tried: {}. {}", tested.condition, tested.unknown))
}

#[component]
fn Tried(rule: Rule, tried: TriedRule) -> impl IntoView {
    let bounds = rule_named(&rule.name).and_then(|spec| spec.threshold);
    let threshold = bounds.map(|bounds| {
        let present = rule.threshold.unwrap_or(bounds.default);
        view! {
            <Field
                name="threshold"
                label=format!("Threshold, {} (now {})", bounds.unit, format::count(present))
                kind="number"
                value=tried.threshold.unwrap_or(present).to_string()
                min=bounds.min
                max=bounds.max
            />
        }
    });
    let change = format!("/admin/alerts/{}", rule.name);
    let action = format!("{change}/back-test");
    view! {
        <section class="panel" aria-labelledby="tried">
            <h2 id="tried">"Values to try"</h2>
            <form method="get" action=action>
                {threshold}
                <Field
                    name="forMinutes"
                    label=format!(
                        "Minutes that it must last (now {})",
                        format::count(rule.for_minutes),
                    )
                    kind="number"
                    value=tried.for_minutes.unwrap_or(rule.for_minutes).to_string()
                    min=0
                    max=FOR_MINUTES_BOUND
                />
                <p class="actions">
                    <button class="button primary">"Back-test"</button>
                    <a class="button" href=change>
                        "Change the rule"
                    </a>
                </p>
            </form>
        </section>
    }
    .into_any()
}

#[component]
fn FoundPanel(
    found: Found,
    threshold: Option<i64>,
    unit: Option<&'static str>,
    below: bool,
) -> impl IntoView {
    let chart = unit.map(|unit| {
        let name = if below { "fires below" } else { "fires above" };
        let plot = Plot {
            title: title(unit),
            write: format::count,
            at_least: threshold.unwrap_or(2).max(2),
            threshold: threshold.map(|threshold| (threshold, name)),
            steps: found.points.iter().map(|point| point.at).collect(),
            write_step: minute,
            marks: Vec::new(),
        };
        let measured = Series {
            name: "measured, the worst in 10 min",
            aspect: Aspect::Running,
            stroke: Stroke::Line,
            values: found.points.iter().map(|point| point.worst).collect(),
        };
        view! {
            <TrendChart
                plot
                series=vec![measured]
                nothing="No value above 0 was measured."
            />
            <Values found=found.clone() unit />
        }
    });
    view! {
        <section class="panel" aria-labelledby="found">
            <h2 id="found">"What would have happened"</h2>
            {chart}
            <Alerts alerts=found.alerts fired=found.fired unit />
        </section>
    }
    .into_any()
}

/// What is drawn, by its unit.
fn title(unit: &str) -> &'static str {
    match unit {
        "%" => "The worst share, %",
        "min" => "Time since the last success, min",
        "jobs" => "The longest queue, jobs due and waiting",
        "letters" => "Dead letters pending",
        _ => "The worst value",
    }
}

#[component]
fn Alerts(alerts: Vec<WouldFire>, fired: i64, unit: Option<&'static str>) -> impl IntoView {
    if alerts.is_empty() {
        return view! { <p class="muted">"No alert would have fired."</p> }.into_any();
    }
    let shown = i64::try_from(alerts.len()).unwrap_or(i64::MAX);
    let rest = (fired > shown).then(|| {
        let text = format!("These are the newest {shown} of {}.", format::count(fired));
        view! { <p class="hint">{text}</p> }
    });
    let rows: Vec<_> = alerts
        .into_iter()
        .map(|alert| {
            let worst = unit.map_or_else(
                || "not in order".to_owned(),
                |unit| format!("{} {unit}", format::count(alert.worst)),
            );
            let over = match alert.over_at {
                Some(at) => view! { <Time at /> }.into_any(),
                None => "not yet".into_any(),
            };
            view! {
                <tr>
                    <th scope="row">{alert.subject}</th>
                    <td class="nowrap">
                        <Time at=alert.fired_at />
                    </td>
                    <td class="nowrap">
                        {over}
                    </td>
                    <td class="num">{worst}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <Scroll label="Alerts that would have fired">
            <table>
                <Head columns=&["About", "Would have fired", "Over", "#At the worst"] />
                <tbody>{rows}</tbody>
            </table>
        </Scroll>
        {rest}
    }
    .into_any()
}

#[component]
fn Values(found: Found, unit: &'static str) -> impl IntoView {
    let rows: Vec<_> = found
        .points
        .iter()
        .rev()
        .map(|point| {
            let worst = point
                .worst
                .map_or_else(|| "–".to_owned(), |worst| format!("{} {unit}", format::count(worst)));
            view! {
                <tr>
                    <th scope="row" class="nowrap">
                        {day_and_minute(point.at)}
                    </th>
                    <td class="num">{worst}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <details class="more">
            <summary>"The chart as a table"</summary>
            <Scroll label="The chart as a table">
                <table>
                    <Head columns=&["From", "#The worst in 10 min"] />
                    <tbody>{rows}</tbody>
                </table>
            </Scroll>
        </details>
    }
    .into_any()
}
