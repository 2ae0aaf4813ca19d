//! The middleware in front of a provider's routes: counts every request and lets the dial have its way with it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Dial, Fault, FaultMode, answers};
use crate::bearer::bearer;
use crate::calls::{CallResult, Calls};
use crate::limits::Limiter;
use crate::peek::Peek;
use crate::problem::Problem;
use crate::provider::Provider;

/// Larger requests are refused.
const MAX_REQUEST_BYTES: usize = 4 * 1024 * 1024;
/// Healthy answers are far smaller; they are read to see how the request ended.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// What stands before one provider.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) provider: Provider,
    pub(crate) dial: Dial,
    pub(crate) limiter: Limiter,
    pub(crate) calls: Arc<Calls>,
    pub(crate) stopped: CancellationToken,
}

/// Counts the request, then answers it: 429 if it is one too many for the provider's limit, wrongly
/// if the dial says so, else as the provider does. How the limit stands is told in any case.
pub(crate) async fn apply(State(lane): State<Arc<Lane>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_REQUEST_BYTES).await else {
        return Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the request's body is incomplete or larger than 4 MiB",
        )
        .into_response();
    };
    let peek = Peek::of(&parts.method, &body).bearing(bearer(&parts.headers));
    let operation = peek.operation();
    let standing = match lane.limiter.count() {
        Ok(standing) => standing,
        Err(used_up) => {
            let _under_way = lane.calls.arrive_settled(&operation, CallResult::RateLimit);
            let mut response = answers::rate_limit(used_up.resets_in_s);
            used_up.tell(&mut response);
            return response;
        }
    };
    let mut response =
        answer(&lane, &peek, Request::from_parts(parts, Body::from(body.clone())), &body, next)
            .await;
    if let Some(standing) = standing {
        standing.tell(&mut response);
    }
    response
}

/// Answers a request that the limit lets through.
async fn answer(lane: &Lane, peek: &Peek, request: Request, body: &Bytes, next: Next) -> Response {
    let operation = peek.operation();
    let (fault, turned) = lane.dial.decide(peek, body);
    tracing::debug!(provider = %lane.provider, operation, fault = ?fault.as_ref().map(|f| f.mode), "call");
    let Some(fault) = fault else {
        let call = lane.calls.arrive(&operation);
        let (response, result) = settle(next.run(request).await).await;
        call.finish(result);
        return response;
    };
    // Counted before it happens: a client that leaves drops this future in the middle.
    let _under_way = lane.calls.arrive_settled(&operation, result_of_fault(fault.mode));
    match fault.mode {
        FaultMode::None => next.run(request).await,
        FaultMode::Hang => {
            hang(&lane.stopped, turned).await;
            next.run(request).await
        }
        FaultMode::Slow => {
            late(&lane.stopped, fault.latency_ms).await;
            next.run(request).await
        }
        FaultMode::Error => answers::error(fault.status),
        FaultMode::RateLimit => answers::rate_limit(fault.retry_after_s),
        FaultMode::BadJson => answers::bad_json(),
        FaultMode::Huge => answers::huge(),
        FaultMode::BadKey => answers::bad_key(),
        FaultMode::ToolError => answers::tool_error(peek.id(), &fault.message),
    }
}

fn result_of_fault(mode: FaultMode) -> CallResult {
    match mode {
        FaultMode::None => CallResult::Ok,
        FaultMode::Error => CallResult::Error,
        FaultMode::RateLimit => CallResult::RateLimit,
        FaultMode::Hang => CallResult::Hang,
        FaultMode::Slow => CallResult::Slow,
        FaultMode::BadJson => CallResult::BadJson,
        FaultMode::Huge => CallResult::Huge,
        FaultMode::BadKey => CallResult::BadKey,
        FaultMode::ToolError => CallResult::ToolError,
    }
}

/// Waits until the dial is turned or the sandbox stops. When the client leaves, this future is dropped.
async fn hang(stopped: &CancellationToken, mut turned: watch::Receiver<Fault>) {
    tokio::select! {
        _ = turned.changed() => {}
        () = stopped.cancelled() => {}
    }
}

async fn late(stopped: &CancellationToken, latency_ms: u64) {
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(latency_ms)) => {}
        () = stopped.cancelled() => {}
    }
}

/// How a request ended that no fault was for, told from the provider's own answer.
async fn settle(response: Response) -> (Response, CallResult) {
    let by_status = match response.status().as_u16() {
        401 => Some(CallResult::BadKey),
        429 => Some(CallResult::RateLimit),
        400.. => Some(CallResult::Error),
        _ => None,
    };
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    match by_status {
        Some(result) => (response, result),
        None if !is_json => (response, CallResult::Ok),
        None => settle_json(response).await,
    }
}

async fn settle_json(response: Response) -> (Response, CallResult) {
    let (parts, body) = response.into_parts();
    match axum::body::to_bytes(body, MAX_ANSWER_BYTES).await {
        Ok(body) => {
            let result = result_of(&body);
            (Response::from_parts(parts, Body::from(body)), result)
        }
        Err(_) => (answers::error(500), CallResult::Error),
    }
}

fn result_of(body: &Bytes) -> CallResult {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    if answer.get("error").is_some() {
        CallResult::Error
    } else if answer["result"]["isError"] == true {
        CallResult::ToolError
    } else {
        CallResult::Ok
    }
}
