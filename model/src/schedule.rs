//! Schedules (OP-16).

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A schedule as the console shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// The kind of job it enqueues.
    pub kind: String,
    /// When, as a cron expression in UTC.
    pub cron: String,
    /// It enqueues nothing while paused.
    pub paused: bool,
    /// Its next tick.
    pub next_run_at: Timestamp,
    /// Its last tick.
    pub last_run_at: Option<Timestamp>,
}
