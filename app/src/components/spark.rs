//! A trend as a small line in a table cell.

use leptos::prelude::*;

/// The line of `counts`, the oldest first; `label` says it in words.
#[component]
pub(crate) fn Spark(counts: Vec<i64>, label: String) -> impl IntoView {
    let top = counts.iter().copied().max().unwrap_or(0).max(1);
    let steps = i64::try_from(counts.len()).unwrap_or(2).max(2) - 1;
    let points: Vec<_> = counts
        .iter()
        .zip(0_i64..)
        .map(|(n, at)| format!("{},{}", at * 96 / steps, 20 - n * 18 / top))
        .collect();
    let line = format!("M{}", points.join("L"));
    view! {
        <svg class="spark" viewBox="0 0 96 22" role="img" aria-label=label>
            <path class="base" d="M0 20.5H96" />
            <path class="line" d=line />
        </svg>
    }
    .into_any()
}
