//! Tables scroll in a labelled region of their own, so that the page never does sideways.

use leptos::prelude::*;

/// The region.
#[component]
pub(crate) fn Scroll(label: &'static str, children: Children) -> impl IntoView {
    view! {
        <div class="scroll" role="region" aria-label=label tabindex="0">
            {children()}
        </div>
    }
    .into_any()
}

/// The head row of a table; a column whose name begins with `#` holds numbers, and one that
/// begins with `!` holds the row's buttons.
#[component]
pub(crate) fn Head(columns: &'static [&'static str]) -> impl IntoView {
    let cells: Vec<_> = columns
        .iter()
        .map(|name| {
            if let Some(name) = name.strip_prefix('!') {
                return view! {
                    <th scope="col" class="row-actions">
                        <span class="unseen">{name}</span>
                    </th>
                }
                .into_any();
            }
            let class = if name.starts_with('#') { "num" } else { "" };
            view! {
                <th scope="col" class=class>
                    {name.trim_start_matches('#')}
                </th>
            }
            .into_any()
        })
        .collect();
    view! {
        <thead>
            <tr>{cells}</tr>
        </thead>
    }
    .into_any()
}
