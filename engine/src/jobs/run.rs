//! One run of a job: what its own code and [`execute`](crate::jobs::execute) share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use signalbox_model::Timestamp;
use signalbox_model::job::JobId;

use crate::jobs::progress::Reports;
use crate::jobs::row::ClaimedJob;

/// One run.
#[derive(Debug)]
pub(crate) struct Run {
    /// The job.
    pub job_id: JobId,
    /// Its kind.
    pub kind: &'static str,
    /// The fencing token: what the run stores about its job counts only while the job carries it.
    pub lease_token: i64,
    reports: Mutex<Reports>,
    completed_at: Mutex<Option<Timestamp>>,
}

impl Run {
    pub(crate) fn new(job: &ClaimedJob, kind: &'static str) -> Run {
        Run {
            job_id: job.id,
            kind,
            lease_token: job.lease_token,
            reports: Mutex::default(),
            completed_at: Mutex::default(),
        }
    }

    /// What it has reported.
    pub(crate) fn reports(&self) -> MutexGuard<'_, Reports> {
        lock(&self.reports)
    }

    /// The completion that its own code has recorded at this time, if its transaction committed.
    pub(crate) fn completed_at(&self) -> Option<Timestamp> {
        *lock(&self.completed_at)
    }

    /// Its own code has recorded its completion.
    pub(crate) fn has_completed(&self, at: Timestamp) {
        *lock(&self.completed_at) = Some(at);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
