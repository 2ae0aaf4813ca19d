//! Liveness and readiness (AV-1, AV-2).

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use signalbox_engine::{db, kill_switch};
use signalbox_model::Timestamp;

use crate::state::AppState;

/// A database that takes longer than this to answer counts as down.
const PATIENCE: Duration = Duration::from_secs(2);

/// The answer of `GET /healthz`.
#[derive(Debug, Serialize)]
pub struct Health {
    status: &'static str,
    timestamp: Timestamp,
    /// In seconds.
    uptime: i64,
    version: &'static str,
}

/// The answer of `GET /readyz`.
#[derive(Debug, Serialize)]
pub struct Ready {
    status: &'static str,
    database: &'static str,
    queues: &'static str,
}

/// `GET /healthz` (AV-1): the process is alive. Asks nobody else.
pub async fn healthz(State(state): State<AppState>) -> axum::Json<Health> {
    let now = state.parts.system.now();
    axum::Json(Health {
        status: "ok",
        timestamp: now,
        uptime: (now - state.started_at).num_seconds(),
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// `GET /readyz` (AV-2): 200 when work can be taken, else 503 with the failing part named.
pub async fn readyz(State(state): State<AppState>) -> Response {
    let connected = tokio::time::timeout(PATIENCE, db::ping(&state.parts.system.db)).await;
    let connected = matches!(connected, Ok(Ok(())));
    let healthy = connected && queues_answer(&state).await;
    let stopping = !state.parts.readiness.is_ready();
    let ready = Ready {
        status: match (stopping, healthy) {
            (true, _) => "stopping",
            (false, true) => "ready",
            (false, false) => "not_ready",
        },
        database: if connected { "connected" } else { "unreachable" },
        queues: if healthy { "healthy" } else { "unavailable" },
    };
    let status =
        if stopping || !healthy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, axum::Json(ready)).into_response()
}

/// Whether the engine's own tables can be read: a database without them is connected, no more.
async fn queues_answer(state: &AppState) -> bool {
    let read = tokio::time::timeout(PATIENCE, kill_switch::read(&state.parts.system)).await;
    matches!(read, Ok(Ok(_)))
}
