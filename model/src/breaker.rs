//! The circuit breaker of a provider (OP-1).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::provider::Disabled;

/// A breaker's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Calls go out; failures in a row are counted.
    Closed,
    /// No call goes out until the cool-down ends.
    Open,
    /// A limited number of trial calls go out.
    HalfOpen,
}

impl BreakerState {
    /// Every state.
    pub const ALL: [BreakerState; 3] =
        [BreakerState::Closed, BreakerState::Open, BreakerState::HalfOpen];

    /// The stable name used in the database and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            BreakerState::Closed => "closed",
            BreakerState::Open => "open",
            BreakerState::HalfOpen => "half_open",
        }
    }

    /// The state with this stable name.
    pub fn from_name(name: &str) -> Option<BreakerState> {
        BreakerState::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Where a person can hold a breaker, whatever the provider does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerForce {
    /// No call goes out.
    Open,
    /// Every call goes out.
    Closed,
}

impl BreakerForce {
    /// The stable name used in the database and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            BreakerForce::Open => "open",
            BreakerForce::Closed => "closed",
        }
    }

    /// The force with this stable name.
    pub fn from_name(name: &str) -> Option<BreakerForce> {
        [BreakerForce::Open, BreakerForce::Closed].into_iter().find(|force| force.name() == name)
    }
}

/// What a person does to a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerAction {
    /// Holds it open.
    ForceOpen,
    /// Holds it closed.
    ForceClose,
    /// Lets go of it, closed and with nothing counted.
    Reset,
}

impl BreakerAction {
    /// The stable name used in the audit log and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            BreakerAction::ForceOpen => "force_open",
            BreakerAction::ForceClose => "force_close",
            BreakerAction::Reset => "reset",
        }
    }
}

/// That a person holds a breaker, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Forced {
    /// Where.
    pub to: BreakerForce,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
    /// Until when; absent: until somebody resets it.
    pub until: Option<Timestamp>,
}

/// Why a breaker moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerCause {
    /// Too many calls failed in a row.
    FailuresInARow,
    /// Too large a share of the last calls failed.
    FailureRate,
    /// Too large a share of the last calls was slow.
    SlowCalls,
    /// The cool-down ended.
    CooledDown,
    /// A trial call was answered.
    TrialSucceeded,
    /// A trial call failed, or was slow.
    TrialFailed,
    /// A person holds it open.
    ForcedOpen,
    /// A person holds it closed.
    ForcedClosed,
    /// The time for which a person held it has ended.
    ForceEnded,
    /// A person reset it.
    Reset,
}

impl BreakerCause {
    /// Every cause.
    pub const ALL: [BreakerCause; 10] = [
        BreakerCause::FailuresInARow,
        BreakerCause::FailureRate,
        BreakerCause::SlowCalls,
        BreakerCause::CooledDown,
        BreakerCause::TrialSucceeded,
        BreakerCause::TrialFailed,
        BreakerCause::ForcedOpen,
        BreakerCause::ForcedClosed,
        BreakerCause::ForceEnded,
        BreakerCause::Reset,
    ];

    /// The stable name used in the database and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            BreakerCause::FailuresInARow => "failures_in_a_row",
            BreakerCause::FailureRate => "failure_rate",
            BreakerCause::SlowCalls => "slow_calls",
            BreakerCause::CooledDown => "cooled_down",
            BreakerCause::TrialSucceeded => "trial_succeeded",
            BreakerCause::TrialFailed => "trial_failed",
            BreakerCause::ForcedOpen => "forced_open",
            BreakerCause::ForcedClosed => "forced_closed",
            BreakerCause::ForceEnded => "force_ended",
            BreakerCause::Reset => "reset",
        }
    }

    /// The cause with this stable name.
    pub fn from_name(name: &str) -> Option<BreakerCause> {
        BreakerCause::ALL.into_iter().find(|cause| cause.name() == name)
    }

    /// In words, for a table cell.
    pub const fn describe(self) -> &'static str {
        match self {
            BreakerCause::FailuresInARow => "Too many failures in a row",
            BreakerCause::FailureRate => "Too many of the last calls failed",
            BreakerCause::SlowCalls => "Too many of the last calls were slow",
            BreakerCause::CooledDown => "The cool-down ended",
            BreakerCause::TrialSucceeded => "A trial call was answered",
            BreakerCause::TrialFailed => "A trial call failed",
            BreakerCause::ForcedOpen => "Held open by a person",
            BreakerCause::ForcedClosed => "Held closed by a person",
            BreakerCause::ForceEnded => "No longer held by a person",
            BreakerCause::Reset => "Reset by a person",
        }
    }
}

/// A move of a breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BreakerTransition {
    /// Its number.
    pub id: i64,
    /// Whose breaker.
    pub provider: String,
    /// When.
    pub at: Timestamp,
    /// From which state.
    pub from: BreakerState,
    /// To which; the same when a person only took hold of it, or let go.
    pub to: BreakerState,
    /// Why.
    pub cause: BreakerCause,
    /// Who, if a person did.
    pub actor: Option<String>,
    /// The reason given, or the error of the call that moved it.
    pub detail: Option<String>,
}

/// What decides when a breaker opens and closes: the settings `<provider>_cb_…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BreakerSettings {
    /// Failures in a row that open it.
    pub failure_threshold: i64,
    /// How long it stays open, in milliseconds.
    pub cooldown_ms: i64,
    /// Trial calls at once while half open.
    pub half_open_trials: i64,
    /// The last calls that the rates are taken over, at most 64.
    pub window_calls: i64,
    /// No rate opens it before this many calls.
    pub min_calls: i64,
    /// Failed calls in the window, in percent, that open it; 0: none do.
    pub failure_percent: i64,
    /// Slow calls in the window, in percent, that open it; 0: none do.
    pub slow_percent: i64,
    /// A call that takes longer than this is slow, in milliseconds.
    pub slow_ms: i64,
}

/// Settings to be tried instead of the present ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TriedSettings {
    /// Failures in a row.
    pub failure_threshold: Option<i64>,
    /// Cool-down, in milliseconds.
    pub cooldown_ms: Option<i64>,
    /// Trial calls at once.
    pub half_open_trials: Option<i64>,
    /// Calls in the window.
    pub window_calls: Option<i64>,
    /// Calls before a rate counts.
    pub min_calls: Option<i64>,
    /// Failed calls, in percent.
    pub failure_percent: Option<i64>,
    /// Slow calls, in percent.
    pub slow_percent: Option<i64>,
    /// A slow call takes longer, in milliseconds.
    pub slow_ms: Option<i64>,
}

impl TriedSettings {
    /// `present`, with what is to be tried in its place.
    pub fn over(self, present: BreakerSettings) -> BreakerSettings {
        BreakerSettings {
            failure_threshold: self.failure_threshold.unwrap_or(present.failure_threshold),
            cooldown_ms: self.cooldown_ms.unwrap_or(present.cooldown_ms),
            half_open_trials: self.half_open_trials.unwrap_or(present.half_open_trials),
            window_calls: self.window_calls.unwrap_or(present.window_calls),
            min_calls: self.min_calls.unwrap_or(present.min_calls),
            failure_percent: self.failure_percent.unwrap_or(present.failure_percent),
            slow_percent: self.slow_percent.unwrap_or(present.slow_percent),
            slow_ms: self.slow_ms.unwrap_or(present.slow_ms),
        }
    }
}

/// How the last calls went, as far as the breaker counts them. Empty while both rates are off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BreakerWindow {
    /// Calls in it.
    pub calls: i32,
    /// Those that failed.
    pub failed: i32,
    /// Those that were slow.
    pub slow: i32,
}

/// What a breaker would have done with other settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackTest {
    /// Over this many hours until now.
    pub hours: i64,
    /// The settings that were tried.
    pub settings: BreakerSettings,
    /// Calls that were replayed.
    pub calls: i64,
    /// Those that failed.
    pub failed: i64,
    /// Calls that the breaker really held back: how they would have ended is not known.
    pub really_refused: i64,
    /// When it would have opened from closed.
    pub openings: Vec<Timestamp>,
    /// How long it would have been open, in milliseconds.
    pub open_ms: i64,
    /// Calls it would have held back.
    pub refused: i64,
    /// Jobs those calls belong to: it would have parked them.
    pub parked_jobs: i64,
    /// There were more calls than a back-test reads: only the newest were replayed.
    pub truncated: bool,
}

/// A breaker as the console and the API show it (OP-2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Breaker {
    /// The provider it protects, and protects us from.
    pub provider: String,
    /// Its state now. `open` past its cool-down is shown as `half_open`.
    pub state: BreakerState,
    /// Failures in a row.
    pub failures: i32,
    /// How many failures in a row open it.
    pub threshold: i32,
    /// When it opened last; absent while closed.
    pub opened_at: Option<Timestamp>,
    /// How long it stays open, in milliseconds.
    pub cooldown_ms: i64,
    /// When the first trial call may go out; absent while closed.
    pub retry_at: Option<Timestamp>,
    /// The provider's last good answer.
    pub last_success_at: Option<Timestamp>,
    /// The provider's last failure, in words.
    pub last_error: Option<String>,
    /// Who holds it where, if a person does.
    pub forced: Option<Forced>,
    /// Who has switched the provider off, if it is. The breaker stays as it was.
    pub disabled: Option<Disabled>,
    /// How the last calls went.
    pub window: BreakerWindow,
    /// What decides when it opens and closes.
    pub settings: BreakerSettings,
}
