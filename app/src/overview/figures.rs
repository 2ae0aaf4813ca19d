//! The overview's figures and its stages as a table.

use leptos::prelude::*;
use signalbox_model::format;
use signalbox_model::metrics::{COUNT_CAP, Overview};

use super::api::OverviewFacts;
use crate::components::aspect::State;
use crate::components::scroll::{Head, Scroll};
use crate::components::track_diagram::Line;

/// A capped count.
pub(crate) fn capped(n: i64) -> String {
    if n >= COUNT_CAP { "10k+".to_owned() } else { format::count(n) }
}

/// A number of tenths as a decimal.
pub(crate) fn tenths(n: i64) -> String {
    format!("{}.{}", n / 10, n % 10)
}

/// One figure: name, value, unit, note.
#[component]
pub(crate) fn Figure(
    name: &'static str,
    #[prop(into)] value: String,
    #[prop(optional)] unit: &'static str,
    #[prop(into)] note: String,
) -> impl IntoView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>{value}<span class="unit">{unit}</span></dd>
            <dd class="note">{note}</dd>
        </div>
    }
    .into_any()
}

/// The figures.
#[component]
pub(super) fn Figures(facts: OverviewFacts) -> impl IntoView {
    let Overview { metrics, queues, .. } = &facts.overview;
    let total: i64 = metrics.iter().map(|kind| kind.total).sum();
    let completed: i64 = metrics.iter().map(|kind| kind.completed).sum();
    let failed: i64 = metrics.iter().map(|kind| kind.failed).sum();
    let success = if total == 0 { "–".to_owned() } else { tenths(completed * 1000 / total) };
    let p95 = metrics.iter().filter_map(|kind| kind.p95_duration_ms).max();
    let p95 = p95.map_or("–".to_owned(), format::duration_ms);
    let waiting: i64 = queues.iter().map(|queue| queue.available).sum();
    let scheduled: i64 = queues.iter().map(|queue| queue.scheduled).sum();
    let running: i64 = queues.iter().map(|queue| queue.running).sum();
    view! {
        <dl class="figures">
            <Figure
                name="Success, 1 h"
                value=success
                unit="%"
                note=format!("{} failed of {}", format::count(failed), format::count(total))
            />
            <Figure
                name="Waiting"
                value=capped(waiting)
                unit="jobs"
                note=format!("{} more are scheduled", capped(scheduled))
            />
            <Figure name="Running" value=format::count(running) unit="jobs" note="on all workers" />
            <Figure name="Slowest p95, 1 h" value=p95 note="of all kinds" />
            <Figure
                name="Domains today"
                value=format::count(facts.domains.today)
                unit="new"
                note=format!("{} in 7 days", format::count(facts.domains.week))
            />
        </dl>
    }
    .into_any()
}

/// The line as a table.
#[component]
pub(super) fn Stages(line: Line, overview: Overview) -> impl IntoView {
    let rows: Vec<_> = line
        .stages
        .into_iter()
        .map(|stage| {
            let metrics = overview.metrics.iter().find(|kind| kind.job_type == stage.kind);
            let done = metrics.map_or(0, |kind| kind.completed);
            let p95 = metrics.and_then(|kind| kind.p95_duration_ms);
            let running = match stage.limit {
                Some(limit) => format!("{} of {limit}", stage.running),
                None => stage.running.to_string(),
            };
            let signal = match stage.signal {
                Some(signal) => {
                    let word = format!("{} {}", signal.provider, signal.word);
                    view! { <State of=signal.aspect word /> }.into_any()
                }
                None => view! { <span class="muted">"none"</span> }.into_any(),
            };
            view! {
                <tr>
                    <th scope="row">
                        <a href=format!("/admin/jobs?kind={}", stage.kind)>{stage.name}</a>
                    </th>
                    <td>{signal}</td>
                    <td class="num">{capped(stage.waiting)}</td>
                    <td class="num">{stage.oldest.unwrap_or_else(|| "–".to_owned())}</td>
                    <td class="num">{running}</td>
                    <td class="num">{format::count(done)}</td>
                    <td class="num">{p95.map_or("–".to_owned(), format::duration_ms)}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <Scroll label="The Domains line as a table">
            <table>
                <caption>"Stages of the Domains line"</caption>
                <Head columns=&[
                    "Stage",
                    "Signal",
                    "#Waiting",
                    "#Oldest",
                    "#Running",
                    "#Done, 1 h",
                    "#p95, 1 h",
                ] />
                <tbody>{rows}</tbody>
            </table>
        </Scroll>
    }
    .into_any()
}
