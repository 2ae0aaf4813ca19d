//! Dead letters: jobs that failed for good and wait for a person (OP-5, OP-6).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;
use crate::error_class::ErrorClass;
use crate::job::JobId;

/// Whether someone already acted on a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterStatus {
    /// Waits for a person.
    Pending,
    /// Its job is on its way again; success removes the letter, failure makes it pending again.
    RetryScheduled,
}

impl DeadLetterStatus {
    /// Every status.
    pub const ALL: [DeadLetterStatus; 2] =
        [DeadLetterStatus::Pending, DeadLetterStatus::RetryScheduled];

    /// The stable name used in the database, in URLs and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            DeadLetterStatus::Pending => "pending",
            DeadLetterStatus::RetryScheduled => "retry_scheduled",
        }
    }

    /// The status with this stable name.
    pub fn from_name(name: &str) -> Option<DeadLetterStatus> {
        DeadLetterStatus::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// One dead letter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// Its number (`dlqId` in the API).
    pub id: i64,
    /// The job it holds.
    pub job_id: JobId,
    /// The job's kind.
    pub job_type: String,
    /// The job's queue.
    pub queue: String,
    /// Whether someone acted on it.
    pub status: DeadLetterStatus,
    /// The last error.
    pub error: String,
    /// Its class.
    pub error_class: ErrorClass,
    /// The normalised error, by which letters are grouped.
    pub fingerprint: String,
    /// When the job failed for the first time.
    pub first_failed_at: Timestamp,
    /// When it failed last.
    pub last_failed_at: Timestamp,
    /// How many attempts it spent, all retries included.
    pub attempts: i32,
    /// What its code receives.
    pub payload: Value,
}

impl DeadLetter {
    /// The payload in at most `chars` characters, for a table cell.
    pub fn payload_summary(&self, chars: usize) -> String {
        crate::format::shorten(&self.payload.to_string(), chars)
    }
}
