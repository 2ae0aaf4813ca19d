//! What a running job sees of the system.

use std::time::Duration;

use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::actor::Actor;
use signalbox_model::job::JobId;
use signalbox_model::system_log::LogLevel;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::Ctx;
use crate::clock::SharedClock;
use crate::jobs::handler::{JobError, Registry};
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
        provider::call(&self.db, &self.clock, self.job_id, operation, call).await
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
