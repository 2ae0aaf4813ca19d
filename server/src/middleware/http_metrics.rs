//! Counts every request by its route (AV-4).

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;

use crate::state::AppState;

/// Counts the request once its response's head is there.
pub async fn http_metrics(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = method(request.method());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = matched.as_ref().map_or("none", |path| route(path.as_str()));
    state.http_metrics.count(method, route, response.status().as_u16(), began.elapsed());
    response
}

/// The pattern, without the bundle's version, which every build changes.
fn route(pattern: &str) -> &str {
    if pattern.starts_with("/pkg/") { "/pkg" } else { pattern }
}

/// A request may name any method it likes.
fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}
