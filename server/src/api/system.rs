//! `GET /v1/admin/system` (AV-3).

use std::collections::BTreeMap;

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::breaker::BreakerState;
use signalbox_model::health::{Health, QueueHealth, RateHealth, ServiceState, Source};
use signalbox_model::queue::QueueState;

use super::input::Signed;
use crate::memory::memory;
use crate::problem::{Answer, ApiProblem};
use crate::state::AppState;

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answered {
    system: System,
}

/// How the system is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct System {
    status: ServiceState,
    /// When it was read: at most a second ago.
    as_of: Timestamp,
    version: &'static str,
    /// Of this process, in seconds.
    uptime: i64,
    /// Of this process; absent where the system does not tell.
    memory: Option<Memory>,
    database: Database,
    queues: BTreeMap<String, Queue>,
    providers: BTreeMap<String, Provider>,
    rate_limits: BTreeMap<String, RateHealth>,
}

/// Memory, as people read it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Memory {
    used: String,
    total: String,
}

/// This process's connections to the database.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Database {
    connections: i64,
    max_connections: i64,
    active: i64,
    /// Open on the whole server.
    server_connections: i64,
    server_max_connections: i64,
}

/// A queue.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Queue {
    waiting: i64,
    active: i64,
    /// As far as the counters reach back.
    completed: i64,
    /// Dead letters that wait for a person.
    failed: i64,
    delayed: i64,
    paused: bool,
}

/// A provider.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    /// `healthy`, `rate_limited`, `recovering` while trial calls go out, or `unavailable`.
    status: &'static str,
    /// Calls that are left in this minute, of how many.
    rate_limit: String,
}

/// `GET /v1/admin/system`.
pub async fn system(
    State(state): State<AppState>,
    Signed { ctx, .. }: Signed,
) -> Answer<axum::Json<Answered>> {
    ctx.demand(Permission::ReadConsole)?;
    let read = state.telemetry.read().await.ok_or_else(ApiProblem::unavailable)?;
    let connections = read.connections;
    Ok(axum::Json(Answered {
        system: System {
            status: read.state(),
            as_of: read.as_of,
            version: env!("CARGO_PKG_VERSION"),
            uptime: state.uptime_s(),
            memory: memory().map(|m| Memory { used: megabytes(m.used), total: megabytes(m.total) }),
            database: Database {
                connections: connections.open,
                max_connections: connections.pool_max,
                active: connections.in_use,
                server_connections: connections.server,
                server_max_connections: connections.server_max,
            },
            queues: read.queues.iter().map(|queue| shown(queue, &read)).collect(),
            providers: read.sources.iter().map(|source| provider(source, &read)).collect(),
            rate_limits: read.rates.iter().map(|r| (r.operation.clone(), r.clone())).collect(),
        },
    }))
}

fn megabytes(bytes: u64) -> String {
    format!("{}MB", bytes / 1_000_000)
}

fn shown(QueueHealth { queue, .. }: &QueueHealth, read: &Health) -> (String, Queue) {
    let of_kinds = read.runs.iter().filter(|runs| runs.queue == queue.name);
    let shown = Queue {
        waiting: queue.waiting,
        active: queue.running,
        completed: of_kinds.map(|runs| runs.completed).sum(),
        failed: queue.failed,
        delayed: queue.scheduled,
        paused: queue.state == QueueState::Paused,
    };
    (queue.name.clone(), shown)
}

fn provider(source: &Source, read: &Health) -> (String, Provider) {
    let breaker = &source.breaker;
    let rates = read.rates.iter().filter(|rate| rate.provider == breaker.provider);
    let (left, limit) = rates
        .clone()
        .fold((0, 0), |(left, limit), rate| (left + rate.left(), limit + rate.in_force));
    let status = match breaker.state {
        BreakerState::Open => "unavailable",
        BreakerState::HalfOpen => "recovering",
        BreakerState::Closed if rates.clone().any(|rate| rate.blocked_until.is_some()) => {
            "rate_limited"
        }
        BreakerState::Closed => "healthy",
    };
    (breaker.provider.clone(), Provider { status, rate_limit: format!("{left}/{limit}") })
}
