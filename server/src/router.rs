//! How the routes of `table.rs`, the pages and the files become one service, and what surrounds them.

use std::any::Any;

use axum::Router;
use axum::extract::{FromRef as _, Request, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::Uri;
use http::header::CONTENT_SECURITY_POLICY;
use http::request::Parts;
use leptos::nonce::use_nonce;
use leptos::prelude::{LeptosOptions, provide_context, use_context};
use leptos_axum::{LeptosRoutes as _, ResponseOptions, generate_route_list};
use signalbox_app::request::RequestState;
use signalbox_app::{App, shell};
use tower_http::catch_panic::CatchPanicLayer;

use crate::middleware::security_headers::content_security_policy;
use crate::middleware::{
    access_log, actor, body_limit, error_pages, guard, http_metrics, is_api, origin, peer,
    request_id, security_headers, session,
};
use crate::openapi::document::document;
use crate::problem::ApiProblem;
use crate::state::{AppParts, AppState};
use crate::{assets, table};

/// The console made of `parts`: every page, every API route, every file.
pub fn app(parts: AppParts) -> Router {
    let session = session::layer(&parts);
    let mut routes = table::probes();
    let probes = routes.take_router();
    let mut routes = table::api(routes);
    let api = routes.take_router();
    let (documented, schemas) = routes.into_documentation();
    let state = AppState::new(parts, &document(&documented, schemas));
    let files = assets::routes(&state.assets, &state.parts.site_root);
    // A layer surrounds those above it: a request meets the last one first.
    let with_session = Router::new()
        .merge(api)
        .merge(pages(&state))
        .layer(from_fn(guard::guard))
        .layer(from_fn_with_state(state.clone(), actor::actor))
        .layer(session)
        .layer(from_fn_with_state(state.clone(), peer::peer))
        .layer(from_fn_with_state(state.clone(), origin::origin));
    Router::new()
        .merge(with_session)
        .merge(probes)
        .merge(files)
        .layer(from_fn(body_limit::body_limit))
        .layer(CatchPanicLayer::custom(on_panic))
        .layer(from_fn_with_state(state.clone(), error_pages::error_pages))
        .layer(from_fn_with_state(state.clone(), security_headers::security_headers))
        .layer(from_fn_with_state(state.clone(), http_metrics::http_metrics))
        .layer(from_fn(access_log::access_log))
        .layer(from_fn(request_id::request_id))
        .with_state(state)
}

/// Every page of the console and every server function (`/api/fn/<name>`); the console's own "not
/// found" page for the rest.
fn pages(state: &AppState) -> Router<AppState> {
    let routes = generate_route_list(App);
    let options = LeptosOptions::from_ref(state);
    let not_found = leptos_axum::file_and_error_handler_with_context(provide_request, shell);
    Router::new()
        .leptos_routes_with_context(state, routes, provide_request, move || shell(options.clone()))
        .fallback(|uri: Uri, state: State<AppState>, request: Request| async move {
            match request.uri().path() {
                path if is_api(path) => nothing_here(),
                _ => not_found(uri, state, request).await,
            }
        })
}

fn nothing_here() -> Response {
    ApiProblem::of_status(http::StatusCode::NOT_FOUND).into_response()
}

/// Gives Leptos what the layers have put into the request, and the response the policy that the
/// page's nonce belongs to.
fn provide_request() {
    let state =
        use_context::<Parts>().and_then(|parts| parts.extensions.get::<RequestState>().cloned());
    if let Some(state) = state {
        provide_context(state);
    }
    let policy = use_nonce().and_then(|nonce| content_security_policy(&nonce));
    if let (Some(policy), Some(options)) = (policy, use_context::<ResponseOptions>()) {
        options.insert_header(CONTENT_SECURITY_POLICY, policy);
    }
}

/// A defect. Its message goes to the log, never to the caller.
fn on_panic(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    tracing::error!(message, "a request panicked");
    ApiProblem::internal().into_response()
}
