//! What a list is filtered by, each to be taken away by itself, or all at once.

use leptos::prelude::*;

use super::query::Query;

/// A chip for each filter of `names` that `query` has, by the label beside it.
pub(crate) fn chips(query: &Query, names: &[(&str, &str)]) -> impl IntoView + use<> {
    let chips: Vec<_> = names
        .iter()
        .filter_map(|(name, label)| {
            let value = query.text(name)?;
            Some(view! {
                <a class="chip" href=query.without(name)>
                    {format!("{label}: {value}")}
                    <span class="unseen">", remove this filter"</span>
                </a>
            })
        })
        .collect();
    if chips.is_empty() {
        return ().into_any();
    }
    view! {
        <div class="filters">
            {chips} <a href="?">"Clear all"</a>
        </div>
    }
    .into_any()
}
