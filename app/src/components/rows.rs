//! The rows of a list that lives: one whose key stays is left alone by an update.

use std::fmt::Display;

use leptos::prelude::*;

/// Draws each of `each`, keyed. All lists share one piece of code in the browser.
#[component]
pub(crate) fn Rows<T, K, V>(
    /// The things to list, in their order.
    each: impl Fn() -> Vec<T> + Send + Sync + 'static,
    /// What a row depends on.
    key: impl Fn(&T) -> K + Send + Sync + 'static,
    /// Draws one.
    children: impl Fn(T) -> V + Clone + Send + Sync + 'static,
) -> impl IntoView
where
    T: Send + 'static,
    K: Display,
    V: IntoView + 'static,
{
    drawn(Box::new(move || {
        let row = |one: T| {
            let (key, draw) = (key(&one).to_string(), children.clone());
            Row { key, draw: Box::new(move || draw(one).into_any()) }
        };
        each().into_iter().map(row).collect()
    }))
}

struct Row {
    key: String,
    draw: Box<dyn FnOnce() -> AnyView + Send>,
}

fn drawn(rows: Box<dyn Fn() -> Vec<Row> + Send + Sync>) -> AnyView {
    view! { <For each=rows key=|row| row.key.clone() children=|row| (row.draw)() /> }.into_any()
}
