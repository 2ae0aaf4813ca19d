//! The control routes: the fault dial, the limits, the call counts, health.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::calls::CallCounts;
use crate::faults::{Fault, Lane};
use crate::limits::{self, Standing};
use crate::problem::{FieldError, Problem};
use crate::provider::Provider;
use crate::server::Shared;

const MAX_WINDOW_MS: u64 = 86_400_000;

pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/_faults/{provider}", get(read_fault).put(set_fault))
        .route("/_limits/{provider}", get(read_limit).put(set_limit).delete(lift_limit))
        .route("/_calls/{provider}", get(read_calls).delete(reset_calls))
        .route("/healthz", get(health))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(shared)
}

async fn read_fault(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Json<Fault>, Problem> {
    Ok(Json(lane(&shared, &name)?.dial.get()))
}

async fn set_fault(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let lane = lane(&shared, &name)?;
    let fault = Fault::parse(&parsed(&body)?).map_err(Problem::invalid)?;
    tracing::info!(provider = %lane.provider, ?fault, "fault dial turned");
    lane.dial.set(fault);
    Ok(StatusCode::NO_CONTENT)
}

fn parsed(body: &Bytes) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}"))
    })
}

/// The limit as it stands; `null` where there is none.
async fn read_limit(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Json<Option<Standing>>, Problem> {
    Ok(Json(lane(&shared, &name)?.limiter.standing()))
}

async fn set_limit(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let lane = lane(&shared, &name)?;
    let per_minute = limits::parse(&parsed(&body)?).map_err(Problem::invalid)?;
    lane.limiter.set(Some(per_minute));
    Ok(StatusCode::NO_CONTENT)
}

async fn lift_limit(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    lane(&shared, &name)?.limiter.set(None);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(serde::Deserialize)]
struct CallsQuery {
    #[serde(rename = "windowMs")]
    window_ms: Option<String>,
}

async fn read_calls(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Query(query): Query<CallsQuery>,
) -> Result<Json<CallCounts>, Problem> {
    let lane = lane(&shared, &name)?;
    let window = query.window_ms.map(|text| window(&text)).transpose()?;
    Ok(Json(lane.calls.counts(window)))
}

async fn reset_calls(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    lane(&shared, &name)?.calls.reset();
    Ok(StatusCode::NO_CONTENT)
}

async fn health(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(
        json!({"status": "ok", "corpus": shared.corpus.name(), "posts": shared.corpus.posts().len()}),
    )
}

async fn not_found(uri: Uri) -> impl IntoResponse {
    Problem::new(StatusCode::NOT_FOUND, format!("nothing at {}", uri.path()))
}

async fn method_not_allowed() -> impl IntoResponse {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not take this method")
}

fn lane<'a>(shared: &'a Shared, name: &str) -> Result<&'a Lane, Problem> {
    let provider: Provider =
        name.parse().map_err(|error| Problem::new(StatusCode::NOT_FOUND, format!("{error}")))?;
    Ok(shared.lane(provider))
}

fn window(text: &str) -> Result<Duration, Problem> {
    let wrong = || FieldError {
        field: "windowMs".to_owned(),
        message: format!("must be a whole number from 1 to {MAX_WINDOW_MS}"),
    };
    match text.parse() {
        Ok(window_ms @ 1..=MAX_WINDOW_MS) => Ok(Duration::from_millis(window_ms)),
        _ => Err(Problem::invalid(vec![wrong()])),
    }
}
