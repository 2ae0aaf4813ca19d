//! Finding by typing: a form whose fields become the filters in the address, and a chip for each.

use leptos::prelude::*;

use super::chips::chips;
use super::query::Query;

/// A field of the form.
pub(crate) struct SearchField {
    /// The filter in the address.
    pub name: &'static str,
    /// What its chip says.
    pub chip: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// What stands in it while it is empty.
    pub hint: &'static str,
}

/// The form that leads to `page`; the last field is the one that `/` goes to.
#[component]
pub(crate) fn Search(
    page: &'static str,
    label: &'static str,
    fields: &'static [SearchField],
    query: Query,
) -> impl IntoView {
    let inputs: Vec<_> = fields
        .iter()
        .enumerate()
        .map(|(place, field)| {
            let is_last = place + 1 == fields.len();
            view! {
                <input
                    type=if is_last { "search" } else { "text" }
                    name=field.name
                    placeholder=field.hint
                    aria-label=field.label
                    value=query.text(field.name)
                />
            }
        })
        .collect();
    let names: Vec<_> = fields.iter().map(|field| (field.name, field.chip)).collect();
    view! {
        <div class="filters">
            <form method="get" action=page role="search" aria-label=label>
                {inputs}
                <button class="button">"Search"</button>
            </form>
        </div>
        {chips(&query, &names)}
    }
    .into_any()
}
