//! Calls to outside providers: the one way out. Each goes through its operation's rate limit and
//! its provider's breaker, and its outcome is reported to both.

use std::time::Duration;

use signalbox_model::Timestamp;
use signalbox_model::error_class::ErrorClass;
use sqlx::PgPool;
use tracing::Instrument as _;

use crate::breaker::calls::{self, Outcome};
use crate::breaker::store::{self, Entry};
use crate::clock::SharedClock;
use crate::jobs::JobContext;
use crate::jobs::handler::{Decision, JobError};
use crate::throttle::allowance::{self, Allowance};
use crate::throttle::step::Seen;
use crate::{limits, spans, throttle};

/// What is called: of which provider, and under which rate setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operation {
    /// The provider, such as `mcp`.
    pub provider: &'static str,
    /// The setting that bounds its calls a minute, such as `discovery_rpm`.
    pub rate: &'static str,
}

impl Operation {
    /// Its name among those of its provider: `discovery` under `discovery_rpm`.
    pub fn name(self) -> &'static str {
        self.rate.strip_suffix("_rpm").unwrap_or(self.rate)
    }
}

/// Why a call failed, as the client of the provider sees it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallFailure {
    /// Not reachable, timed out, 5xx, or an answer that makes no sense: the provider's fault.
    #[error("{0}")]
    Unavailable(String),
    /// Asked to slow down (429).
    #[error("{message}")]
    RateLimited {
        /// How long to wait, if the provider said so.
        retry_after: Option<Duration>,
        /// In words.
        message: String,
    },
    /// What was paid for is used up (402): nobody's job can succeed.
    #[error("{0}")]
    Quota(String),
    /// The key was refused (401, 403): nobody's job can succeed.
    #[error("{0}")]
    Credentials(String),
    /// This very request was refused: the job's own fault.
    #[error("{0}")]
    Rejected(String),
    /// This process knows no such provider. Says nothing about the provider itself.
    #[error("{0}")]
    NotConfigured(String),
}

impl CallFailure {
    /// What kind of trouble it is.
    pub const fn class(&self) -> ErrorClass {
        match self {
            CallFailure::Unavailable(_) => ErrorClass::ProviderUnavailable,
            CallFailure::RateLimited { .. } => ErrorClass::RateLimited,
            CallFailure::Quota(_) => ErrorClass::Quota,
            CallFailure::Credentials(_) => ErrorClass::Credentials,
            CallFailure::Rejected(_) => ErrorClass::Rejected,
            CallFailure::NotConfigured(_) => ErrorClass::Internal,
        }
    }

    /// The same failure, its words changed by `change`.
    fn in_words(self, change: impl FnOnce(&str) -> String) -> CallFailure {
        let words = change(&self.to_string());
        match self {
            CallFailure::Unavailable(_) => CallFailure::Unavailable(words),
            CallFailure::RateLimited { retry_after, .. } => {
                CallFailure::RateLimited { retry_after, message: words }
            }
            CallFailure::Quota(_) => CallFailure::Quota(words),
            CallFailure::Credentials(_) => CallFailure::Credentials(words),
            CallFailure::Rejected(_) => CallFailure::Rejected(words),
            CallFailure::NotConfigured(_) => CallFailure::NotConfigured(words),
        }
    }
}

/// A job whose provider this process does not know waits this long for one that does.
const NOT_CONFIGURED_WAIT: Duration = Duration::from_secs(30);

/// A job waits this long in place for its next token; for longer waits it gives up its place.
const WAIT_IN_PLACE: Duration = Duration::from_secs(5);

/// The wait after a 429 that names none.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(30);

pub(crate) async fn call<T>(
    cx: &JobContext,
    operation: Operation,
    call: impl Future<Output = Result<T, CallFailure>> + Send,
) -> Result<T, JobError> {
    let JobContext { db, clock, job_id: job, .. } = cx;
    // The token comes first: a job that waits for it must not hold one of the breaker's trials.
    take_token(db, clock, operation).await?;
    let provider = operation.provider;
    let started = clock.now();
    match store::admit(db, provider, started).await? {
        Entry::Admitted => {}
        Entry::Disabled => return Err(parked(format!("provider {provider} is switched off"))),
        Entry::Refused => {
            calls::record(db, operation, *job, (Outcome::Refused, Duration::ZERO), started).await?;
            return Err(parked(format!("the breaker of provider {provider} is open")));
        }
    }
    let span = tracing::trace_span!(
        target: spans::TARGET, "call", otel.kind = "client", otel.name = operation.rate, provider,
    );
    let (answer, heard) = allowance::heard_during(call).instrument(span).await;
    // Whatever the client has overlooked: the provider may have said back what it was sent.
    let without_keys = |text: &str| cx.registry.providers().redact(provider, text);
    let answer = answer.map_err(|failure| failure.in_words(without_keys));
    let now = clock.now();
    let took = (now - started).to_std().unwrap_or_default();
    if let Some(outcome) = outcome(&answer) {
        calls::record(db, operation, *job, (outcome, took), now).await?;
    }
    if let Some(seen) = seen(&answer, heard) {
        throttle::observe(db, &cx.registry, provider, seen, started, now).await?;
    }
    match answer {
        Ok(answer) => {
            store::succeeded(db, provider, took, now).await?;
            Ok(answer)
        }
        Err(failure) => Err(report(db, operation, failure, took, now).await?),
    }
}

/// How a call went, for its record; nothing where none was made.
fn outcome<T>(answer: &Result<T, CallFailure>) -> Option<Outcome> {
    match answer {
        Ok(_) | Err(CallFailure::Rejected(_)) => Some(Outcome::Ok),
        Err(CallFailure::Unavailable(_) | CallFailure::Quota(_) | CallFailure::Credentials(_)) => {
            Some(Outcome::Failed)
        }
        Err(CallFailure::RateLimited { .. }) => Some(Outcome::Limited),
        Err(CallFailure::NotConfigured(_)) => None,
    }
}

/// What the throttle learns from an answer: what it said of the provider's limit. A 429 that did
/// not say that the limit is used up was for another reason, which nobody knows.
fn seen<T>(answer: &Result<T, CallFailure>, heard: Option<Allowance>) -> Option<Seen> {
    match (answer, heard.map(Seen::Allowance)) {
        (Err(CallFailure::RateLimited { .. }), said) => {
            let used_up = heard.is_some_and(|allowance| allowance.remaining == 0);
            said.filter(|_| used_up).or(Some(Seen::Refusal))
        }
        (_, said) => said,
    }
}

fn parked(message: String) -> JobError {
    JobError { class: ErrorClass::ProviderUnavailable, message, decision: Decision::Park }
}

async fn take_token(
    db: &PgPool,
    clock: &SharedClock,
    operation: Operation,
) -> Result<(), JobError> {
    let mut waited = Duration::ZERO;
    while let Err(wait) = limits::take(db, operation, clock.now()).await? {
        waited += wait;
        if waited > WAIT_IN_PLACE {
            return Err(JobError::snooze(wait, format!("waiting for {}", operation.rate)));
        }
        tokio::time::sleep(wait).await;
    }
    Ok(())
}

/// Tells breaker and limits of the failure, and what is to become of the job.
async fn report(
    db: &PgPool,
    operation: Operation,
    failure: CallFailure,
    took: Duration,
    now: Timestamp,
) -> Result<JobError, sqlx::Error> {
    let (provider, class) = (operation.provider, failure.class());
    match failure {
        CallFailure::Unavailable(message)
        | CallFailure::Quota(message)
        | CallFailure::Credentials(message) => {
            store::failed(db, provider, &message, took, now).await?;
            Ok(JobError { class, message, decision: Decision::ProviderFailed(provider) })
        }
        CallFailure::RateLimited { retry_after, message } => {
            let wait = retry_after.unwrap_or(DEFAULT_RETRY_AFTER);
            let until =
                now + chrono::Duration::from_std(wait).unwrap_or(chrono::Duration::hours(1));
            limits::block_until(db, &[operation.rate], until, now).await?;
            Ok(JobError::snooze(wait, message))
        }
        CallFailure::NotConfigured(message) => Ok(JobError::snooze(NOT_CONFIGURED_WAIT, message)),
        CallFailure::Rejected(message) => {
            store::succeeded(db, provider, took, now).await?;
            Ok(JobError::retry(class, message))
        }
    }
}
