//! Reading bodies within bounds, and what it means when the network fails.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use reqwest::Response;

use super::McpError;
use crate::egress::describe;

/// The most bytes of a refusal's body that are read.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;
/// How long a refusal's body may take: its status is known already.
const REFUSAL_BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// The body's chunks, ending in an error as soon as they exceed `max_bytes`.
pub(super) fn bounded(
    response: Response,
    max_bytes: usize,
) -> impl Stream<Item = Result<Bytes, McpError>> {
    let mut left = max_bytes;
    response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(unreachable)?;
        left = left.checked_sub(chunk.len()).ok_or_else(|| too_large(max_bytes))?;
        Ok(chunk)
    })
}

pub(super) async fn read_bounded(
    response: Response,
    max_bytes: usize,
) -> Result<Vec<u8>, McpError> {
    if response.content_length().is_some_and(|announced| announced > max_bytes as u64) {
        return Err(too_large(max_bytes));
    }
    let mut chunks = std::pin::pin!(bounded(response, max_bytes));
    let mut body = Vec::new();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk?);
    }
    Ok(body)
}

/// The beginning of a refusal's body, or nothing if it is too large, too slow or broken.
pub(super) async fn read_refusal(response: Response) -> Vec<u8> {
    let reading = read_bounded(response, MAX_REFUSAL_BYTES);
    match tokio::time::timeout(REFUSAL_BODY_TIMEOUT, reading).await {
        Ok(Ok(body)) => body,
        _ => Vec::new(),
    }
}

fn too_large(max_bytes: usize) -> McpError {
    McpError::bad_answer(format!("a body of more than {max_bytes} bytes"))
}

pub(super) fn broken_stream(error: sse_stream::Error) -> McpError {
    if let sse_stream::Error::Body(source) = &error
        && let Some(error) = source.downcast_ref::<McpError>()
    {
        return error.clone();
    }
    McpError::bad_answer(format!("a malformed event stream: {error}"))
}

pub(super) fn unreachable(error: reqwest::Error) -> McpError {
    McpError::Unreachable { detail: describe(error) }
}
