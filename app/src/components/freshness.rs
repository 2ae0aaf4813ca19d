//! How fresh the figures under it are, and where they come from.

use leptos::prelude::*;
use signalbox_model::matview::Freshness;

use super::time::second;

/// Source and moment in a line.
#[component]
pub(crate) fn FreshnessLine(freshness: Freshness) -> impl IntoView {
    view! {
        <p class="hint">
            {freshness.words()} ", as of " {move || second(freshness.as_of)} "."
        </p>
    }
    .into_any()
}
