//! How the whole did over time, and what happened meanwhile.

use leptos::prelude::*;
use signalbox_model::format;
use signalbox_model::metrics::{DEAD_LETTERS_ALARM, SUCCESS_ALARM_PERCENT};
use signalbox_model::system_log::LogLevel;
use signalbox_model::trend::{Span, TrendPoint, Trends};

use crate::components::aspect::{Aspect, of_level};
use crate::components::log_table::LogTable;
use crate::components::query::Query;
use crate::components::scroll::{Head, Scroll};
use crate::components::time::{day_and_minute, minute};
use crate::components::trend_chart::{Plot, Series, Stroke, TrendChart};

/// The choice of the span, the charts, their table, and the moments that explain them.
#[component]
pub(super) fn TrendsSection(trends: Trends, query: Query) -> impl IntoView {
    let chosen = trends.span;
    let choices: Vec<_> = Span::ALL
        .into_iter()
        .map(|span| {
            view! {
                <li>
                    <a
                        href=query.with("span", span.name())
                        aria-current=(span == chosen).then_some("true")
                    >
                        {words(span)}
                    </a>
                </li>
            }
        })
        .collect();
    let logs = StoredValue::new(trends.moments.clone());
    view! {
        <section class="stack" aria-labelledby="trends">
            <div class="section-head">
                <h2 id="trends" tabindex="-1">
                    {format!("The last {}", words(chosen))}
                </h2>
                <nav class="filters" aria-label="How far to look back">
                    <ul>{choices}</ul>
                </nav>
            </div>
            <Charts trends=trends.clone() />
            <Table trends />
            <LogTable
                caption="What moved a lever or a breaker"
                logs=Signal::derive(move || logs.get_value())
            />
        </section>
    }
    .into_any()
}

const fn words(span: Span) -> &'static str {
    match span {
        Span::Hour => "hour",
        Span::SixHours => "6 hours",
        Span::Day => "24 hours",
        Span::Week => "7 days",
    }
}

#[component]
fn Charts(trends: Trends) -> impl IntoView {
    let Trends { span, points, moments, .. } = trends;
    let of = |value: fn(&TrendPoint) -> Option<i64>| points.iter().map(value).collect::<Vec<_>>();
    let line = |name, aspect, values| Series { name, aspect, stroke: Stroke::Line, values };
    let steps: Vec<_> = points.iter().map(|point| point.at).collect();
    // The worst last, and so on top where several fall into one step.
    let marks: Vec<_> = [LogLevel::Info, LogLevel::Warn, LogLevel::Error]
        .into_iter()
        .flat_map(|level| moments.iter().filter(move |moment| moment.level == level))
        .filter_map(|moment| {
            let at = steps.iter().rposition(|step| *step <= moment.created_at)?;
            Some((at, of_level(moment.level).0))
        })
        .collect();
    let plot = |title, write, at_least, threshold| Plot {
        title,
        write,
        at_least,
        threshold,
        steps: steps.clone(),
        write_step: if span == Span::Week { day_and_minute } else { minute },
        marks: marks.clone(),
    };
    let runs = vec![
        Series {
            name: "completed",
            aspect: Aspect::Clear,
            stroke: Stroke::Bars,
            values: of(|point| Some(point.completed)),
        },
        Series {
            name: "failed",
            aspect: Aspect::Danger,
            stroke: Stroke::Bars,
            values: of(|point| Some(point.failed)),
        },
    ];
    let success = vec![line("succeeded", Aspect::Running, of(TrendPoint::success_percent))];
    let latency = vec![
        Series {
            name: "p95",
            aspect: Aspect::Held,
            stroke: Stroke::Dashed,
            values: of(|point| point.p95_ms),
        },
        line("median", Aspect::Running, of(|point| point.p50_ms)),
    ];
    let depth = vec![line("waiting", Aspect::Running, of(|point| point.waiting))];
    let running = vec![line("running", Aspect::Running, of(|point| point.running))];
    let dead = vec![line("pending", Aspect::Danger, of(|point| point.dead))];
    let percent = |value: i64| format!("{value} %");
    view! {
        <div class="trends">
            <TrendChart
                plot=plot(per_step(span), format::count, 2, None)
                series=runs
                nothing="No run ended."
            />
            <TrendChart
                plot=plot(
                    "Success, % of the runs that ended",
                    percent,
                    100,
                    Some((SUCCESS_ALARM_PERCENT, "alarm below")),
                )
                series=success
                nothing="No run ended: there is no share of them."
            />
            <TrendChart
                plot=plot("Jobs due and waiting", format::count, 2, None)
                series=depth
                nothing="Nothing waited."
            />
            <TrendChart
                plot=plot("Jobs running, counted once a minute", format::count, 2, None)
                series=running
                nothing="Nothing ran when it was counted."
            />
            <TrendChart
                plot=plot("Duration of completed runs", format::duration_ms, 10, None)
                series=latency
                nothing="No run completed."
            />
            <TrendChart
                plot=plot(
                    "Dead letters",
                    format::count,
                    DEAD_LETTERS_ALARM,
                    Some((DEAD_LETTERS_ALARM, "alarm from here")),
                )
                series=dead
                nothing="No letter was pending."
            />
        </div>
    }
    .into_any()
}

const fn per_step(span: Span) -> &'static str {
    match span {
        Span::Hour => "Runs ended per minute",
        Span::SixHours => "Runs ended per 5 min",
        Span::Day => "Runs ended per 15 min",
        Span::Week => "Runs ended per 2 h",
    }
}

#[component]
fn Table(trends: Trends) -> impl IntoView {
    let counted = |value: Option<i64>| value.map_or_else(|| "–".to_owned(), format::count);
    let took = |ms: Option<i64>| ms.map_or_else(|| "–".to_owned(), format::duration_ms);
    let rows: Vec<_> = trends
        .points
        .iter()
        .rev()
        .map(|point| {
            let cells = [
                format::count(point.completed),
                format::count(point.failed),
                point
                    .success_percent()
                    .map_or_else(|| "–".to_owned(), |share| format!("{share} %")),
                took(point.p50_ms),
                took(point.p95_ms),
                counted(point.waiting),
                counted(point.running),
                counted(point.dead),
            ];
            let cells = cells.map(|cell| view! { <td class="num">{cell}</td> });
            view! {
                <tr>
                    <th scope="row" class="nowrap">
                        {day_and_minute(point.at)}
                    </th>
                    {cells.into_iter().collect::<Vec<_>>()}
                </tr>
            }
        })
        .collect();
    view! {
        <details class="more">
            <summary>"The charts as a table"</summary>
            <Scroll label="The charts as a table">
                <table>
                    <Head columns=&[
                        "From",
                        "#Completed",
                        "#Failed",
                        "#Success",
                        "#Median",
                        "#p95",
                        "#Waiting",
                        "#Running",
                        "#Dead letters",
                    ] />
                    <tbody>{rows}</tbody>
                </table>
            </Scroll>
        </details>
    }
    .into_any()
}
