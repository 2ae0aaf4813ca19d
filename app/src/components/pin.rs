//! Keeps a list whose newest rows come first from moving under its reader: what has come since is
//! announced, and shown when it is asked for.

use leptos::prelude::*;
use signalbox_model::page::NEWER_CAP;

use super::query::Query;
use crate::console::Console;

/// Where a list stood when it was read.
#[derive(Clone, Copy)]
pub(crate) struct Pin {
    query: Memo<Query>,
    /// The list's filters, how many commands had been given, and the newest row then.
    at: StoredValue<Option<(Query, u32, i64)>>,
}

impl Pin {
    /// For the list that `query` filters.
    pub(crate) fn new(query: Memo<Query>) -> Pin {
        Pin { query, at: StoredValue::new(None) }
    }

    /// The newest row to show; none where the list is to be read from its very top: at first, with
    /// other filters, and after a command of one's own.
    pub(crate) fn newest(&self) -> Option<i64> {
        let (query, commands) = self.now();
        let (of, after, newest) = self.at.get_value()?;
        (of == query && after == commands).then_some(newest)
    }

    /// The list has been read, and `first` is its newest row.
    pub(crate) fn keep(&self, first: Option<i64>) {
        let (query, commands) = self.now();
        if query.get("cursor").is_none()
            && self.newest().is_none()
            && let Some(first) = first
        {
            self.at.set_value(Some((query, commands, first)));
        }
    }

    /// The list is read from its very top again.
    fn release(&self) {
        self.at.set_value(None);
        Console::get().ask_again();
    }

    /// What a pin holds for. Nobody is told when that changes: whoever asks, asks again then anyway.
    fn now(&self) -> (Query, u32) {
        (self.query.get_untracked(), Console::get().commands.get_value())
    }
}

/// How many rows have come since the list was read, as the button that shows them.
#[component]
pub(crate) fn Newer(
    /// How many.
    count: Signal<i64>,
    /// Such as "job".
    one: &'static str,
    /// Such as "jobs".
    many: &'static str,
    pin: Pin,
) -> impl IntoView {
    let words = move || {
        let n = count.get();
        let more = if n >= NEWER_CAP { "+" } else { "" };
        format!("{n}{more} new {}", if n == 1 { one } else { many })
    };
    let shown = Memo::new(move |_| count.get() > 0);
    view! {
        <div class="newer" role="status">
            {move || {
                shown
                    .get()
                    .then(|| {
                        view! {
                            <button class="button small" on:click=move |_| pin.release()>
                                {words}
                            </button>
                        }
                    })
            }}
        </div>
    }
    .into_any()
}
