//! The circuit breaker of a provider (OP-1).

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A breaker's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// A breaker as the console and the API show it (OP-2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}
