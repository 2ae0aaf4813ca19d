//! How each kind of job did, and what stands in each queue (OP-8).

use leptos::prelude::*;
use signalbox_model::format;
use signalbox_model::metrics::{KindMetrics, QueueDepth, SUCCESS_ALARM_PERCENT};

use crate::components::aspect::{Aspect, State};
use crate::components::scroll::{Head, Scroll};
use crate::components::time::MaybeTime;
use crate::overview::{capped, tenths};

/// The kinds.
#[component]
pub(super) fn KindTable(metrics: Vec<KindMetrics>) -> impl IntoView {
    if metrics.is_empty() {
        return view! { <p class="hint">"Nothing ran in the last 24 h."</p> }.into_any();
    }
    let rows: Vec<_> = metrics.into_iter().map(|kind| view! { <KindRow kind /> }).collect();
    view! {
        <Scroll label="Table of metrics by job type">
            <table>
                <Head columns=&[
                    "Type",
                    "#Total",
                    "#Completed",
                    "#Failed",
                    "#Running",
                    "#Success",
                    "#Average",
                    "#p95",
                    "Last success",
                ] />
                <tbody>{rows}</tbody>
            </table>
        </Scroll>
    }
    .into_any()
}

#[component]
fn KindRow(kind: KindMetrics) -> impl IntoView {
    let duration = |ms: Option<i64>| ms.map_or("–".to_owned(), format::duration_ms);
    let success = match kind.success_rate {
        None => view! { <span class="muted">"–"</span> }.into_any(),
        Some(rate) => {
            let aspect = if 100.0 * rate < SUCCESS_ALARM_PERCENT as f64 {
                Aspect::Danger
            } else {
                Aspect::Clear
            };
            view! { <State of=aspect word=format!("{} %", tenths((rate * 1000.0) as i64)) /> }
                .into_any()
        }
    };
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/admin/jobs?kind={}", kind.job_type)>{kind.job_type.clone()}</a>
            </th>
            <td class="num">{format::count(kind.total)}</td>
            <td class="num">{format::count(kind.completed)}</td>
            <td class="num">{format::count(kind.failed)}</td>
            <td class="num">{format::count(kind.running)}</td>
            <td class="num">{success}</td>
            <td class="num">{duration(kind.avg_duration_ms)}</td>
            <td class="num">{duration(kind.p95_duration_ms)}</td>
            <td class="nowrap">
                <MaybeTime at=kind.last_success_at />
            </td>
        </tr>
    }
    .into_any()
}

/// The queues.
#[component]
pub(super) fn QueueTable(queues: Vec<QueueDepth>) -> impl IntoView {
    if queues.is_empty() {
        return view! { <p class="hint">"Nothing waits and nothing runs."</p> }.into_any();
    }
    let rows: Vec<_> = queues
        .into_iter()
        .map(|depth| {
            view! {
                <tr>
                    <th scope="row">{depth.queue}</th>
                    <td>{depth.kind}</td>
                    <td class="num">{capped(depth.available)}</td>
                    <td class="num">{capped(depth.scheduled)}</td>
                    <td class="num">{format::count(depth.running)}</td>
                    <td class="nowrap">
                        <MaybeTime at=depth.oldest_waiting_since />
                    </td>
                </tr>
            }
        })
        .collect();
    view! {
        <Scroll label="Table of queue depths">
            <table>
                <Head columns=&[
                    "Queue",
                    "Type",
                    "#Waiting",
                    "#Scheduled",
                    "#Running",
                    "Oldest waits since",
                ] />
                <tbody>{rows}</tbody>
            </table>
        </Scroll>
    }
    .into_any()
}
