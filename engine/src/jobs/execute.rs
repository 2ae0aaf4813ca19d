//! Running one leased job: a straight line that ends in one outcome.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use signalbox_model::Timestamp;
use signalbox_model::error_class::ErrorClass;
use signalbox_model::job::JobId;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::clock::SharedClock;
use crate::jobs::context::JobContext;
use crate::jobs::handler::{JobError, Kind, KindSpec, Registry, Timeout};
use crate::jobs::progress;
use crate::jobs::row::ClaimedJob;
use crate::jobs::run::Run;
use crate::settings::Settings;
use crate::spans;

/// A job that was asked to stop has this long to do so by itself; then it is dropped at its next
/// await.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// A run that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The job.
    pub job: ClaimedJob,
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub ending: Ending,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The work is done.
    Completed,
    /// The work is done, and the job's own transaction has recorded it.
    Recorded,
    /// It is not, and this says what is to become of the job.
    Failed(JobError),
    /// It was asked to stop, and did not complete.
    Stopped,
}

/// Runs `job` to its end, its time-out, or until `stop` asks it to stop.
pub async fn execute(
    db: &PgPool,
    clock: &SharedClock,
    registry: &Registry,
    job: ClaimedJob,
    stop: CancellationToken,
) -> Ended {
    let span = tracing::trace_span!(
        target: spans::TARGET, "job", otel.name = %job.kind, otel.status_code = Empty,
        job.id, job.queue = %job.queue, job.attempt, job.ending = Empty,
    );
    let ending = run(db, clock, registry, &job, stop).instrument(span.clone()).await;
    let (word, status) = match &ending {
        Ending::Completed | Ending::Recorded => ("completed", "OK"),
        Ending::Failed(_) => ("failed", "ERROR"),
        Ending::Stopped => ("stopped", "OK"),
    };
    span.record("job.ending", word).record("otel.status_code", status);
    Ended { job, at: clock.now(), ending }
}

async fn run(
    db: &PgPool,
    clock: &SharedClock,
    registry: &Registry,
    job: &ClaimedJob,
    stop: CancellationToken,
) -> Ending {
    let Some(kind) = registry.kind(&job.kind) else {
        return Ending::Failed(JobError::retry(
            ErrorClass::Internal,
            format!("unknown kind {}", job.kind),
        ));
    };
    let limit = match timeout(db, &kind.spec, clock.now()).await {
        Ok(limit) => limit,
        Err(error) => return Ending::Failed(error.into()),
    };
    let run = Arc::new(Run::new(job, kind.spec.name));
    let cx = JobContext {
        job_id: job.id,
        kind: kind.spec.name,
        db: db.clone(),
        clock: clock.clone(),
        registry: registry.clone(),
        stop: stop.clone(),
        run: run.clone(),
    };
    let ending = handle(kind, job, cx, limit, stop).await;
    progress::flush(db, &run).await;
    match run.completed_at() {
        Some(at) => completed_by_itself(db, job.id, at, ending).await,
        None => ending,
    }
}

/// How a run has ended whose code completed its job at `at`. What counts is whether that was
/// committed, whatever the code did afterwards.
async fn completed_by_itself(db: &PgPool, id: JobId, at: Timestamp, ending: Ending) -> Ending {
    let committed: Result<bool, sqlx::Error> = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM jobs_finished WHERE id = $1 AND finished_at = $2)",
    )
    .bind(id)
    .bind(at)
    .fetch_one(db)
    .await;
    match (committed, ending) {
        (Ok(true), _) => Ending::Recorded,
        (Ok(false), Ending::Completed) => Ending::Failed(JobError::retry(
            ErrorClass::Internal,
            "the transaction that completes the job was not committed",
        )),
        (Ok(false), ending) => ending,
        (Err(error), ending) => {
            // The settler finds out: it completes no job that is completed already.
            tracing::warn!(%error, job = id, "could not see whether a job has completed itself");
            ending
        }
    }
}

/// Runs the kind's code, until it ends, takes longer than `limit`, or has not heeded `stop`.
async fn handle(
    kind: &Kind,
    job: &ClaimedJob,
    cx: JobContext,
    limit: Duration,
    stop: CancellationToken,
) -> Ending {
    let handler = AssertUnwindSafe((kind.run)(job.payload.clone(), cx)).catch_unwind();
    let stopped = async {
        stop.cancelled().await;
        tokio::time::sleep(STOP_GRACE).await;
    };
    let result = tokio::select! {
        result = tokio::time::timeout(limit, handler) => result,
        () = stopped => return Ending::Stopped,
    };
    match result {
        Ok(Ok(Ok(()))) => Ending::Completed,
        // An error on the way to a stop that was asked for is the stop, not a failure.
        Ok(Ok(Err(_))) if stop.is_cancelled() => Ending::Stopped,
        Ok(Ok(Err(error))) => Ending::Failed(error),
        Ok(Err(panic)) => Ending::Failed(JobError::retry(ErrorClass::Panic, panic_text(&*panic))),
        Err(_) => Ending::Failed(JobError::retry(
            ErrorClass::Timeout,
            format!("ran longer than its {} s", limit.as_secs()),
        )),
    }
}

async fn timeout(db: &PgPool, spec: &KindSpec, now: Timestamp) -> Result<Duration, sqlx::Error> {
    Ok(match spec.timeout {
        // The settings are read only where they decide.
        Timeout::Fixed(limit) => limit,
        timeout => timeout.limit(&Settings::read(db, now).await?),
    })
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panicked: {}", text.unwrap_or_else(|| "without a message".to_owned()))
}
