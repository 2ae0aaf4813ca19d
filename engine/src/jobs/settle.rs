//! Settling ended runs: what becomes of each job, decided by rule, many in one transaction.

use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::error_class::ErrorClass;
use signalbox_model::format::shorten;
use signalbox_model::job::AttemptOutcome;
use signalbox_model::system_log::LogLevel;
use sqlx::{Connection, PgConnection};

use crate::jobs::backoff;
use crate::jobs::execute::{Ended, Ending};
use crate::jobs::handler::{Decision, JobError};
use crate::jobs::hold;
use crate::jobs::stats::{self, Tally};
use crate::jobs::transitions::{self, Unfinished};
use crate::logs::{self, NewLog};

/// The longest error text that is kept, in characters.
const ERROR_CHARS: usize = 2000;

/// What settling a batch did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Completions recorded.
    pub completed: usize,
    /// Runs whose lease was lost: nothing was recorded for them.
    pub fenced: usize,
}

/// Records the end of every run in `ended`, in one transaction. `stop_reason` says why runs were
/// asked to stop, for those that did.
///
/// # Errors
/// When the database does not answer; nothing was recorded then, and the call may be repeated.
pub async fn settle(
    conn: &mut PgConnection,
    ended: &[Ended],
    now: Timestamp,
    stop_reason: &str,
) -> Result<Settled, sqlx::Error> {
    let mut tx = conn.begin().await?;
    let mut tally = Tally::default();
    let mut settled = Settled::default();

    let completed: Vec<_> = ended.iter().filter(|run| run.ending == Ending::Completed).collect();
    if !completed.is_empty() {
        let leases: Vec<_> = completed.iter().map(|run| run.job.lease()).collect();
        let recorded: std::collections::HashSet<_> =
            transitions::complete(&mut tx, &leases, now).await?.into_iter().collect();
        for run in completed {
            if recorded.contains(&run.job.id) {
                tally.completed(&run.job.kind, run.at - run.job.started_at, run.at);
                settled.completed += 1;
            } else {
                settled.fenced += 1;
            }
        }
    }
    for run in ended.iter().filter(|run| run.ending == Ending::Recorded) {
        tally.completed(&run.job.kind, run.at - run.job.started_at, run.at);
        settled.completed += 1;
    }
    let unfinished = |run: &&Ended| !matches!(run.ending, Ending::Completed | Ending::Recorded);
    for run in ended.iter().filter(unfinished) {
        let held = settle_unfinished(&mut tx, run, stop_reason, now, &mut tally).await?;
        settled.fenced += usize::from(!held);
    }
    let ids: Vec<_> = ended.iter().filter(unfinished).map(|run| run.job.id).collect();
    if !ids.is_empty() {
        hold::keep(&mut tx, &ids).await?;
    }
    stats::add(&mut tx, &tally).await?;
    tx.commit().await?;
    Ok(settled)
}

/// A run that did not complete. A job that an operator has cancelled is not tried again, whatever
/// became of the run.
async fn settle_unfinished(
    tx: &mut PgConnection,
    run: &Ended,
    stop_reason: &str,
    now: Timestamp,
    tally: &mut Tally,
) -> Result<bool, sqlx::Error> {
    let cancelled: Option<bool> = sqlx::query_scalar(
        "SELECT cancel_requested_at IS NOT NULL FROM jobs_running
         WHERE id = $1 AND lease_token = $2 FOR UPDATE",
    )
    .bind(run.job.id)
    .bind(run.job.lease_token)
    .fetch_optional(&mut *tx)
    .await?;
    match (cancelled, &run.ending) {
        (None, _) => Ok(false),
        (Some(true), _) => transitions::cancel_running(tx, &run.job, now).await,
        (Some(false), Ending::Failed(error)) => settle_failed(tx, run, error, now, tally).await,
        (Some(false), _) => transitions::release(tx, &run.job, stop_reason, now).await,
    }
}

async fn settle_failed(
    tx: &mut PgConnection,
    run: &Ended,
    error: &JobError,
    now: Timestamp,
    tally: &mut Tally,
) -> Result<bool, sqlx::Error> {
    let job = &run.job;
    let message = shorten(&error.message.replace('\0', "\u{fffd}"), ERROR_CHARS);
    let unfinished = |outcome| Unfinished { outcome, error: &message, class: Some(error.class) };
    let after = |wait: std::time::Duration| {
        now + chrono::Duration::from_std(wait).unwrap_or(chrono::Duration::days(1))
    };
    match error.decision {
        Decision::Snooze(wait) => {
            let later = (after(wait), "snoozed");
            transitions::postpone(tx, job, unfinished(AttemptOutcome::Snoozed), later, false, now)
                .await
        }
        Decision::Park => transitions::release(tx, job, &message, now).await,
        Decision::ProviderFailed(provider) if !is_jobs_own_fault(tx, run, provider).await? => {
            let wait = backoff::after_provider_failure(job.interruptions + 1, rand::random());
            let later = (after(wait), "provider");
            let ended = unfinished(AttemptOutcome::ProviderFailed);
            transitions::postpone(tx, job, ended, later, false, now).await
        }
        Decision::Retry | Decision::RetryAfter(_) | Decision::ProviderFailed(_)
            if job.attempt + 1 < job.max_attempts =>
        {
            let wait = match error.decision {
                Decision::RetryAfter(wait) => wait,
                _ => backoff::after_failure(job.attempt + 1, rand::random()),
            };
            let later = (after(wait), "backoff");
            let ended = unfinished(AttemptOutcome::Failed);
            let held = transitions::postpone(tx, job, ended, later, true, now).await?;
            if held {
                tally.failed(&job.kind, run.at);
            }
            Ok(held)
        }
        Decision::Retry
        | Decision::RetryAfter(_)
        | Decision::ProviderFailed(_)
        | Decision::Fail => {
            let held = transitions::bury(tx, job, error.class, &message, now).await?;
            if held {
                tally.failed(&job.kind, run.at);
                log_burial(tx, run, error.class, &message, now).await?;
            }
            Ok(held)
        }
    }
}

/// Whether a provider failure is the job's own: the provider failed it before, and has answered
/// others since. The first one never is, and none is while the provider answers nobody.
async fn is_jobs_own_fault(
    tx: &mut PgConnection,
    run: &Ended,
    provider: &str,
) -> Result<bool, sqlx::Error> {
    let Some(failed_before) = run.job.provider_failed_at else { return Ok(false) };
    let success: Option<Timestamp> =
        sqlx::query_scalar("SELECT last_success_at FROM circuit_breakers WHERE provider = $1")
            .bind(provider)
            .fetch_optional(tx)
            .await?
            .flatten();
    Ok(success.is_some_and(|success| success > failed_before))
}

async fn log_burial(
    tx: &mut PgConnection,
    run: &Ended,
    class: ErrorClass,
    message: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let text = format!("Job {} ({}) failed for good: {message}", run.job.id, run.job.kind);
    let facts =
        json!({ "kind": run.job.kind, "errorClass": class, "attempts": run.job.attempt + 1 });
    let log = NewLog::new("job_dead", LogLevel::Error, text).job(run.job.id).with(facts);
    logs::write(tx, now, log).await
}
