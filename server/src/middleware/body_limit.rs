//! No body is larger than 1 MiB, but for the routes that stream.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use http::header::{CONTENT_LENGTH, EXPECT};
use http::{HeaderMap, StatusCode};

use crate::problem::ApiProblem;

/// The largest body, in bytes.
pub const BODY_BYTES_BOUND: usize = 1024 * 1024;

/// Routes that read their body as a stream, in constant memory.
const STREAMING: [&str; 1] = ["/api/jobs/batch"];

/// A refused body is read up to this many bytes, so that a caller who sends it all before
/// looking at the answer gets to see the answer.
const DRAIN_BYTES_BOUND: usize = 32 * BODY_BYTES_BOUND;
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// Refuses larger bodies with 413.
pub async fn body_limit(request: Request, next: Next) -> Response {
    if STREAMING.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    if announced_bytes(&parts.headers) > BODY_BYTES_BOUND {
        if !parts.headers.contains_key(EXPECT) {
            // How far it got does not matter: the answer is the same.
            let _ = tokio::time::timeout(DRAIN_TIME, drain(body)).await;
        }
        return ApiProblem::of_status(StatusCode::PAYLOAD_TOO_LARGE).into_response();
    }
    if body.is_end_stream() {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let limited = Body::new(http_body_util::Limited::new(body, BODY_BYTES_BOUND));
    next.run(Request::from_parts(parts, limited)).await
}

fn announced_bytes(headers: &HeaderMap) -> usize {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|value| value.parse().ok()).unwrap_or(0)
}

async fn drain(body: Body) {
    let mut stream = body.into_data_stream();
    let mut read = 0;
    while let Some(Ok(chunk)) = stream.next().await {
        read += chunk.len();
        if read > DRAIN_BYTES_BOUND {
            break;
        }
    }
}
