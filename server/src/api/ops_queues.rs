//! `GET /api/ops/queues` (ST-3): what somebody on call looks at first.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use signalbox_engine::jobs::handler::Registry;
use signalbox_engine::vault;
use signalbox_model::Timestamp;
use signalbox_model::actor::{Actor, Permission};
use signalbox_model::fleet;
use signalbox_model::health::{Health, QueueHealth, ServiceState};
use signalbox_model::job::JobId;
use signalbox_model::queue::QueueState;
use signalbox_model::secret::VaultHealth;

use super::input::Signed;
use crate::problem::{Answer, ApiProblem};
use crate::state::AppState;

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Triage {
    status: ServiceState,
    /// What is not as it should be, in words.
    issues: Vec<String>,
    /// When it was read: at most a second ago.
    as_of: Timestamp,
    queues: BTreeMap<String, Queue>,
    workers: Vec<Worker>,
    scheduler: Scheduler,
    vault: VaultHealth,
}

/// A queue. Jobs that wait are counted to 10,000.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Queue {
    state: QueueState,
    /// Due, and waiting for a worker.
    size: i64,
    /// Put off by the system or by a person.
    deferred: i64,
    /// Not due yet.
    scheduled: i64,
    /// At work.
    started: i64,
    /// Gave up, and wait for a person.
    failed: i64,
    oldest_waiting_since: Option<Timestamp>,
}

/// A worker.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Worker {
    id: String,
    name: String,
    /// `busy`, `idle`, `stopped` or `lost`.
    state: &'static str,
    /// The usual queues of the kinds that it knows.
    queues: BTreeSet<&'static str>,
    /// The job it has run for longest.
    current_job_id: Option<JobId>,
    /// How many it runs.
    running: i64,
    heartbeat_at: Timestamp,
}

/// The scheduler.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Scheduler {
    /// Schedules that tick.
    scheduled_jobs: i64,
    paused: i64,
    next_run_at: Option<Timestamp>,
    /// How late the most overdue tick is.
    lag_ms: i64,
    leads_since: Option<Timestamp>,
    stopped: bool,
}

/// `GET /api/ops/queues`. 403 for who is not on `OPS_ADMIN_EMAILS`, where it is set.
pub async fn triage(
    State(state): State<AppState>,
    Signed { ctx, registry }: Signed,
) -> Answer<axum::Json<Triage>> {
    ctx.demand(Permission::ReadConsole)?;
    demand_listed(&ctx.actor, &state.parts.ops_admin_emails)?;
    let read = state.telemetry.read().await.ok_or_else(ApiProblem::unavailable)?;
    let vault = vault::health::health(&ctx, registry.providers().vault()).await?;
    let everywhere = read.fleet.stop.is_some();
    let providers =
        read.issues().into_iter().map(|issue| format!("{}: {}", issue.source, issue.reason));
    Ok(axum::Json(Triage {
        status: read.state(),
        issues: read.troubles().into_iter().chain(providers).collect(),
        as_of: read.as_of,
        queues: read.queues.iter().map(queue).collect(),
        workers: read
            .fleet
            .workers
            .iter()
            .map(|w| worker(w, everywhere, &registry, &read))
            .collect(),
        scheduler: Scheduler {
            scheduled_jobs: read.schedules.scheduled,
            paused: read.schedules.paused,
            next_run_at: read.schedules.next_run_at,
            lag_ms: read.schedules.lag_ms,
            leads_since: read.fleet.scheduler.leads_since,
            stopped: read.fleet.scheduler.stop.is_some(),
        },
        vault,
    }))
}

fn demand_listed(actor: &Actor, list: &[String]) -> Answer<()> {
    if list.is_empty() || list.contains(&actor.email.to_lowercase()) {
        return Ok(());
    }
    Err(ApiProblem::forbidden(
        "You are not on OPS_ADMIN_EMAILS, the list of those who may see this.",
    ))
}

fn queue(QueueHealth { queue, deferred, oldest_waiting_since }: &QueueHealth) -> (String, Queue) {
    let shown = Queue {
        state: queue.state,
        size: queue.waiting,
        deferred: *deferred,
        scheduled: queue.scheduled - deferred,
        started: queue.running,
        failed: queue.failed,
        oldest_waiting_since: *oldest_waiting_since,
    };
    (queue.name.clone(), shown)
}

fn worker(worker: &fleet::Worker, everywhere: bool, registry: &Registry, read: &Health) -> Worker {
    let state = match worker {
        worker if !worker.alive => "lost",
        worker if everywhere || worker.stop.is_some() => "stopped",
        worker if worker.running > 0 => "busy",
        _ => "idle",
    };
    let kinds = worker.kinds.iter().filter_map(|kind| registry.kind(kind));
    Worker {
        id: worker.id.clone(),
        name: worker.name.clone(),
        state,
        queues: kinds.map(|kind| kind.spec.queue).collect(),
        current_job_id: read.current_job(&worker.id),
        running: worker.running,
        heartbeat_at: worker.heartbeat_at,
    }
}
