//! What kind of trouble an error is. Decides retry or bury, and what the console advises.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The class of a failure, decided where the error arises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The provider could not be reached, timed out, or answered 5xx or nonsense.
    ProviderUnavailable,
    /// The provider asked us to slow down (HTTP 429).
    RateLimited,
    /// What was paid for, or given, is used up (HTTP 402).
    Quota,
    /// The provider refused our key (HTTP 401 or 403).
    Credentials,
    /// The provider answered, and refused this very request.
    Rejected,
    /// The job ran longer than its kind may.
    Timeout,
    /// The payload makes no sense; trying again cannot help.
    InvalidInput,
    /// The thing the job is about does not exist.
    NotFound,
    /// The database had no connection left.
    ConnectionLimit,
    /// The database ended the job's transaction: two of them waited for each other.
    Deadlock,
    /// The job's code panicked.
    Panic,
    /// Anything else the job's code reports.
    Internal,
}

impl ErrorClass {
    /// Every class, for filters and tests.
    pub const ALL: [ErrorClass; 12] = [
        ErrorClass::ProviderUnavailable,
        ErrorClass::RateLimited,
        ErrorClass::Quota,
        ErrorClass::Credentials,
        ErrorClass::Rejected,
        ErrorClass::Timeout,
        ErrorClass::InvalidInput,
        ErrorClass::NotFound,
        ErrorClass::ConnectionLimit,
        ErrorClass::Deadlock,
        ErrorClass::Panic,
        ErrorClass::Internal,
    ];

    /// The stable name used in the database and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            ErrorClass::ProviderUnavailable => "provider_unavailable",
            ErrorClass::RateLimited => "rate_limited",
            ErrorClass::Quota => "quota",
            ErrorClass::Credentials => "credentials",
            ErrorClass::Rejected => "rejected",
            ErrorClass::Timeout => "timeout",
            ErrorClass::InvalidInput => "invalid_input",
            ErrorClass::NotFound => "not_found",
            ErrorClass::ConnectionLimit => "connection_limit",
            ErrorClass::Deadlock => "deadlock",
            ErrorClass::Panic => "panic",
            ErrorClass::Internal => "internal",
        }
    }

    /// The class with this stable name.
    pub fn from_name(name: &str) -> Option<ErrorClass> {
        ErrorClass::ALL.into_iter().find(|class| class.name() == name)
    }

    /// What to do about it, one sentence for the screen (CP-6).
    pub const fn remedy(self) -> &'static str {
        match self {
            ErrorClass::ProviderUnavailable => {
                "Nothing to do for the job: it waits until the provider answers again."
            }
            ErrorClass::RateLimited => "Lower the provider's rate, or wait until its limit resets.",
            ErrorClass::Quota => {
                "The provider's quota is used up: raise the plan, or wait until the quota resets."
            }
            ErrorClass::Credentials => {
                "Check the provider's key under Providers: test it, set a new one, then retry."
            }
            ErrorClass::Rejected => {
                "The provider refused this request: look at the payload, correct it or delete the job."
            }
            ErrorClass::Timeout => "Raise the time-out of this kind, or make the job smaller.",
            ErrorClass::InvalidInput => {
                "The payload is wrong: correct what enqueues it, then delete."
            }
            ErrorClass::NotFound => {
                "What the job is about is gone: delete it, or restore that first."
            }
            ErrorClass::ConnectionLimit => {
                "The database has no connection left: lower the concurrency, or raise max_connections."
            }
            ErrorClass::Deadlock => {
                "Retry it: one of two transactions that waited for each other was ended."
            }
            ErrorClass::Panic => "A defect in the job's code: report it with the error text.",
            ErrorClass::Internal => "Look at the error and the log of this job, then retry.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_names_round_trip() {
        for class in ErrorClass::ALL {
            assert_eq!(ErrorClass::from_name(class.name()), Some(class));
        }
    }
}
