//! Icons, always beside words.

use leptos::prelude::*;

/// The icon `name` of the sprite.
#[component]
pub(crate) fn Icon(name: &'static str) -> impl IntoView {
    view! {
        <svg class="icon" aria-hidden="true">
            <use href=format!("/icons.svg#{name}") />
        </svg>
    }
    .into_any()
}

/// The product's mark.
#[component]
pub(crate) fn Mark(#[prop(optional)] class: &'static str) -> impl IntoView {
    view! {
        <svg class=class aria-hidden="true" viewBox="0 0 32 32">
            <use href="/mark.svg#mark" />
        </svg>
    }
    .into_any()
}
