//! An empty list says why it is empty.

use leptos::prelude::*;

/// `title` says what is missing, `why` the reason; the children are ways on.
#[component]
pub(crate) fn Empty(
    #[prop(into)] title: String,
    #[prop(into)] why: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <h2>{title}</h2>
            <p>{why}</p>
            {children.map(|children| view! { <div class="actions">{children()}</div> })}
        </div>
    }
    .into_any()
}
