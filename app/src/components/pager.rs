//! From page to page of a list that is read by keyset.

use leptos::prelude::*;
use signalbox_model::format;
use signalbox_model::page::Page;

use super::query::Query;

/// Says how many rows are shown, with links to the first and to the next page. `query` is the
/// list's own address, of which only the cursor changes.
#[component]
fn Pager(
    /// Such as "50 jobs, newest first".
    #[prop(into)]
    shown: String,
    query: Query,
    next_cursor: Option<i64>,
) -> impl IntoView {
    let first = query.get("cursor").is_some().then(|| query.without("cursor"));
    let next = next_cursor.map(|cursor| query.with("cursor", &cursor.to_string()));
    view! {
        <nav class="pager" aria-label="Pages">
            <span>{shown}</span>
            <div class="actions">
                {first
                    .map(|href| {
                        view! {
                            <a class="button small" href=href>
                                "Newest"
                            </a>
                        }
                    })}
                {next
                    .map(|href| {
                        view! {
                            <a class="button small" href=href rel="next">
                                "Older"
                            </a>
                        }
                    })}
            </div>
        </nav>
    }
    .into_any()
}

/// The pager of a page of `one` or `many`, which are listed with the newest first.
pub(crate) fn pager<T>(
    page: &Page<T>,
    one: &str,
    many: &str,
    query: Query,
) -> impl IntoView + use<T> {
    let count = i64::try_from(page.items.len()).unwrap_or(i64::MAX);
    let shown = format!("{}, newest first", format::plural(count, one, many));
    view! { <Pager shown query next_cursor=page.next_cursor /> }
}
