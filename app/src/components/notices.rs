//! What happened: the outcome of the last command.

use std::time::Duration;

use leptos::prelude::*;

use crate::console::Console;
use crate::notice::{Notice, Tone};

/// How long a success stays in its corner. A failure, or a secret, stays until it is dismissed.
const DONE_STAYS: Duration = Duration::from_secs(10);

/// The outcome that came with the page, where JavaScript was off: in the page's flow.
#[component]
pub(crate) fn Outcome() -> impl IntoView {
    let console = Console::get();
    let outcome = move || console.notice.get().filter(|_| !console.notice_is_new.get());
    move || outcome().map(|notice| view! { <Shown notice /> })
}

/// Outcomes of this window's commands: in a corner, so that they are seen wherever the page is
/// scrolled to. The region is there from the start, so that what appears in it is read out.
#[component]
pub(crate) fn Toasts() -> impl IntoView {
    let console = Console::get();
    let outcome = move || console.notice.get().filter(|_| console.notice_is_new.get());
    Effect::new(move |_| {
        let passes = |notice: Notice| notice.tone == Tone::Done && notice.secret.is_none();
        if !outcome().is_some_and(passes) {
            return;
        }
        let clear = move || console.notice.set(None);
        if let Ok(timer) = set_timeout_with_handle(clear, DONE_STAYS) {
            on_cleanup(move || timer.clear());
        }
    });
    view! {
        <div class="toasts" aria-live="polite">
            {move || outcome().map(|notice| view! { <Shown notice /> })}
        </div>
    }
    .into_any()
}

#[component]
fn Shown(notice: Notice) -> impl IntoView {
    let console = Console::get();
    let (class, role) = match notice.tone {
        Tone::Done => ("notice notice-ok", "status"),
        Tone::Failed => ("notice notice-danger", "alert"),
    };
    let dismiss = move || {
        console.notice_is_new.get().then(|| {
            view! {
                <button
                    type="button"
                    class="button quiet small"
                    on:click=move |_| console.notice.set(None)
                >
                    "Dismiss"
                </button>
            }
        })
    };
    view! {
        <div class=class role=role>
            <div>
                <strong>{notice.text}</strong>
                " "
                {notice.secret.map(|secret| view! { <Secret secret /> })}
                {notice.link.map(|(href, label)| view! { <a href=href>{label}</a> })}
            </div>
            {dismiss}
        </div>
    }
    .into_any()
}

/// What is shown this once, to be copied by whoever sees it.
#[component]
fn Secret(secret: String) -> impl IntoView {
    view! {
        <input
            class="id"
            type="text"
            readonly
            aria-label="Shown this once: copy it now"
            value=secret
        />
    }
}
