//! Buttons that send a form, once.

use leptos::prelude::*;

/// A button that is disabled while its form's command is under way.
#[component]
pub(crate) fn Submit(
    /// Whether the command is under way.
    #[prop(into)]
    pending: Signal<bool>,
    /// Its class.
    #[prop(default = "button")]
    class: &'static str,
    children: Children,
) -> impl IntoView {
    view! {
        <button
            class=class
            disabled=move || pending.get()
            aria-busy=move || pending.get().then_some("true")
        >
            {children()}
        </button>
    }
    .into_any()
}
