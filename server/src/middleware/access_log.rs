//! One log line a request. The query is left out: it may hold what people searched for.

use std::time::Instant;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use signalbox_engine::spans;
use tracing::Instrument as _;
use tracing::field::Empty;

use super::request_id::RequestId;

/// Logs the request once its response's head is there.
pub async fn access_log(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let request_id = request.extensions().get::<RequestId>().cloned();
    let request_id = request_id.map(|id| id.0).unwrap_or_default();
    let span = tracing::trace_span!(
        target: spans::TARGET, "request", otel.kind = "server", otel.name = %method,
        http.request.method = %method, url.path = path, request_id,
        http.response.status_code = Empty,
    );
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    let ms = began.elapsed().as_millis();
    if is_routine(&path) && status < 400 {
        tracing::debug!(%method, path, status, ms, request_id, "request");
    } else if status >= 500 {
        tracing::error!(%method, path, status, ms, request_id, "request");
    } else {
        tracing::info!(%method, path, status, ms, request_id, "request");
    }
    response
}

/// Asked for all the time, and worth a line only when it fails.
fn is_routine(path: &str) -> bool {
    const POLLED: [&str; 5] = ["/healthz", "/readyz", "/health", "/api/health", "/metrics"];
    POLLED.contains(&path) || path.starts_with("/pkg/")
}
