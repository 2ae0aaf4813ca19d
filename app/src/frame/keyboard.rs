//! The keyboard: every page without the mouse. Keys do nothing while somebody types.

use leptos::ev::{KeyboardEvent, keydown};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::{palette, rail};
use crate::console::Console;
use crate::edge;

/// What the other keys do.
const KEYS: [(&str, &str); 7] = [
    ("?", "These keys"),
    ("Ctrl K", "Go anywhere: a page, a job's number, a search"),
    ("/", "To the search field"),
    ("j", "To the next row of the list"),
    ("k", "To the row before"),
    ("x", "Choose the row, or no longer"),
    ("Esc", "Out of a field, or close this"),
];

/// The element of the dialog.
const DIALOG: &str = "keys";

/// Listens to the keys, and holds the dialog that explains them.
#[component]
pub(super) fn Keyboard() -> impl IntoView {
    let console = Console::get();
    let navigate = use_navigate();
    let going = StoredValue::new(false);
    let act = move |event: KeyboardEvent| {
        if (event.ctrl_key() || event.meta_key()) && event.key() == "k" {
            event.prevent_default();
            edge::open_dialog(palette::DIALOG);
            return;
        }
        if event.ctrl_key() || event.meta_key() || event.alt_key() || event.default_prevented() {
            return;
        }
        let key = event.key();
        if edge::is_typing(&event) {
            if key == "Escape" {
                edge::leave_field(&event);
            }
            return;
        }
        let went = going.get_value();
        going.set_value(key == "g" && !went);
        let done = match key.as_str() {
            key if went => match rail::entries(console).find(|entry| entry.key == key) {
                Some(entry) => {
                    navigate(entry.href, NavigateOptions::default());
                    true
                }
                None => false,
            },
            "?" => edge::open_dialog(DIALOG),
            "/" => edge::focus("main input[type=search]"),
            "j" => edge::focus_row(1),
            "k" => edge::focus_row(-1),
            "x" => edge::choose_row(),
            _ => false,
        };
        if done {
            event.prevent_default();
        }
    };
    Effect::new(move |_| {
        let act = act.clone();
        let listener = window_event_listener(keydown, act);
        on_cleanup(move || listener.remove());
    });
    let row = |keys: String, what: &'static str| {
        view! {
            <dt>
                <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
        }
    };
    let keys: Vec<_> = KEYS.iter().map(|(key, what)| row((*key).to_owned(), what)).collect();
    let places: Vec<_> =
        rail::entries(console).map(|entry| row(format!("g {}", entry.key), entry.label)).collect();
    view! {
        <dialog id=DIALOG class="keys" aria-labelledby="keys-heading">
            <h2 id="keys-heading">"Keys"</h2>
            <dl class="facts">{keys} {places}</dl>
            <form method="dialog">
                <button class="button">"Close"</button>
            </form>
        </dialog>
    }
    .into_any()
}
