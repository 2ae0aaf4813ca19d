//! Bars over days, with a scale and a table of the same numbers.

use leptos::prelude::*;
use signalbox_model::format;

use super::scroll::{Head, Scroll};

/// The plot's place in the drawing of 640 by 190.
const LEFT: i64 = 44;
const WIDTH: i64 = 588;
const TOP: i64 = 12;
const BASE: i64 = 160;

/// `bars` from left to right: a day (`2026-01-31`), and how many.
#[component]
pub(crate) fn BarChart(
    /// What is counted, with its unit and range.
    title: &'static str,
    bars: Vec<(String, i64)>,
) -> impl IntoView {
    let top = nice_top(bars.iter().map(|(_, n)| *n).max().unwrap_or(0));
    let step = WIDTH / i64::try_from(bars.len()).unwrap_or(1).max(1);
    let y = move |n: i64| BASE - n * (BASE - TOP) / top;
    let grid: Vec<_> = (0..=4)
        .map(|quarter| {
            let n = top * quarter / 4;
            view! {
                <g>
                    <path class="grid" d=format!("M{LEFT} {}H{}", y(n), LEFT + WIDTH) />
                    <text x="38" y=y(n) + 4 text-anchor="end">
                        {format::count(n)}
                    </text>
                </g>
            }
        })
        .collect();
    // About six labels fit.
    let every = bars.len().div_ceil(6).max(1);
    let columns: Vec<_> = (LEFT..)
        .step_by(usize::try_from(step).unwrap_or(1).max(1))
        .zip(bars.iter().enumerate())
        .map(|(x, (i, (label, n)))| {
            let named = i % every == 0;
            view! {
                <g class="state-running">
                    <rect
                        class="bar"
                        x=x + step / 6
                        y=y(*n)
                        width=step * 2 / 3
                        height=BASE - y(*n)
                    />
                    <text x=x + step / 2 y="178" text-anchor="middle">
                        {named.then(|| label.get(5..).unwrap_or_default().to_owned())}
                    </text>
                </g>
            }
        })
        .collect();
    let rows: Vec<_> = bars
        .into_iter()
        .map(|(label, n)| {
            view! {
                <tr>
                    <th scope="row">{label}</th>
                    <td class="num">{format::count(n)}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <figure class="chart">
            <figcaption>
                <strong>{title}</strong>
            </figcaption>
            <div
                class="scroll plot"
                role="region"
                aria-label=format!("Chart: {title}")
                tabindex="0"
            >
                <svg viewBox="0 0 640 190" role="img" aria-label=title>
                    {grid}
                    {columns}
                    <path class="axis" d=format!("M{LEFT} {BASE}H{}", LEFT + WIDTH) />
                </svg>
            </div>
            <details class="more">
                <summary>"The same as a table"</summary>
                <Scroll label=title>
                    <table>
                        <Head columns=&["Day, UTC", "#Count"] />
                        <tbody>{rows}</tbody>
                    </table>
                </Scroll>
            </details>
        </figure>
    }
    .into_any()
}

/// The least of 4, 8, 20, 40, 80, 200 … that holds `max`: its quarters are whole numbers.
fn nice_top(max: i64) -> i64 {
    let mut unit = 1;
    loop {
        for factor in [4, 8, 20] {
            if max <= factor * unit {
                return factor * unit;
            }
        }
        unit *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::nice_top;

    #[test]
    fn the_scale_holds_the_largest_bar_and_has_whole_quarters() {
        for (max, top) in [(0, 4), (4, 4), (5, 8), (9, 20), (21, 40), (81, 200), (999, 2000)] {
            assert_eq!(nice_top(max), top);
        }
    }
}
