//! Choosing rows of a list, to act on them together.

use leptos::prelude::*;

use crate::console::Console;
use crate::edge;

/// A row's check box, which belongs to the form with the id `form`. While any is checked nothing is
/// brought up to date: the rows stay where they are.
#[component]
pub(crate) fn ChooseRow(
    id: i64,
    form: &'static str,
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
            form=form
            disabled=disabled
            aria-label=label
            on:change=move |_| held.set(edge::any_row_is_chosen())
        />
    }
    .into_any()
}
