//! One run of a job: what its own code and [`execute`](crate::jobs::execute) share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use signalbox_model::Timestamp;

use crate::jobs::progress::Reports;
use crate::jobs::row::{ClaimedJob, Lease};

/// One run.
#[derive(Debug)]
pub(crate) struct Run {
    /// Its lease: what the run stores about its job counts only while that is good.
    pub lease: Lease,
    /// The job's kind.
    pub kind: &'static str,
    reports: Mutex<Reports>,
    completed_at: Mutex<Option<Timestamp>>,
}

impl Run {
    pub(crate) fn new(job: &ClaimedJob, kind: &'static str) -> Run {
        Run { lease: job.lease(), kind, reports: Mutex::default(), completed_at: Mutex::default() }
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
