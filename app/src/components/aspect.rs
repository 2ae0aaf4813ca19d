//! The six aspects that everything is shown in: as shape, word and colour.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use signalbox_model::alert::Urgency;
use signalbox_model::breaker::{Breaker, BreakerState};
use signalbox_model::dead_letter::DeadLetterStatus;
use signalbox_model::job::{AttemptOutcome, Job, JobState};
use signalbox_model::system_log::LogLevel;

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Aspect {
    /// In order, or done.
    Clear,
    /// At work.
    Running,
    /// Worth a look.
    Caution,
    /// Failed, or blocked.
    Danger,
    /// Held back by the system or a person.
    Held,
    /// Nothing to say.
    Idle,
}

impl Aspect {
    /// Its class.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Aspect::Clear => "state-clear",
            Aspect::Running => "state-running",
            Aspect::Caution => "state-caution",
            Aspect::Danger => "state-danger",
            Aspect::Held => "state-held",
            Aspect::Idle => "state-idle",
        }
    }

    /// The page's icon when the whole stands so.
    pub(crate) const fn favicon(self) -> &'static str {
        match self {
            Aspect::Clear | Aspect::Running | Aspect::Idle => "/favicon-clear.svg",
            Aspect::Caution => "/favicon-caution.svg",
            Aspect::Danger => "/favicon-danger.svg",
            Aspect::Held => "/favicon-held.svg",
        }
    }
}

/// A breaker's aspect and word.
pub(crate) const fn of_breaker(state: BreakerState) -> (Aspect, &'static str) {
    match state {
        BreakerState::Closed => (Aspect::Clear, "closed"),
        BreakerState::Open => (Aspect::Danger, "open"),
        BreakerState::HalfOpen => (Aspect::Caution, "half-open"),
    }
}

/// A provider's aspect and word: that of its breaker, unless it is switched off.
pub(crate) fn of_provider(breaker: &Breaker) -> (Aspect, &'static str) {
    match breaker.disabled {
        Some(_) => (Aspect::Held, "switched off"),
        None => of_breaker(breaker.state),
    }
}

/// A job's aspect and word.
pub(crate) fn of_job(job: &Job) -> (Aspect, &'static str) {
    match job.state {
        JobState::Scheduled => match job.wait_reason.as_deref() {
            Some("backoff") => (Aspect::Caution, "Retry scheduled"),
            Some("provider") => (Aspect::Held, "Held: provider"),
            Some("held") => (Aspect::Held, "Held"),
            Some("snoozed") => (Aspect::Idle, "Snoozed"),
            _ => (Aspect::Idle, "Scheduled"),
        },
        JobState::Available => (Aspect::Idle, "Waiting"),
        JobState::Running if job.hold.is_some() => (Aspect::Held, "Stopping, to be held"),
        JobState::Running => (Aspect::Running, "Running"),
        JobState::Completed => (Aspect::Clear, "Completed"),
        JobState::Cancelled => (Aspect::Idle, "Cancelled"),
        JobState::Dead => (Aspect::Danger, "Dead"),
    }
}

/// A job state's name on the screen.
pub(crate) const fn state_word(state: JobState) -> &'static str {
    match state {
        JobState::Scheduled => "Scheduled",
        JobState::Available => "Waiting",
        JobState::Running => "Running",
        JobState::Completed => "Completed",
        JobState::Cancelled => "Cancelled",
        JobState::Dead => "Dead",
    }
}

/// A dead letter's aspect and word.
pub(crate) const fn of_letter(status: DeadLetterStatus) -> (Aspect, &'static str) {
    match status {
        DeadLetterStatus::Pending => (Aspect::Danger, "Pending"),
        DeadLetterStatus::RetryScheduled => (Aspect::Caution, "Retry scheduled"),
    }
}

/// A log level's aspect and word.
pub(crate) const fn of_level(level: LogLevel) -> (Aspect, &'static str) {
    match level {
        LogLevel::Info => (Aspect::Clear, "info"),
        LogLevel::Warn => (Aspect::Caution, "warn"),
        LogLevel::Error => (Aspect::Danger, "error"),
    }
}

/// An alert's aspect while it fires.
pub(crate) const fn of_urgency(urgency: Urgency) -> Aspect {
    match urgency {
        Urgency::Warning => Aspect::Caution,
        Urgency::Critical => Aspect::Danger,
    }
}

/// An attempt's aspect and word; it runs while it has no outcome.
pub(crate) const fn of_attempt(outcome: Option<AttemptOutcome>) -> (Aspect, &'static str) {
    match outcome {
        None => (Aspect::Running, "running"),
        Some(AttemptOutcome::Completed) => (Aspect::Clear, "completed"),
        Some(AttemptOutcome::Failed) => (Aspect::Danger, "failed"),
        Some(AttemptOutcome::ProviderFailed) => {
            (Aspect::Held, "provider failed, attempt not spent")
        }
        Some(AttemptOutcome::Snoozed) => (Aspect::Idle, "asked to run later"),
        Some(AttemptOutcome::Interrupted) => (Aspect::Held, "interrupted, attempt not spent"),
        Some(AttemptOutcome::Lost) => (Aspect::Held, "worker lost, attempt not spent"),
        Some(AttemptOutcome::Cancelled) => (Aspect::Idle, "cancelled"),
    }
}

/// A state as shape, word and colour.
#[component]
pub(crate) fn State(of: Aspect, #[prop(into)] word: String) -> impl IntoView {
    view! { <span class=format!("state {}", of.class())>{word}</span> }
}
