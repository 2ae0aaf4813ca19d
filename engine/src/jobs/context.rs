//! What a running job sees of the system.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::actor::Actor;
use signalbox_model::job::JobId;
use signalbox_model::system_log::LogLevel;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::Ctx;
use crate::clock::SharedClock;
use crate::jobs::handler::{JobError, Registry};
use crate::jobs::run::Run;
use crate::jobs::{checkpoint, progress, transitions};
use crate::logs::{self, NewLog};
use crate::provider::{self, CallFailure, Operation};

/// What a running job sees of the system.
#[derive(Debug, Clone)]
pub struct JobContext {
    /// The job's number.
    pub job_id: JobId,
    /// Its kind.
    pub kind: &'static str,
    /// The database.
    pub db: PgPool,
    /// The time.
    pub clock: SharedClock,
    /// All kinds, to enqueue further jobs.
    pub registry: Registry,
    pub(crate) stop: CancellationToken,
    pub(crate) run: Arc<Run>,
}

impl JobContext {
    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A context for commands, in which the job's kind is the actor.
    pub fn command_ctx(&self) -> Ctx {
        Ctx::new(self.db.clone(), self.clock.clone(), Actor::system(self.kind))
    }

    /// Resolves when the job is asked to stop (kill switch, cancel, shutdown).
    pub async fn stop_requested(&self) {
        self.stop.cancelled().await;
    }

    /// Goes on only while nobody has asked the job to stop: `cx.check_stop()?` between two steps
    /// of a long job. What it has kept by [`checkpoint`](JobContext::checkpoint) is there when it
    /// runs again.
    ///
    /// # Errors
    /// Once the job is asked to stop; the job just returns it, and no attempt is spent.
    pub fn check_stop(&self) -> Result<(), JobError> {
        if self.stop.is_cancelled() { Err(JobError::stopped()) } else { Ok(()) }
    }

    /// Says how far the job is: `done` of `total` units (`None`: nobody knows), and in words. At
    /// most one report a second is written; the last one of a run always is. A report that cannot
    /// be written keeps nothing from going on.
    pub async fn progress(
        &self,
        done: i64,
        total: impl Into<Option<i64>> + Send,
        message: impl Into<String> + Send,
    ) {
        let said = progress::Said::new(done, total.into(), message.into(), self.now());
        progress::say(&self.db, &self.run, said).await;
    }

    /// Keeps `value`, in place of the last one, for the job's next run: in the transaction that
    /// stores the work it stands for, so that both are there or neither. It outlives retries,
    /// snoozes, parks, holds and crashes, and goes when the job has ended.
    ///
    /// The lease is locked until `tx` ends: nobody else can be given the job in between.
    ///
    /// # Errors
    /// When the job's lease was lost, and `tx` must not be committed; when the database does not
    /// answer, or cannot store the value.
    pub async fn checkpoint<T: Serialize + Sync>(
        &self,
        tx: &mut PgConnection,
        value: &T,
    ) -> Result<(), JobError> {
        checkpoint::keep(tx, &self.run, value, self.now()).await
    }

    /// What an earlier run has kept by [`checkpoint`](JobContext::checkpoint), if any has.
    ///
    /// # Errors
    /// When `T` cannot be read from it; when the database does not answer.
    pub async fn restore<T: DeserializeOwned>(&self) -> Result<Option<T>, JobError> {
        checkpoint::restore(&self.db, self.job_id).await
    }

    /// Makes one call to a provider: within the operation's rate, through its breaker, and with
    /// the outcome reported to both. No call goes out when either refuses.
    ///
    /// # Errors
    /// A [`JobError`] that already says what is to become of the job; a job just returns it.
    pub async fn call<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, CallFailure>> + Send,
    ) -> Result<T, JobError> {
        provider::call(self, operation, call).await
    }

    /// Completes the job in the transaction that stores its result, so that both are there or
    /// neither: for work that must not be done twice and has no natural key. The last thing that a
    /// job does: it commits, and returns.
    ///
    /// # Errors
    /// When the job's lease was lost, and `tx` must not be committed; when the database does not
    /// answer.
    pub async fn complete_in(&self, tx: &mut PgConnection) -> Result<(), JobError> {
        progress::flush_in(tx, &self.run).await?;
        let now = self.now();
        if transitions::complete(tx, &[self.run.lease], now).await?.is_empty() {
            return Err(JobError::lease_lost());
        }
        self.run.has_completed(now);
        Ok(())
    }

    /// Writes to `system_logs` about this job.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn log(
        &self,
        event_type: &str,
        level: LogLevel,
        message: impl Into<String> + Send,
    ) -> Result<(), sqlx::Error> {
        let log = NewLog::new(event_type, level, message)
            .job(self.job_id)
            .with(json!({ "kind": self.kind }));
        logs::write(&self.db, self.now(), log).await
    }

    /// Waits, but stops waiting when the job is asked to stop.
    pub async fn sleep(&self, duration: Duration) {
        tokio::select! {
            () = tokio::time::sleep(duration) => {}
            () = self.stop.cancelled() => {}
        }
    }
}
