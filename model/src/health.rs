//! How everything stands, read at one moment: what the health family and the metrics tell (AV-3,
//! AV-4, ST-2, ST-3).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::breaker::{Breaker, BreakerForce, BreakerState};
use crate::fleet::{Fleet, Stop};
use crate::job::JobId;
use crate::kill_switch::KillSwitch;
use crate::metrics::DeadLetterCounts;
use crate::queue::Queue;

/// A tick that is later than this is not one of a scheduler at work, in milliseconds.
const SCHEDULE_LAG_BOUND_MS: i64 = 60_000;

/// Whether work is done (ST-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    /// All of it.
    Online,
    /// Some of it is not, or not as it should be.
    Degraded,
    /// None of it: no worker takes jobs.
    Offline,
}

/// One operation of a provider, and how its calls went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationCalls {
    /// Its name, such as `discovery`.
    pub operation: String,
    /// Calls that were answered.
    pub ok: i64,
    /// Calls that failed by the provider's fault.
    pub failed: i64,
    /// Calls that the provider asked to make later.
    pub limited: i64,
    /// Calls that the breaker let not out.
    pub refused: i64,
}

/// One rate, and how much of it is used up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateHealth {
    /// The operation that it bounds, such as `discovery`.
    pub operation: String,
    /// Whose operation.
    pub provider: String,
    /// The setting, in calls a minute.
    pub limit: i64,
    /// What is in force: less while the provider is throttled.
    pub in_force: i64,
    /// Calls that ended in the last minute.
    pub used: i64,
    /// The provider asked to wait until then.
    pub blocked_until: Option<Timestamp>,
}

impl RateHealth {
    /// Calls that are left in this minute.
    pub fn left(&self) -> i64 {
        (self.in_force - self.used).max(0)
    }
}

/// A provider that jobs fetch from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Its breaker.
    pub breaker: Breaker,
    /// Its operations.
    pub operations: Vec<OperationCalls>,
    /// The operation whose call failed last, while the breaker is not closed.
    pub failing: Option<String>,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueHealth {
    /// As the console shows it.
    pub queue: Queue,
    /// Jobs that were put off by the system or by a person: parked, snoozed or held.
    pub deferred: i64,
    /// Since when its oldest due job waits.
    pub oldest_waiting_since: Option<Timestamp>,
}

/// The schedules together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleHealth {
    /// Those that tick.
    pub scheduled: i64,
    /// Those that are paused.
    pub paused: i64,
    /// The next tick of all.
    pub next_run_at: Option<Timestamp>,
    /// How late the most overdue tick is, in milliseconds.
    pub lag_ms: i64,
}

/// Connections to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Connections {
    /// Of this process's pool, those in use.
    pub in_use: i64,
    /// Of this process's pool, those that are open.
    pub open: i64,
    /// The most that the pool opens.
    pub pool_max: i64,
    /// Open on the whole server.
    pub server: i64,
    /// The most that the server takes.
    pub server_max: i64,
}

/// How many runs of a kind have ended, as far as the counters reach back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KindRuns {
    /// The kind.
    pub kind: String,
    /// The queue of a job that names none.
    pub queue: String,
    /// Completed.
    pub completed: i64,
    /// Failed by the job's own fault.
    pub failed: i64,
}

/// Something that is not as it should be with a provider (ST-2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Issue {
    /// The provider.
    pub source: String,
    /// Its operation; absent where all of them are meant.
    pub operation: Option<String>,
    /// `circuit_open`, `circuit_half_open`, `forced_open` or `rate_limited`.
    pub reason: String,
    /// The provider's last failure, in words.
    pub last_error: Option<String>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// When this was read.
    pub as_of: Timestamp,
    /// Since when the calls are counted.
    pub calls_since: Timestamp,
    /// Every provider, by name.
    pub sources: Vec<Source>,
    /// Every rate, by provider and operation.
    pub rates: Vec<RateHealth>,
    /// Every queue, by name.
    pub queues: Vec<QueueHealth>,
    /// Workers and scheduler.
    pub fleet: Fleet,
    /// Of each worker's id that runs anything, the job it has run for longest.
    pub current_jobs: Vec<(String, JobId)>,
    /// The schedules.
    pub schedules: ScheduleHealth,
    /// The kill switch.
    pub kill_switch: KillSwitch,
    /// Dead letters.
    pub dead_letters: DeadLetterCounts,
    /// Connections to the database.
    pub connections: Connections,
    /// Ended runs, by kind.
    pub runs: Vec<KindRuns>,
}

impl Health {
    /// What is not as it should be with the providers.
    pub fn issues(&self) -> Vec<Issue> {
        let circuits = self.sources.iter().filter_map(Source::issue);
        let blocked = |rate: &&RateHealth| rate.blocked_until.is_some_and(|at| at > self.as_of);
        let limited = self.rates.iter().filter(blocked).map(|rate| Issue {
            source: rate.provider.clone(),
            operation: Some(rate.operation.clone()),
            reason: "rate_limited".to_owned(),
            last_error: rate
                .blocked_until
                .map(|at| format!("asked to wait until {}", at.to_rfc3339())),
        });
        circuits.chain(limited).collect()
    }

    /// What else is not as it should be, in words.
    pub fn troubles(&self) -> Vec<String> {
        let scheduler = &self.fleet.scheduler;
        let stopped = |what: &str, stop: &Option<Stop>| {
            stop.as_ref().map(|stop| format!("{what}, stopped by {}: {}", stop.by, stop.reason))
        };
        let late = self.schedules.lag_ms > SCHEDULE_LAG_BOUND_MS;
        [
            self.kill_switch.active.then(|| "the kill switch is on".to_owned()),
            stopped("no worker takes jobs", &self.fleet.stop)
                .or((self.fleet.at_work() == 0).then(|| "no worker takes jobs".to_owned())),
            stopped("no schedule ticks", &scheduler.stop)
                .or(scheduler.leads_since.is_none().then(|| "no scheduler leads".to_owned()))
                .or(late.then(|| format!("a schedule is {} s late", self.schedules.lag_ms / 1000))),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether work is done (ST-3).
    pub fn state(&self) -> ServiceState {
        if self.fleet.at_work() == 0 {
            ServiceState::Offline
        } else if self.issues().is_empty() && self.troubles().is_empty() {
            ServiceState::Online
        } else {
            ServiceState::Degraded
        }
    }

    /// The job that the worker with this id has run for longest.
    pub fn current_job(&self, worker: &str) -> Option<JobId> {
        self.current_jobs.iter().find(|(id, _)| id == worker).map(|(_, job)| *job)
    }
}

impl Source {
    fn issue(&self) -> Option<Issue> {
        let breaker = &self.breaker;
        let held = breaker.forced.as_ref().map(|forced| forced.to);
        let reason = match (held, breaker.state) {
            (Some(BreakerForce::Open), _) => "forced_open",
            (_, BreakerState::Open) => "circuit_open",
            (_, BreakerState::HalfOpen) => "circuit_half_open",
            (_, BreakerState::Closed) => return None,
        };
        Some(Issue {
            source: breaker.provider.clone(),
            operation: self.failing.clone(),
            reason: reason.to_owned(),
            last_error: breaker.last_error.clone(),
        })
    }

    /// How long until the breaker lets a trial call out, in milliseconds; 0 unless it is open.
    pub fn cooldown_left_ms(&self, now: Timestamp) -> i64 {
        let left = self.breaker.retry_at.map(|at| (at - now).num_milliseconds());
        left.filter(|_| self.breaker.state == BreakerState::Open).unwrap_or(0).max(0)
    }
}
