//! Liveness, readiness, and how the providers are (AV-1, AV-2, ST-2).

use std::collections::BTreeMap;

use axum::extract::State;
use chrono::SubsecRound as _;
use schemars::JsonSchema;
use serde::Serialize;
use signalbox_model::Timestamp;
use signalbox_model::health::{self, Issue};

use super::output::OkOrUnavailable;
use super::watcher::Watcher;
use crate::state::AppState;

/// The answer of `GET /healthz`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Alive {
    status: &'static str,
    timestamp: Timestamp,
    /// In seconds.
    uptime: i64,
    version: &'static str,
}

/// The answer of `GET /readyz`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Ready {
    /// `ready`, `not_ready` or `stopping`.
    status: &'static str,
    /// `connected` or `unreachable`.
    database: &'static str,
    /// `healthy` or `unavailable`.
    queues: &'static str,
}

/// The answer of `GET /health` and `GET /api/health`. Strangers see `status` alone.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    /// `ok`, `degraded` when anything is not as it should be, or `unavailable` without a database.
    status: &'static str,
    #[serde(flatten)]
    telemetry: Option<Telemetry>,
}

/// What is told to those who may know.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Telemetry {
    /// When it was read: at most a second ago.
    as_of: Timestamp,
    version: &'static str,
    uptime_s: i64,
    /// What is not as it should be, beside the providers.
    issues: Vec<String>,
    ingestion: Ingestion,
    /// Workers that take jobs.
    workers: usize,
    kill_switch: bool,
    dead_letters: i64,
}

/// The providers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Ingestion {
    issues: Vec<Issue>,
    /// Since when the calls are counted.
    calls_since: Timestamp,
    sources: BTreeMap<String, Source>,
}

/// A provider.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Source {
    /// `closed`, `open` or `half_open`.
    circuit_state: &'static str,
    /// A person holds it there.
    forced: bool,
    remaining_cooldown_s: f64,
    /// Failures in a row.
    failures: i32,
    /// How many open it.
    threshold: i32,
    last_success_at: Option<Timestamp>,
    last_error: Option<String>,
    operations: BTreeMap<String, Calls>,
}

/// How the calls of an operation went.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Calls {
    ok: i64,
    failed: i64,
    /// The provider asked to slow down.
    limited: i64,
    /// The breaker let none out.
    refused: i64,
}

/// `GET /healthz` (AV-1): the process is alive. Asks nobody else.
pub async fn healthz(State(state): State<AppState>) -> axum::Json<Alive> {
    axum::Json(Alive {
        status: "ok",
        // Whole seconds, as the runbook shows it, and as jq's `fromdate` takes it.
        timestamp: state.parts.system.now().trunc_subsecs(0),
        uptime: state.uptime_s(),
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// `GET /readyz` (AV-2): 200 when work can be taken, else 503 with the failing part named.
pub async fn readyz(State(state): State<AppState>) -> OkOrUnavailable<Ready> {
    let found = state.telemetry.probe().await;
    let stopping = !state.parts.readiness.is_ready();
    let ready = Ready {
        status: match (stopping, found.queues) {
            (true, _) => "stopping",
            (false, true) => "ready",
            (false, false) => "not_ready",
        },
        database: if found.database { "connected" } else { "unreachable" },
        queues: if found.queues { "healthy" } else { "unavailable" },
    };
    OkOrUnavailable { other: stopping || !found.queues, content: ready }
}

/// `GET /health`, `GET /api/health` (ST-2): a stranger learns that we are here; those who may see the
/// console, and addresses on `HEALTH_ALLOWLIST`, learn how everything stands.
pub async fn health(State(state): State<AppState>, watcher: Watcher) -> OkOrUnavailable<Health> {
    let read = state.telemetry.read().await;
    let health = match (&read, watcher) {
        (None, _) => Health { status: "unavailable", telemetry: None },
        (Some(read), Watcher::Trusted) => Health::of(read, state.uptime_s()),
        (Some(_), _) => Health { status: "ok", telemetry: None },
    };
    OkOrUnavailable { other: read.is_none(), content: health }
}

impl Health {
    fn of(read: &health::Health, uptime_s: i64) -> Health {
        let (issues, troubles) = (read.issues(), read.troubles());
        let fine = issues.is_empty() && troubles.is_empty();
        Health {
            status: if fine { "ok" } else { "degraded" },
            telemetry: Some(Telemetry {
                as_of: read.as_of,
                version: env!("CARGO_PKG_VERSION"),
                uptime_s,
                issues: troubles,
                ingestion: Ingestion {
                    issues,
                    calls_since: read.calls_since,
                    sources: read.sources.iter().map(|source| shown(source, read.as_of)).collect(),
                },
                workers: read.fleet.at_work(),
                kill_switch: read.kill_switch.active,
                dead_letters: read.dead_letters.undecided(),
            }),
        }
    }
}

fn shown(source: &health::Source, now: Timestamp) -> (String, Source) {
    let breaker = &source.breaker;
    let calls = |calls: &health::OperationCalls| {
        let health::OperationCalls { operation, ok, failed, limited, refused } = calls.clone();
        (operation, Calls { ok, failed, limited, refused })
    };
    let shown = Source {
        circuit_state: breaker.state.name(),
        forced: breaker.forced.is_some(),
        remaining_cooldown_s: source.cooldown_left_ms(now) as f64 / 1000.0,
        failures: breaker.failures,
        threshold: breaker.threshold,
        last_success_at: breaker.last_success_at,
        last_error: breaker.last_error.clone(),
        operations: source.operations.iter().map(calls).collect(),
    };
    (breaker.provider.clone(), shown)
}
