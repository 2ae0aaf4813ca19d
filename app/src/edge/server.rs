//! The page's edge to the outside, on the server.

use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::prelude::untrack;
use web_sys::{HtmlFormElement, UrlSearchParams};

use crate::components::fetched::{Fetch, Fetched, Question};
use crate::console::Start;
use crate::error::AppError;
use crate::notice::Notice;

/// What the pages must know before they fetch anything.
pub(crate) fn start() -> Start {
    crate::request::start()
}

/// The title until a page has named itself.
pub(crate) fn title() -> String {
    "Signalbox".to_owned()
}

/// Sets the status of this response.
pub(crate) fn set_status(status: u16) {
    crate::request::set_status(status);
}

/// Forms are submitted in the browser.
pub(crate) fn typed(_event: &SubmitEvent) -> Option<UrlSearchParams> {
    None
}

/// Forms are submitted in the browser.
pub(crate) async fn post(_url: &str, _typed: &UrlSearchParams) -> Result<Notice, AppError> {
    Err(AppError::Internal)
}

/// What was typed is in the browser.
pub(crate) fn keep_typed(_url: &str, _typed: &UrlSearchParams) {}

/// What was typed is in the browser.
pub(crate) fn type_again(_form: &HtmlFormElement, _url: &str) -> Option<()> {
    None
}

/// Answers a question here, with what the server function does.
pub(crate) fn answering<F: Question>(question: impl Fn() -> F + Send + Sync + 'static) -> Fetch {
    Box::new(move |_| {
        let answer = untrack(&question).run_body();
        Box::pin(async move { answer.await.map(Fetched::new) })
    })
}

/// Nobody types here.
pub(crate) fn is_typing(_event: &KeyboardEvent) -> bool {
    false
}

/// Nobody types here.
pub(crate) fn leave_field(_event: &KeyboardEvent) {}

/// Dialogs open in the browser.
pub(crate) fn open_dialog(_id: &str) -> bool {
    false
}

/// The focus is in the browser.
pub(crate) fn focus(_selector: &str) -> bool {
    false
}

/// The focus is in the browser.
pub(crate) fn focus_row(_by: i32) -> bool {
    false
}

/// Nothing is hydrated here.
pub(crate) fn when_hydrated(_act: impl FnOnce() + 'static) {}

/// The server shows UTC.
pub(crate) fn ahead_of_utc_min(_at_ms: i64) -> i64 {
    0
}

/// Nobody watches here.
pub(crate) fn on_change(_url: &'static str, _act: impl Fn() + Clone + 'static) {}

/// Nobody chooses here.
pub(crate) fn any_row_is_chosen() -> bool {
    false
}

/// Nobody chooses here.
pub(crate) fn choose_row() -> bool {
    false
}

/// Dialogs close in the browser.
pub(crate) fn close_dialog(_id: &str) {}

/// The focus is in the browser.
pub(crate) fn focus_next(_selector: &str, _by: i32) {}

/// The clipboard is the browser's.
pub(crate) fn copy(_text: &str) -> bool {
    false
}
