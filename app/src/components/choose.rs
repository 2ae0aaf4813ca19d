//! Choosing rows of a list, to act on them together.

use leptos::prelude::*;
use leptos_router::params::ParamsMap;

use crate::console::Console;
use crate::edge;

/// The form that the rows' check boxes belong to.
const SELECTION: &str = "selection";

/// The number of a form of which no row was chosen: nothing has it.
const NOTHING: i64 = 0;

/// The form that leads with the chosen rows to `page`, where what is done with them is previewed.
#[component]
pub(crate) fn ActOnChosen(
    /// Such as "jobs".
    things: &'static str,
    page: &'static str,
    /// Each with its stable name, and as a sentence begins.
    actions: Vec<(&'static str, &'static str)>,
) -> impl IntoView {
    let buttons: Vec<_> = actions
        .into_iter()
        .map(|(name, verb)| {
            view! {
                <button class="button small" name="action" value=name>
                    {verb}
                    "…"
                </button>
            }
        })
        .collect();
    view! {
        <form
            id=SELECTION
            class="inline"
            method="get"
            action=page
            aria-label=format!("Act on the chosen {things}")
        >
            <input type="hidden" name="chosen" value="1" />
            <span class="muted">{format!("Chosen {things}:")}</span>
            {buttons}
        </form>
    }
    .into_any()
}

/// The rows that such a form has brought; none where the address is not one of its.
pub(crate) fn chosen(search: &ParamsMap) -> Option<Vec<i64>> {
    match search.get_all("id") {
        Some(ids) => Some(ids.iter().filter_map(|id| id.parse().ok()).collect()),
        None => search.get("chosen").map(|_| vec![NOTHING]),
    }
}

/// A row's check box. While any is checked nothing is brought up to date: the rows stay where they
/// are.
#[component]
pub(crate) fn ChooseRow(
    id: i64,
    #[prop(into)] label: String,
    /// The row cannot be acted on.
    #[prop(optional)]
    disabled: bool,
) -> impl IntoView {
    let held = Console::get().held;
    on_cleanup(move || held.set(false));
    view! {
        <input
            type="checkbox"
            name="id"
            value=id
            form=SELECTION
            disabled=disabled
            aria-label=label
            on:change=move |_| held.set(edge::any_row_is_chosen())
        />
    }
    .into_any()
}
