//! What the overview and `GET /api/admin/jobs` count (OP-2, OP-8).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::breaker::Breaker;
use crate::dead_letter::DeadLetter;
use crate::kill_switch::KillSwitch;
use crate::system_log::SystemLog;

/// Upper bounds, in milliseconds, of the duration histogram that the engine keeps per kind and
/// minute. A last bucket without bound follows. A 1-2-5 series: a percentile read from it is off
/// by at most the width of its bucket.
pub const DURATION_BUCKETS_MS: [i64; 18] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 300_000,
    1_800_000, 3_600_000,
];

/// So many pending dead letters are an alarm (OP-13).
pub const DEAD_LETTERS_ALARM: i64 = 10;
/// A kind of which less than this succeeds, in percent, is an alarm (OP-13).
pub const SUCCESS_ALARM_PERCENT: i64 = 70;
/// A rate of fewer runs than these says nothing.
pub const SUCCESS_ALARM_RUNS: i64 = 10;

/// The bucket that a run of `ms` milliseconds falls into.
pub fn duration_bucket(ms: i64) -> usize {
    DURATION_BUCKETS_MS.iter().position(|bound| ms <= *bound).unwrap_or(DURATION_BUCKETS_MS.len())
}

/// The `q`-th quantile (0 to 1) of a histogram over [`DURATION_BUCKETS_MS`], interpolated within
/// its bucket; absent when nothing was counted.
pub fn quantile_ms(histogram: &[i64], q: f64) -> Option<i64> {
    let total: i64 = histogram.iter().sum();
    if total == 0 {
        return None;
    }
    let rank = (q * total as f64).ceil().max(1.0);
    let mut below = 0.0;
    for (index, count) in histogram.iter().enumerate() {
        let here = *count as f64;
        if here > 0.0 && below + here >= rank {
            let from = if index == 0 { 0 } else { DURATION_BUCKETS_MS[index - 1] };
            let to = DURATION_BUCKETS_MS.get(index).copied().unwrap_or(from);
            let share = (rank - below) / here;
            return Some(from + ((to - from) as f64 * share).round() as i64);
        }
        below += here;
    }
    None
}

/// `part` of `whole` in percent, rounded up: a little more than a threshold is above it.
pub fn percent_up(part: i64, whole: i64) -> i64 {
    let whole = whole.max(1);
    (part * 100 + whole - 1) / whole
}

/// How one kind of job did over the window asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KindMetrics {
    /// The kind.
    pub job_type: String,
    /// Completed + failed attempts in the window.
    pub total: i64,
    /// Completed jobs.
    pub completed: i64,
    /// Attempts that failed by the job's own fault.
    pub failed: i64,
    /// Running now.
    pub running: i64,
    /// Completed of total, 0 to 1; absent when nothing ended.
    pub success_rate: Option<f64>,
    /// Mean duration of completed runs, in milliseconds.
    pub avg_duration_ms: Option<i64>,
    /// 95th percentile of it, from a histogram.
    pub p95_duration_ms: Option<i64>,
    /// The last completion, within retention.
    pub last_success_at: Option<Timestamp>,
}

impl KindMetrics {
    /// Completed of those that ended, in percent; absent where so few ended that it says nothing.
    pub fn success_percent(&self) -> Option<i64> {
        let ended = self.completed + self.failed;
        (ended >= SUCCESS_ALARM_RUNS).then(|| self.completed * 100 / ended)
    }

    /// Failed of those that ended, in percent; absent where so few ended that it says nothing.
    pub fn failure_percent(&self) -> Option<i64> {
        let ended = self.completed + self.failed;
        (ended >= SUCCESS_ALARM_RUNS).then(|| percent_up(self.failed, ended))
    }

    /// Whether it succeeds so rarely that it is an alarm.
    pub fn is_alarming(&self) -> bool {
        self.success_percent().is_some_and(|percent| percent < SUCCESS_ALARM_PERCENT)
    }
}

/// What waits and runs in one queue, per kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueDepth {
    /// The queue.
    pub queue: String,
    /// The kind.
    pub kind: String,
    /// Due and waiting, at most [`COUNT_CAP`].
    pub available: i64,
    /// Not due yet, at most [`COUNT_CAP`].
    pub scheduled: i64,
    /// Running now.
    pub running: i64,
    /// Since when the oldest due job waits.
    pub oldest_waiting_since: Option<Timestamp>,
}

/// Counts are exact up to this number and shown as "10 k+" beyond it.
pub const COUNT_CAP: i64 = 10_000;

/// Dead letters by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterCounts {
    /// Waiting for a person.
    pub pending: i64,
    /// Of these, those of errors that somebody said to ignore.
    #[serde(default)]
    pub ignored: i64,
    /// On their way again.
    pub retry_scheduled: i64,
}

impl DeadLetterCounts {
    /// How many want a decision.
    pub fn undecided(&self) -> i64 {
        self.pending - self.ignored
    }
}

/// Everything the overview and `/admin/jobs` show, read at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// When this was read.
    pub as_of: Timestamp,
    /// The window of `metrics`, in hours.
    pub hours: i64,
    /// Per kind.
    pub metrics: Vec<KindMetrics>,
    /// Per queue and kind.
    pub queues: Vec<QueueDepth>,
    /// How many dead letters there are.
    pub dead_letter_counts: DeadLetterCounts,
    /// The newest dead letters.
    pub dead_letters: Vec<DeadLetter>,
    /// The newest log entries.
    pub recent_logs: Vec<SystemLog>,
    /// The breaker of the MCP provider.
    pub mcp_circuit_breaker: Breaker,
    /// One per provider.
    pub circuit_breakers: Vec<Breaker>,
    /// The kill switch.
    pub kill_switch: KillSwitch,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_come_from_the_right_bucket() {
        let mut histogram = [0; DURATION_BUCKETS_MS.len() + 1];
        histogram[duration_bucket(3)] = 90;
        histogram[duration_bucket(150)] = 10;
        assert_eq!(quantile_ms(&histogram, 0.95), Some(150));
        assert!(quantile_ms(&histogram, 0.5).unwrap() <= 5);
        assert_eq!(quantile_ms(&[0; 19], 0.95), None);
    }

    #[test]
    fn every_duration_has_a_bucket() {
        assert_eq!(duration_bucket(0), 0);
        assert_eq!(duration_bucket(i64::MAX), DURATION_BUCKETS_MS.len());
    }
}
