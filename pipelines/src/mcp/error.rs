//! What can go wrong in a call, told apart as finely as the breaker and the retry policy need.

use std::time::Duration;

use chrono::{DateTime, Utc};
use signalbox_engine::provider::CallFailure;
use thiserror::Error;

/// The longest pause a provider may ask for: more is taken as this.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a call failed. No variant carries a key, a header or a URL.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum McpError {
    /// No connection, no such host, or the connection broke off. Availability: counts against the provider.
    #[error("the provider cannot be reached: {detail}")]
    Unreachable {
        /// What the network said.
        detail: String,
    },
    /// No whole answer within the deadline. Availability: counts against the provider.
    #[error("no answer within {after:?}")]
    Timeout {
        /// The deadline that passed.
        after: Duration,
    },
    /// HTTP 5xx or 408. Availability: counts against the provider.
    #[error("the provider answered HTTP {status}: {detail}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer.
        detail: String,
    },
    /// HTTP 429. Availability: counts against the provider, and says when to come back.
    #[error("the provider limits the rate (retry after {retry_after:?})")]
    RateLimited {
        /// The pause asked for by `Retry-After`, at most a day; none if the header is missing or malformed.
        retry_after: Option<Duration>,
    },
    /// HTTP 402. Availability: no call can succeed until more is paid for.
    #[error("the provider's quota is used up (HTTP 402)")]
    Quota,
    /// HTTP 401 or 403. Availability: no call can succeed until the key is replaced, so calls are better parked.
    #[error("the provider refused the credentials (HTTP {status})")]
    Credentials {
        /// The HTTP status.
        status: u16,
    },
    /// Malformed JSON, a breach of the protocol, a redirect, an unexpected 4xx, a server-side JSON-RPC error, or a
    /// body over the bound. Availability: counts against the provider.
    #[error("the provider gave a bad answer: {detail}")]
    BadAnswer {
        /// What was wrong with it.
        detail: String,
    },
    /// The tool ran and failed (`isError`), or the tool or its arguments were refused. Not availability: the
    /// provider works, this call is at fault.
    #[error("the tool {tool} failed: {message}")]
    ToolFailed {
        /// The tool called.
        tool: String,
        /// What it said.
        message: String,
    },
}

impl McpError {
    /// Whether the failure speaks of the provider (and counts for its breaker) rather than of this one call.
    pub fn is_availability(&self) -> bool {
        !matches!(self, Self::ToolFailed { .. })
    }

    pub(super) fn bad_answer(detail: impl Into<String>) -> Self {
        Self::BadAnswer { detail: detail.into() }
    }
}

impl From<McpError> for CallFailure {
    fn from(error: McpError) -> CallFailure {
        let message = error.to_string();
        match error {
            McpError::RateLimited { retry_after } => {
                CallFailure::RateLimited { retry_after, message }
            }
            McpError::Quota => CallFailure::Quota(message),
            McpError::Credentials { .. } => CallFailure::Credentials(message),
            McpError::ToolFailed { .. } => CallFailure::Rejected(message),
            McpError::Unreachable { .. }
            | McpError::Timeout { .. }
            | McpError::Status { .. }
            | McpError::BadAnswer { .. } => CallFailure::Unavailable(message),
        }
    }
}

/// Reads `Retry-After`: seconds, or an HTTP date relative to `now` (a past one means no pause).
pub(super) fn parse_retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        let pause_s = value.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(pause_s).min(MAX_RETRY_AFTER));
    }
    let at = DateTime::parse_from_rfc2822(value).ok()?;
    let pause = (at.with_timezone(&Utc) - now).to_std().unwrap_or_default();
    Some(pause.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_as_an_http_date() {
        let now = DateTime::parse_from_rfc3339("1994-11-06T08:49:00Z").unwrap().with_timezone(&Utc);
        let s = |seconds| Some(Duration::from_secs(seconds));
        for (value, expected) in [
            ("0", s(0)),
            (" 17 ", s(17)),
            ("99999999999999999999999", Some(MAX_RETRY_AFTER)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", s(37)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", s(0)),
            ("Sat, 06 Nov 2094 08:00:00 GMT", Some(MAX_RETRY_AFTER)),
            ("", None),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(parse_retry_after(value, now), expected, "{value:?}");
        }
    }
}
