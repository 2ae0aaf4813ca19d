//! Queues: what an operator sees of one, and sets for it (AV-6, ST-4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The highest bound of a queue, in jobs at once.
pub const MAX_CONCURRENT_BOUND: i64 = 10_000;

/// The longest pause that ends by itself, in minutes: a week.
pub const PAUSE_MINUTES_BOUND: i64 = 7 * 24 * 60;

/// How a queue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueueState {
    /// Its jobs start.
    Running,
    /// None of its jobs starts.
    Paused,
    /// The jobs it held when the drain began still start; newer ones wait. When none of the old
    /// ones is left, it is paused.
    Draining,
}

impl QueueState {
    /// The stable name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            QueueState::Running => "running",
            QueueState::Paused => "paused",
            QueueState::Draining => "draining",
        }
    }
}

/// How far a drain has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drain {
    /// How many jobs it began with.
    pub total: i64,
    /// How many of them are left.
    pub left: i64,
    /// When none will be left at the pace so far; unknown until the first is done.
    pub eta: Option<Timestamp>,
}

impl Drain {
    /// A drain that began at `since` with `total` jobs, of which `left` are left at `now`.
    pub fn at(total: i64, left: i64, since: Timestamp, now: Timestamp) -> Drain {
        let done = total - left;
        let elapsed_ms = (now - since).num_milliseconds();
        let eta = (done > 0 && left > 0).then(|| {
            let ms = i128::from(elapsed_ms) * i128::from(left) / i128::from(done);
            now + chrono::Duration::milliseconds(i64::try_from(ms).unwrap_or(i64::MAX / 2))
        });
        Drain { total, left, eta }
    }
}

/// A queue as the console and the API show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: QueueState,
    /// Why, in the words of who changed it last.
    pub reason: Option<String>,
    /// Who changed it last.
    pub changed_by: Option<String>,
    /// When.
    pub changed_at: Option<Timestamp>,
    /// When the pause ends by itself.
    pub paused_until: Option<Timestamp>,
    /// How far the drain has come, while it drains.
    pub drain: Option<Drain>,
    /// How many of its jobs may run at once, on all workers together; unbounded when absent.
    pub max_concurrent: Option<i64>,
    /// Due jobs, counted to [`crate::metrics::COUNT_CAP`].
    pub waiting: i64,
    /// Jobs that are not due yet, counted to the same cap.
    pub scheduled: i64,
    /// Jobs at work.
    pub running: i64,
    /// Jobs that gave up and wait for a person, counted to the same cap.
    pub failed: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Duration, TimeZone, Utc};

    #[test]
    fn st_4_a_drain_tells_when_it_will_be_done() {
        let since = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap();
        let now = since + Duration::seconds(60);
        assert_eq!(Drain::at(100, 100, since, now).eta, None, "nothing is done yet");
        assert_eq!(Drain::at(100, 25, since, now).eta, Some(now + Duration::seconds(20)));
        assert_eq!(Drain::at(100, 0, since, now).eta, None, "nothing is left");
    }
}
