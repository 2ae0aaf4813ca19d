//! Copying an id or a text to the clipboard, said aloud when it is done.

use leptos::prelude::*;

use crate::console::Console;
use crate::edge;
use crate::notice::Notice;

/// The button. Where JavaScript is off there is none.
#[component]
pub(crate) fn Copy(
    /// What is copied; read when the button is pressed.
    #[prop(into)]
    text: Signal<String>,
    /// What it is, such as "job number".
    what: &'static str,
) -> impl IntoView {
    let console = Console::get();
    let copy = move |_| {
        let said = match edge::copy(&text.get_untracked()) {
            true => Notice::done(format!("Copied: {what}.")),
            false => Notice::failed("This browser does not let pages copy."),
        };
        console.tell(said);
    };
    view! {
        <button
            type="button"
            class="button quiet small copy"
            aria-label=format!("Copy the {what}")
            on:click=copy
        >
            "Copy"
        </button>
    }
    .into_any()
}
