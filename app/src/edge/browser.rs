//! The page's edge to the outside, in the browser: the server has decided all of it already.

use gloo_net::http::Request;
use leptos::ev::SubmitEvent;
use leptos::prelude::{document, window};
use send_wrapper::SendWrapper;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{FormData, HtmlFormElement, Storage, UrlSearchParams};

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

/// Fills `form` with what was kept for the command at `url`, once.
pub(crate) fn type_again(form: &HtmlFormElement, url: &str) -> Option<()> {
    let (storage, key) = (storage()?, key(url)?);
    let kept = storage.get_item(&key).ok()??;
    let _ = storage.remove_item(&key);
    let kept = UrlSearchParams::new_with_str(&kept).ok()?;
    for entry in kept.entries().into_iter().flatten() {
        let entry: web_sys::js_sys::Array = entry.unchecked_into();
        let (Some(name), value) = (entry.get(0).as_string(), entry.get(1)) else { continue };
        if let Some(control) = form.elements().named_item(&name) {
            let _ = web_sys::js_sys::Reflect::set(&control, &JsValue::from("value"), &value);
        }
    }
    Some(())
}

/// Two forms for one command may differ in the thing they are about: that is in the page's path.
fn key(url: &str) -> Option<String> {
    Some(format!("typed {url} {}", window().location().pathname().ok()?))
}

fn storage() -> Option<Storage> {
    window().session_storage().ok()?
}
