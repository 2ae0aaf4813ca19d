//! The panel beside a page's main matter.

use leptos::prelude::*;

/// What is known of the thing that the page is about, as a list of names and values.
#[component]
pub(crate) fn FactsPanel(label: &'static str, children: Children) -> impl IntoView {
    view! {
        <aside class="panel" aria-label=label>
            <h2>"Facts"</h2>
            {children()}
        </aside>
    }
    .into_any()
}
