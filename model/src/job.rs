//! Jobs: what is to be done, where it stands, and how its attempts went.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;
use crate::error_class::ErrorClass;
use crate::hold::Hold;
use crate::problem::FieldError;
use crate::progress::Progress;
use crate::system_log::SystemLog;
use crate::why::Verdict;

/// A job's number. Small, so that it can be read out over the telephone.
pub type JobId = i64;

/// Where a job stands. The state diagram is in `docs/job-states.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Not due yet: delayed, snoozed or backing off.
    Scheduled,
    /// Due, and waiting for its turn.
    Available,
    /// A worker holds its lease.
    Running,
    /// Done.
    Completed,
    /// Stopped by an operator.
    Cancelled,
    /// Failed for good; it lies in the dead letter queue.
    Dead,
}

impl JobState {
    /// Every state, in the order of a job's life.
    pub const ALL: [JobState; 6] = [
        JobState::Scheduled,
        JobState::Available,
        JobState::Running,
        JobState::Completed,
        JobState::Cancelled,
        JobState::Dead,
    ];

    /// The stable name used in the database, in URLs and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            JobState::Scheduled => "scheduled",
            JobState::Available => "available",
            JobState::Running => "running",
            JobState::Completed => "completed",
            JobState::Cancelled => "cancelled",
            JobState::Dead => "dead",
        }
    }

    /// The state with this stable name.
    pub fn from_name(name: &str) -> Option<JobState> {
        JobState::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// The most urgent priority. Smaller runs first.
pub const PRIORITY_FIRST: i16 = 0;
/// The priority of a job that names none.
pub const PRIORITY_DEFAULT: i16 = 5;
/// The least urgent priority.
pub const PRIORITY_LAST: i16 = 9;
/// The most attempts a job may be given.
pub const MAX_ATTEMPTS_BOUND: i16 = 25;
/// The largest payload, in bytes of JSON.
pub const PAYLOAD_BYTES_BOUND: usize = 256 * 1024;
/// The longest idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_BOUND: usize = 255;

/// A job to be enqueued, as `POST /api/jobs` takes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewJob {
    /// The registered kind, such as `system.noop`.
    pub kind: String,
    /// What the kind's code receives. An empty object when absent.
    #[serde(default = "empty_object")]
    pub payload: Value,
    /// The queue; the kind's own when absent.
    #[serde(default)]
    pub queue: Option<String>,
    /// 0 (first) to 9 (last), 5 when absent.
    #[serde(default)]
    pub priority: Option<i16>,
    /// Not before this time; at once when absent.
    #[serde(default)]
    pub run_at: Option<Timestamp>,
    /// A second job with the same key is not enqueued; the first one's id is returned instead.
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// How many failures bury it, 1 to 25; the kind's own when absent.
    #[serde(default)]
    pub max_attempts: Option<i16>,
}

fn empty_object() -> Value {
    Value::Object(serde_json::Map::new())
}

impl NewJob {
    /// A job of `kind` with `payload` and everything else at its default.
    pub fn new(kind: &str, payload: Value) -> NewJob {
        NewJob {
            kind: kind.to_owned(),
            payload,
            queue: None,
            priority: None,
            run_at: None,
            idempotency_key: None,
            max_attempts: None,
        }
    }

    /// The same job under an idempotency key.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> NewJob {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Everything that is wrong with it, apart from the kind being unknown.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        if let Some(priority) = self.priority
            && !(PRIORITY_FIRST..=PRIORITY_LAST).contains(&priority)
        {
            problems.push(FieldError::new("priority", "must be 0 (first) to 9 (last)"));
        }
        if let Some(attempts) = self.max_attempts
            && !(1..=MAX_ATTEMPTS_BOUND).contains(&attempts)
        {
            problems.push(FieldError::new("maxAttempts", "must be 1 to 25"));
        }
        if let Some(queue) = &self.queue
            && !is_name(queue)
        {
            problems.push(FieldError::new("queue", NAME_RULE));
        }
        if let Some(key) = &self.idempotency_key
            && (key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES_BOUND)
        {
            problems.push(FieldError::new("idempotencyKey", "must be 1 to 255 bytes long"));
        }
        if !self.payload.is_object() {
            problems.push(FieldError::new("payload", "must be a JSON object"));
        }
        if self.payload.to_string().len() > PAYLOAD_BYTES_BOUND {
            problems.push(FieldError::new("payload", "must be at most 256 KiB of JSON"));
        }
        if contains_nul(&self.payload) {
            problems.push(FieldError::new("payload", "must not contain the character U+0000"));
        }
        problems
    }
}

const NAME_RULE: &str = "must be 1 to 64 of a-z, 0-9, '.', '_' and '-'";

/// Whether `name` may name a queue.
pub fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
}

/// PostgreSQL's `jsonb` cannot hold U+0000.
fn contains_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(contains_nul),
        Value::Object(fields) => {
            fields.iter().any(|(name, value)| name.contains('\0') || contains_nul(value))
        }
        _ => false,
    }
}

/// A job as the console and the API show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// Its registered kind.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// Where it stands.
    pub state: JobState,
    /// 0 (first) to 9 (last).
    pub priority: i16,
    /// What its code receives.
    pub payload: Value,
    /// Failures of its own so far. The system's refusals never count (DESIGN, rule 3).
    pub attempt: i16,
    /// How many failures bury it.
    pub max_attempts: i16,
    /// How often the system took it back without spending an attempt.
    pub interruptions: i32,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it is or was due.
    pub run_at: Timestamp,
    /// When its current or last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it reached a final state.
    pub finished_at: Option<Timestamp>,
    /// Why it waits, when it is scheduled: `delayed`, `backoff`, `snoozed`, `provider`,
    /// `held`.
    pub wait_reason: Option<String>,
    /// Its last error.
    pub error: Option<String>,
    /// The class of that error.
    pub error_class: Option<ErrorClass>,
    /// Its dead letter, if it ever had one that still exists.
    pub dead_letter_id: Option<i64>,
    /// Who holds it back, if anybody does. While it runs, it has been asked to stop.
    #[serde(default)]
    pub hold: Option<Hold>,
    /// How far it is, if it has said so.
    #[serde(default)]
    pub progress: Option<Progress>,
}

/// How one attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The job completed.
    Completed,
    /// The job failed; an attempt was spent.
    Failed,
    /// The provider failed; no attempt was spent.
    ProviderFailed,
    /// The job asked to be run later; no attempt was spent.
    Snoozed,
    /// The system took the job back (kill switch, open breaker, shutdown); no attempt was spent.
    Interrupted,
    /// The worker disappeared; no attempt was spent.
    Lost,
    /// An operator cancelled it.
    Cancelled,
}

impl AttemptOutcome {
    /// Every outcome.
    pub const ALL: [AttemptOutcome; 7] = [
        AttemptOutcome::Completed,
        AttemptOutcome::Failed,
        AttemptOutcome::ProviderFailed,
        AttemptOutcome::Snoozed,
        AttemptOutcome::Interrupted,
        AttemptOutcome::Lost,
        AttemptOutcome::Cancelled,
    ];

    /// The stable name used in the database and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            AttemptOutcome::Completed => "completed",
            AttemptOutcome::Failed => "failed",
            AttemptOutcome::ProviderFailed => "provider_failed",
            AttemptOutcome::Snoozed => "snoozed",
            AttemptOutcome::Interrupted => "interrupted",
            AttemptOutcome::Lost => "lost",
            AttemptOutcome::Cancelled => "cancelled",
        }
    }

    /// The outcome with this stable name.
    pub fn from_name(name: &str) -> Option<AttemptOutcome> {
        AttemptOutcome::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

/// One run of a job, as its timeline shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// When a worker took it.
    pub started_at: Timestamp,
    /// When it ended; absent while it runs.
    pub finished_at: Option<Timestamp>,
    /// How it ended; absent while it runs.
    pub outcome: Option<AttemptOutcome>,
    /// The worker that ran it.
    pub worker: String,
    /// The error, or the reason of the interruption.
    pub error: Option<String>,
    /// The class of the error.
    pub error_class: Option<ErrorClass>,
}

/// A job with everything its page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobDetail {
    /// The job.
    pub job: Job,
    /// Its attempts, the newest first.
    pub attempts: Vec<Attempt>,
    /// What was logged about it, the newest first.
    pub logs: Vec<SystemLog>,
    /// Why it is not running.
    pub verdict: Verdict,
    /// When this was read.
    pub as_of: Timestamp,
}

/// The answer to an enqueue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Enqueued {
    /// The job's number.
    pub id: JobId,
    /// A job with this idempotency key was already there; nothing was added.
    pub existed: bool,
}

/// What `GET /api/jobs` filters by. Everything is optional; all given conditions must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct JobFilter {
    /// Only this state.
    pub state: Option<JobState>,
    /// Only this kind.
    pub kind: Option<String>,
    /// Only this queue.
    pub queue: Option<String>,
    /// Only kinds that call this provider.
    pub provider: Option<String>,
    /// Only jobs whose last error is of this class.
    pub error_class: Option<ErrorClass>,
    /// Only jobs that were enqueued then or later.
    pub since: Option<Timestamp>,
    /// Only jobs that were enqueued before.
    pub until: Option<Timestamp>,
    /// Only payloads that contain this text.
    pub q: Option<String>,
    /// Look for that text only here: the fields' names from the outside to the inside, with dots
    /// between them, such as `post.id`. Without a text: only payloads that have this field.
    pub path: Option<String>,
    /// Only these jobs.
    pub ids: Option<Vec<JobId>>,
    /// Continue after the page that gave this cursor.
    pub cursor: Option<JobId>,
    /// At most this many rows, 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_job_that_breaks_every_rule_names_every_field() {
        let mut job = NewJob::new("system.noop", json!("\u{0}"));
        job.priority = Some(10);
        job.max_attempts = Some(0);
        job.queue = Some("No Spaces".into());
        job.idempotency_key = Some(String::new());
        let fields: Vec<_> = job.problems().into_iter().map(|p| p.field).collect();
        assert_eq!(
            fields,
            ["priority", "maxAttempts", "queue", "idempotencyKey", "payload", "payload"]
        );
    }

    #[test]
    fn a_plain_job_has_no_problems() {
        assert!(NewJob::new("system.noop", json!({})).problems().is_empty());
    }

    #[test]
    fn states_round_trip_by_name() {
        for state in JobState::ALL {
            assert_eq!(JobState::from_name(state.name()), Some(state));
        }
    }
}
