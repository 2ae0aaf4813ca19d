//! The API's documentation: `/api/docs` for people, `/api/docs/openapi.json` for programs.

use axum::extract::State;
use axum::response::{Html, IntoResponse as _};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use signalbox_app::request::theme_in;

use super::output::{JsonText, Page};
use crate::state::AppState;

/// `GET /api/docs`.
pub async fn page(State(state): State<AppState>, headers: HeaderMap) -> Page {
    let theme = theme_in(&headers).attribute();
    let attribute = theme.map(|name| format!(" data-theme=\"{name}\"")).unwrap_or_default();
    let page = state.docs.page.replacen(" lang=\"en\"", &format!(" lang=\"en\"{attribute}"), 1);
    Page(Html(page).into_response())
}

/// `GET /api/docs/openapi.json`.
pub async fn openapi(State(state): State<AppState>) -> JsonText {
    let json = [(CONTENT_TYPE, "application/json")];
    JsonText((json, state.docs.json.clone()).into_response())
}
