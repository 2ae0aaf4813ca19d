//! How rows become jobs.

use serde_json::Value;
use signalbox_model::Timestamp;
use signalbox_model::error_class::ErrorClass;
use signalbox_model::job::{Job, JobId, JobState};
use signalbox_model::redact::redact;
use sqlx::Row;
use sqlx::postgres::PgRow;

/// A job that a worker holds the lease of.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedJob {
    /// Its number.
    pub id: JobId,
    /// Its kind.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// 0 is the most urgent.
    pub priority: i16,
    /// When it became due.
    pub run_at: Timestamp,
    /// What its code receives.
    pub payload: Value,
    /// Failures of its own so far.
    pub attempt: i16,
    /// How many failures bury it.
    pub max_attempts: i16,
    /// How often the system took it back.
    pub interruptions: i32,
    /// Its last provider failure.
    pub provider_failed_at: Option<Timestamp>,
    /// The dead letter it was retried from.
    pub dead_letter_id: Option<i64>,
    /// When this attempt began.
    pub started_at: Timestamp,
    /// The fencing token: a transition applies only while the row carries it.
    pub lease_token: i64,
}

/// What records the end of a run: it counts only while the job carries the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    /// The job.
    pub job_id: JobId,
    /// The fencing token.
    pub token: i64,
    /// The dead letter the job was retried from.
    pub dead_letter_id: Option<i64>,
}

impl ClaimedJob {
    /// The lease of this run.
    pub(crate) fn lease(&self) -> Lease {
        let ClaimedJob { id, lease_token, dead_letter_id, .. } = *self;
        Lease { job_id: id, token: lease_token, dead_letter_id }
    }
}

pub(crate) fn claimed_job(row: PgRow) -> Result<ClaimedJob, sqlx::Error> {
    Ok(ClaimedJob {
        id: row.try_get("id")?,
        kind: row.try_get("kind")?,
        queue: row.try_get("queue")?,
        priority: row.try_get("priority")?,
        run_at: row.try_get("run_at")?,
        payload: row.try_get("payload")?,
        attempt: row.try_get("attempt")?,
        max_attempts: row.try_get("max_attempts")?,
        interruptions: row.try_get("interruptions")?,
        provider_failed_at: row.try_get("provider_failed_at")?,
        dead_letter_id: row.try_get("dead_letter_id")?,
        started_at: row.try_get("started_at")?,
        lease_token: row.try_get("lease_token")?,
    })
}

/// A row of the view `jobs`. What lies beside the jobs is added by [`crate::jobs::list`].
pub(crate) fn job(row: PgRow) -> Result<Job, sqlx::Error> {
    let state: String = row.try_get("state")?;
    Ok(Job {
        id: row.try_get("id")?,
        kind: row.try_get("kind")?,
        queue: row.try_get("queue")?,
        state: JobState::from_name(&state)
            .ok_or_else(|| sqlx::Error::Decode(format!("unknown job state {state}").into()))?,
        priority: row.try_get("priority")?,
        payload: redact(row.try_get("payload")?),
        attempt: row.try_get("attempt")?,
        max_attempts: row.try_get("max_attempts")?,
        interruptions: row.try_get("interruptions")?,
        created_at: row.try_get("created_at")?,
        run_at: row.try_get("run_at")?,
        started_at: row.try_get("started_at")?,
        finished_at: row.try_get("finished_at")?,
        wait_reason: row.try_get("wait_reason")?,
        error: row.try_get("last_error")?,
        error_class: error_class(&row, "last_error_class")?,
        dead_letter_id: row.try_get("dead_letter_id")?,
        hold: None,
        progress: None,
    })
}

pub(crate) fn error_class(row: &PgRow, column: &str) -> Result<Option<ErrorClass>, sqlx::Error> {
    let name: Option<String> = row.try_get(column)?;
    Ok(name.map(|name| ErrorClass::from_name(&name).unwrap_or(ErrorClass::Internal)))
}
