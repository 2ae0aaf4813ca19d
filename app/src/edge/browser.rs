//! The page's edge to the outside, in the browser: the server has decided all of it already.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use gloo_net::http::Request;
use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::prelude::{document, set_interval_with_handle, window};
use send_wrapper::SendWrapper;
use serde::de::DeserializeOwned;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::js_sys::{Array, Date, Reflect};
use web_sys::{
    Element, EventSource, FormData, HtmlDialogElement, HtmlElement, HtmlFormElement,
    HtmlInputElement, Storage, UrlSearchParams,
};

use crate::components::fetched::{Asked, Fetch, Fetched, Question};
use crate::console::Start;
use crate::error::AppError;
use crate::notice::Notice;

/// What the pages must know; in the browser it comes with the page.
pub(crate) fn start() -> Start {
    Start::default()
}

/// The title that came with the page, which stays until the page's own code has come.
pub(crate) fn title() -> String {
    document().title()
}

/// The status was sent with the page.
pub(crate) fn set_status(_status: u16) {}

/// What was typed into the form that was submitted, with the button that submitted it.
pub(crate) fn typed(event: &SubmitEvent) -> Option<UrlSearchParams> {
    let form: HtmlFormElement = event.target()?.dyn_into().ok()?;
    let data = FormData::new_with_form(&form).ok()?;
    let typed = UrlSearchParams::new_with_str_sequence_sequence(&data).ok()?;
    if let Some(button) = event.submitter()
        && let Some(name) = button.get_attribute("name")
    {
        typed.append(&name, &button.get_attribute("value").unwrap_or_default());
    }
    Some(typed)
}

/// Sends a form to a server function.
pub(crate) async fn post(url: &str, typed: &UrlSearchParams) -> Result<Notice, AppError> {
    read(&exchange(url, typed.into()).await?).ok_or(AppError::Internal)
}

/// Sends a question to its server function.
pub(crate) fn answering<F: Question>(_question: impl Fn() -> F) -> Fetch {
    fetch()
}

fn fetch() -> Fetch {
    Box::new(|Asked { url, form }| {
        Box::pin(SendWrapper::new(async move {
            let form = UrlSearchParams::new_with_str(&form).map_err(|_| AppError::Internal)?;
            Ok(Fetched::Sent(exchange(url, form.into()).await?.into()))
        }))
    })
}

/// Sends `form` and gets JSON.
async fn exchange(url: &str, form: JsValue) -> Result<String, AppError> {
    let lost = |error: gloo_net::Error| AppError::Transport { detail: error.to_string() };
    let request = Request::post(url).header("accept", "application/json").body(form);
    let answer = request.map_err(lost)?.send().await.map_err(lost)?;
    let json = answer.text().await.map_err(lost)?;
    if answer.ok() {
        return Ok(json);
    }
    let foreign = || AppError::Transport { detail: format!("HTTP {}", answer.status()) };
    Err(read(&json).unwrap_or_else(foreign))
}

fn read<T: DeserializeOwned>(json: &str) -> Option<T> {
    serde_json::from_str(json).ok()
}

/// Keeps what was typed for the command at `url` until its form is shown again in this window.
pub(crate) fn keep_typed(url: &str, typed: &UrlSearchParams) {
    let typed: String = typed.to_string().into();
    if let (Some(storage), Some(key)) = (storage(), key(url)) {
        // A full storage loses what was typed; there is no better place for it.
        let _ = storage.set_item(&key, &typed);
    }
}

/// Fills `form` with what was kept for the command at `url`, once, if it is the form that was sent:
/// a page may have many for one command, which differ in their hidden fields. Those stay as they are.
pub(crate) fn type_again(form: &HtmlFormElement, url: &str) -> Option<()> {
    let (storage, key) = (storage()?, key(url)?);
    let kept = storage.get_item(&key).ok()??;
    let kept = UrlSearchParams::new_with_str(&kept).ok()?;
    let hidden = form.query_selector_all("input[type=hidden]").ok()?;
    for index in 0..hidden.length() {
        let field: HtmlInputElement = hidden.get(index)?.dyn_into().ok()?;
        if kept.get(&field.name()).as_ref() != Some(&field.value()) {
            return None;
        }
        kept.delete(&field.name());
    }
    let _ = storage.remove_item(&key);
    for entry in kept.entries().into_iter().flatten() {
        let entry: Array = entry.unchecked_into();
        let (Some(name), value) = (entry.get(0).as_string(), entry.get(1)) else { continue };
        if let Some(control) = form.elements().named_item(&name) {
            // One control, or the radio buttons of this name: both have a value.
            let _ = Reflect::set(&control, &JsValue::from("value"), &value);
        }
    }
    Some(())
}

fn key(url: &str) -> Option<String> {
    Some(format!("typed {url} {}", window().location().pathname().ok()?))
}

fn storage() -> Option<Storage> {
    window().session_storage().ok()?
}

/// Whether what is typed goes into a field.
pub(crate) fn is_typing(event: &KeyboardEvent) -> bool {
    let target: Option<Element> = event.target().and_then(|target| target.dyn_into().ok());
    target
        .is_some_and(|target| matches!(target.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
}

/// Takes the focus out of the field that was typed into.
pub(crate) fn leave_field(event: &KeyboardEvent) {
    let target: Option<HtmlElement> = event.target().and_then(|target| target.dyn_into().ok());
    if let Some(target) = target {
        // It is in the document: an event has just come from it.
        let _ = target.blur();
    }
}

/// Opens a dialog; whether there is one.
pub(crate) fn open_dialog(id: &str) -> bool {
    let dialog = document().get_element_by_id(id);
    let dialog = dialog.and_then(|dialog| dialog.dyn_into::<HtmlDialogElement>().ok());
    dialog.is_some_and(|dialog| dialog.open() || dialog.show_modal().is_ok())
}

/// Focuses the first element that matches; whether there is one.
pub(crate) fn focus(selector: &str) -> bool {
    let found = document().query_selector(selector).ok().flatten();
    found
        .and_then(|found| found.dyn_into::<HtmlElement>().ok())
        .is_some_and(|found| found.focus().is_ok())
}

/// Closes a dialog.
pub(crate) fn close_dialog(id: &str) {
    let dialog = document().get_element_by_id(id);
    if let Some(dialog) = dialog.and_then(|dialog| dialog.dyn_into::<HtmlDialogElement>().ok()) {
        dialog.close();
    }
}

/// Puts a text on the clipboard; whether the browser has one for this page. It has none for pages
/// that came over plain HTTP from another machine.
pub(crate) fn copy(text: &str) -> bool {
    if !window().is_secure_context() {
        return false;
    }
    // Refused only where the person has forbidden it.
    let _ = window().navigator().clipboard().write_text(text);
    true
}

/// Focuses the first link of a row of the page's lists, `by` rows after the one that has the focus; whether there is one.
pub(crate) fn focus_row(by: i32) -> bool {
    // Where a page has several tables, the one that it is about.
    let rows = |selector| elements(selector).filter(|rows| !rows.is_empty());
    let rows = rows("main .list tbody tr").or_else(|| rows("main tbody tr")).unwrap_or_default();
    let first_link = |row: &Element| row.query_selector("a").ok().flatten();
    walk(&rows.iter().filter_map(first_link).collect::<Vec<_>>(), by)
}

/// Focuses the element `by` places after the one that has the focus, among those that match.
pub(crate) fn focus_next(selector: &str, by: i32) {
    walk(&elements(selector).unwrap_or_default(), by);
}

fn elements(selector: &str) -> Option<Vec<Element>> {
    let found = document().query_selector_all(selector).ok()?;
    Some((0..found.length()).filter_map(|at| found.get(at)?.dyn_into().ok()).collect())
}

/// Focuses the next of `elements`, or the one before; the first, if none has the focus.
fn walk(elements: &[Element], by: i32) -> bool {
    let focused = document().active_element();
    let at = elements.iter().position(|element| focused.as_ref() == Some(element));
    let next = match (at, by > 0) {
        (None, _) => 0,
        (Some(at), true) => (at + 1).min(elements.len() - 1),
        (Some(at), false) => at.saturating_sub(1),
    };
    let next = elements.get(next).and_then(|next| next.dyn_ref::<HtmlElement>());
    next.is_some_and(|next| next.focus().is_ok())
}

/// Whether any row of the page's lists is chosen.
pub(crate) fn any_row_is_chosen() -> bool {
    document().query_selector("main tbody input[type=checkbox]:checked").ok().flatten().is_some()
}

/// Chooses the row that has the focus, or no longer; whether there is one.
pub(crate) fn choose_row() -> bool {
    let row =
        document().active_element().and_then(|focused| focused.closest("main tbody tr").ok()?);
    let choice = row.and_then(|row| row.query_selector("input[type=checkbox]").ok()?);
    let choice = choice.and_then(|choice| choice.dyn_into::<HtmlElement>().ok());
    choice.is_some_and(|choice| {
        choice.click();
        true
    })
}

/// Calls `act` when the page is hydrated. The shell says so, in the document and by an event.
pub(crate) fn when_hydrated(act: impl FnOnce() + 'static) {
    if document().body().is_some_and(|body| body.has_attribute("data-hydrated")) {
        return act();
    }
    let act = Closure::once_into_js(act);
    // It is called at most once: hydration ends once.
    let _ = window().add_event_listener_with_callback("hydrated", act.unchecked_ref());
}

/// How far the browser's clock is ahead of UTC at a moment, in minutes.
pub(crate) fn ahead_of_utc_min(at_ms: i64) -> i64 {
    // Exact: a double holds every millisecond of the next 280 000 years.
    -(Date::new(&JsValue::from_f64(at_ms as f64)).get_timezone_offset() as i64)
}

/// How long a stream of changes that the server refused is left alone.
const STREAM_RETRY: Duration = Duration::from_secs(5);

/// Calls `act` whenever the server tells of a change at `url`, and when the window comes into sight
/// again. A hidden window does not listen: a browser has six connections to a server for all of
/// its windows.
pub(crate) fn on_change(url: &'static str, act: impl Fn() + Clone + 'static) {
    let stream: Rc<RefCell<Option<EventSource>>> = Rc::default();
    let heard = Closure::<dyn Fn()>::new(act.clone());
    let lost = Closure::<dyn Fn()>::new({
        let (stream, act) = (stream.clone(), act.clone());
        // Asking shows whether the server is there; the browser opens a stream that broke again,
        // but not one that was refused.
        move || {
            act();
            let mut open = stream.borrow_mut();
            if open.as_ref().is_some_and(|open| open.ready_state() == EventSource::CLOSED) {
                *open = None;
            }
        }
    });
    let attend = move || {
        let mut open = stream.borrow_mut();
        if document().hidden() {
            if let Some(open) = open.take() {
                open.close();
            }
        } else if open.is_none()
            && let Ok(new) = EventSource::new(url)
        {
            new.set_onmessage(Some(heard.as_ref().unchecked_ref()));
            new.set_onerror(Some(lost.as_ref().unchecked_ref()));
            *open = Some(new);
        }
    };
    let attend = Rc::new(attend);
    attend();
    let _ = set_interval_with_handle(
        {
            let attend = attend.clone();
            move || attend()
        },
        STREAM_RETRY,
    );
    let seen = Closure::<dyn Fn()>::new(move || {
        attend();
        act();
    });
    // It listens as long as the window lives.
    let _ = document()
        .add_event_listener_with_callback("visibilitychange", seen.as_ref().unchecked_ref());
    seen.forget();
}
