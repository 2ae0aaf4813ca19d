//! An empty list says why it is empty.

use leptos::prelude::*;

/// The row of an empty table that says so, as long as `none` is so.
#[component]
pub(crate) fn EmptyRow(
    none: Memo<bool>,
    /// How many columns the table has.
    columns: &'static str,
    says: &'static str,
) -> impl IntoView {
    move || {
        none.get().then(|| {
            view! {
                <tr>
                    <td colspan=columns class="muted">
                        {says}
                    </td>
                </tr>
            }
        })
    }
}

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
