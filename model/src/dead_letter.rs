//! Dead letters: jobs that failed for good and wait for a person (OP-5, OP-6).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;
use crate::error_class::ErrorClass;
use crate::job::JobId;

/// Whether someone already acted on a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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

/// The most letters that may be named one by one.
pub const IDS_BOUND: usize = 1000;

/// Which letters: those to which everything given applies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DeadLetterFilter {
    /// Of this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<DeadLetterStatus>,
    /// Of jobs of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Of jobs of this queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// With this class of error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_class: Option<ErrorClass>,
    /// Of this group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Among these, at most [`IDS_BOUND`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<i64>>,
}

impl DeadLetterFilter {
    /// Whether every letter matches; a status alone narrows nothing that can be acted on.
    pub fn is_unfiltered(&self) -> bool {
        self.kind.is_none()
            && self.queue.is_none()
            && self.error_class.is_none()
            && self.fingerprint.is_none()
            && self.ids.is_none()
    }

    /// The filter in words, as it completes "dead letters …".
    pub fn describe(&self) -> String {
        let mut parts = Vec::new();
        if let Some(ids) = &self.ids {
            let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
            parts.push(format!("among {} chosen", crate::format::count(count)));
        }
        if let Some(kind) = &self.kind {
            parts.push(format!("of {kind}"));
        }
        if let Some(queue) = &self.queue {
            parts.push(format!("of the queue {queue}"));
        }
        if let Some(class) = self.error_class {
            parts.push(format!("of class {}", class.name()));
        }
        if let Some(fingerprint) = &self.fingerprint {
            parts.push(format!("of the group “{fingerprint}”"));
        }
        if parts.is_empty() { "of every kind".to_owned() } else { parts.join(", ") }
    }
}

/// Hours that a group's trend covers, the current one included.
pub const TREND_HOURS: usize = 24;
/// Days that a group's trend covers, the current one included.
pub const TREND_DAYS: usize = 14;

/// What somebody decided about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Its cause is repaired: it is news if it comes again.
    Resolved,
    /// It is known, and its letters are no alarm.
    Ignored,
}

impl Mark {
    /// Both.
    pub const ALL: [Mark; 2] = [Mark::Resolved, Mark::Ignored];

    /// The stable name used in the database and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Mark::Resolved => "resolved",
            Mark::Ignored => "ignored",
        }
    }

    /// The mark with this stable name.
    pub fn from_name(name: &str) -> Option<Mark> {
        Mark::ALL.into_iter().find(|mark| mark.name() == name)
    }
}

/// A decision about an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupMark {
    /// Which.
    pub mark: Mark,
    /// Why.
    pub reason: String,
    /// Whose.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
}

/// How a group stands, from what was decided and what came since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It came for the first time within the last day.
    New,
    /// It has been there for longer, and nobody decided anything.
    Known,
    /// It failed again after it was said to be resolved.
    CameBack,
    /// Said to be resolved, and quiet since.
    Resolved,
    /// To be left alone.
    Ignored,
}

/// Letters with the same normalised error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterGroup {
    /// What they have in common.
    pub fingerprint: String,
    /// How many there are.
    pub count: i64,
    /// How many of them wait for a person.
    pub pending: i64,
    /// The kinds of their jobs.
    pub kinds: Vec<String>,
    /// The first failure of any of them.
    pub first_failed_at: Timestamp,
    /// The last failure of any of them.
    pub last_failed_at: Timestamp,
    /// The error that came last, as it was.
    pub sample_error: String,
    /// Its class.
    pub error_class: ErrorClass,
    /// Letters by the hour of their last failure, the oldest hour first. Letters that are gone are
    /// not counted.
    pub per_hour: Vec<i64>,
    /// The same by day (24 hours back from now).
    pub per_day: Vec<i64>,
    /// What somebody decided about it.
    #[serde(default)]
    pub mark: Option<GroupMark>,
}

impl DeadLetterGroup {
    /// How it stands at `now`.
    pub fn standing(&self, now: Timestamp) -> Standing {
        match &self.mark {
            Some(GroupMark { mark: Mark::Ignored, .. }) => Standing::Ignored,
            Some(GroupMark { at, .. }) if self.last_failed_at <= *at => Standing::Resolved,
            Some(_) => Standing::CameBack,
            None if now - self.first_failed_at < chrono::Duration::days(1) => Standing::New,
            None => Standing::Known,
        }
    }
}

/// The largest groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterGroups {
    /// The largest, first.
    pub groups: Vec<DeadLetterGroup>,
    /// How many groups there are in all.
    pub total: i64,
    /// When this was read.
    pub as_of: Timestamp,
}
