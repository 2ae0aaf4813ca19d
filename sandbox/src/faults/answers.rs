//! The wrong answers.

use std::convert::Infallible;

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use serde_json::{Value, json};

/// The size of the huge body.
const HUGE_BYTES: usize = 64 * 1024 * 1024;
static CHUNK: [u8; 64 * 1024] = [b'a'; 64 * 1024];

/// A provider's error, with a JSON body.
pub(super) fn error(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({"error": {"type": "sandbox_fault", "message": format!("the sandbox was told to answer {status}")}});
    (status, Json(body)).into_response()
}

/// 429 with the seconds to wait.
pub(super) fn rate_limit(retry_after_s: u64) -> Response {
    let mut response = error(429);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
    response
}

/// 401, with the challenge that the standard asks for.
pub(crate) fn bad_key() -> Response {
    let body =
        json!({"error": {"type": "invalid_api_key", "message": "a valid API key is required"}});
    let challenge =
        [(header::WWW_AUTHENTICATE, "Bearer realm=\"signalbox-sandbox\", error=\"invalid_token\"")];
    (StatusCode::UNAUTHORIZED, challenge, Json(body)).into_response()
}

/// JSON that breaks off.
pub(super) fn bad_json() -> Response {
    let body = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\"organic\":[{\"link\":"#;
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// A body that starts like an answer and does not end for 64 MiB, made while it is sent.
pub(super) fn huge() -> Response {
    let start = Bytes::from_static(
        br#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":""#,
    );
    let end = Bytes::from_static(br#""}]}}"#);
    let chunks = std::iter::repeat_n(Bytes::from_static(&CHUNK), HUGE_BYTES / CHUNK.len());
    let body =
        std::iter::once(start).chain(chunks).chain(std::iter::once(end)).map(Ok::<_, Infallible>);
    ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(stream::iter(body)))
        .into_response()
}

/// A proper MCP answer that says the tool failed.
pub(super) fn tool_error(id: &Value, message: &str) -> Response {
    let result = json!({"content": [{"type": "text", "text": message}], "isError": true});
    Json(json!({"jsonrpc": "2.0", "id": id, "result": result})).into_response()
}
