//! The processes at work, as an operator sees, stops and starts them (ST-4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What can be stopped and started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Every worker, those that start later included.
    Workers,
    /// The worker with this id.
    Worker(String),
    /// The scheduler, whichever process leads.
    Scheduler,
}

impl Part {
    /// The part with this name: `workers`, `scheduler`, or a worker's id.
    pub fn from_name(name: &str) -> Part {
        match name {
            "workers" => Part::Workers,
            "scheduler" => Part::Scheduler,
            id => Part::Worker(id.to_owned()),
        }
    }

    /// The name by which addresses, forms and logs name it.
    pub fn name(&self) -> &str {
        match self {
            Part::Workers => "workers",
            Part::Worker(id) => id,
            Part::Scheduler => "scheduler",
        }
    }
}

/// That an operator has stopped something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
}

/// A worker process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Worker {
    /// Its id, a new one at each start.
    pub id: String,
    /// Its machine and process number.
    pub name: String,
    /// The kinds of jobs it knows.
    pub kinds: Vec<String>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it was heard last.
    pub heartbeat_at: Timestamp,
    /// Whether its lease holds. The jobs of one that is lost run elsewhere.
    pub alive: bool,
    /// How many jobs it runs.
    pub running: i64,
    /// That it was stopped: it takes no more jobs.
    pub stop: Option<Stop>,
}

/// The scheduler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scheduler {
    /// Since when the present process leads; none leads when absent.
    pub leads_since: Option<Timestamp>,
    /// That it was stopped: no schedule ticks. Upkeep goes on.
    pub stop: Option<Stop>,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fleet {
    /// The workers, by name.
    pub workers: Vec<Worker>,
    /// That all workers were stopped.
    pub stop: Option<Stop>,
    /// The scheduler.
    pub scheduler: Scheduler,
}

impl Fleet {
    /// How many workers take jobs.
    pub fn at_work(&self) -> usize {
        let takes = |worker: &&Worker| worker.alive && worker.stop.is_none();
        if self.stop.is_some() { 0 } else { self.workers.iter().filter(takes).count() }
    }

    /// That `part` was stopped.
    pub fn stop_of(&self, part: &Part) -> Option<&Stop> {
        match part {
            Part::Workers => self.stop.as_ref(),
            Part::Scheduler => self.scheduler.stop.as_ref(),
            Part::Worker(id) => self.workers.iter().find(|worker| worker.id == *id)?.stop.as_ref(),
        }
    }
}
