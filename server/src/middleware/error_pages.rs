//! Every error in the form the caller understands: a page for browsers, problem+json for the API.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use signalbox_app::request::theme_in;

use super::is_api;
use super::request_id::RequestId;
use crate::error_page::error_page;
use crate::problem::ApiProblem;
use crate::state::AppState;

/// What the caller understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A browser that navigates.
    Page,
    /// The JSON API.
    Json,
    /// A server function, whose answer the console's own code reads.
    ServerFunction,
}

/// Gives error responses their form.
pub async fn error_pages(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let form = form(request.uri().path(), request.headers());
    let request_id = request.extensions().get::<RequestId>().cloned();
    let theme = theme_in(request.headers());
    let response = next.run(request).await;
    let status = response.status();
    if status.as_u16() < 400 {
        return response;
    }
    let known = response.extensions().get::<ApiProblem>().cloned();
    match form {
        // A problem, or a report of its own such as that of `/readyz`.
        Form::Json if has_type(&response, "application/") => response,
        // Rendered by the console itself.
        Form::Page if known.is_none() && has_type(&response, "text/html") => response,
        // Written by the function itself, for the console's own code.
        Form::ServerFunction if known.is_none() => response,
        Form::Json | Form::ServerFunction => {
            let problem = known.unwrap_or_else(|| ApiProblem::of_status(status));
            keep_headers(&response, problem.into_response())
        }
        Form::Page => {
            let problem = known.unwrap_or_else(|| ApiProblem::of_status(status)).problem;
            let request_id = request_id.map(|id| id.0).unwrap_or_default();
            let page =
                error_page(&problem, theme, &state.assets.address("signalbox.css"), &request_id);
            keep_headers(&response, (status, Html(page)).into_response())
        }
    }
}

fn form(path: &str, headers: &HeaderMap) -> Form {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if path.starts_with("/api/fn/") {
        if accept.contains("text/html") { Form::Page } else { Form::ServerFunction }
    } else if is_api(path) {
        Form::Json
    } else {
        Form::Page
    }
}

fn has_type(response: &Response, media_type: &str) -> bool {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.starts_with(media_type))
}

/// `new` with what `old` said beside its body, such as `Allow` and `Set-Cookie`.
fn keep_headers(old: &Response, mut new: Response) -> Response {
    for (name, value) in old.headers() {
        if name != CONTENT_TYPE && name != CONTENT_LENGTH {
            new.headers_mut().append(name, value.clone());
        }
    }
    new
}
