//! A setting of the dial.

use serde::Serialize;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultMode {
    /// Nothing.
    None,
    /// An HTTP error status with a JSON body.
    Error,
    /// 429 with `Retry-After`.
    RateLimit,
    /// No answer until the client leaves or the dial is changed.
    Hang,
    /// The right answer, late.
    Slow,
    /// 200 with JSON that breaks off.
    BadJson,
    /// 200 with a body of 64 MiB.
    Huge,
    /// 401.
    BadKey,
    /// MCP only: a proper answer that says the tool failed. The job's failure, not the provider's.
    ToolError,
}

impl FaultMode {
    /// All of them, with their names on the wire.
    pub const ALL: [(&str, Self); 9] = [
        ("none", Self::None),
        ("error", Self::Error),
        ("rate_limit", Self::RateLimit),
        ("hang", Self::Hang),
        ("slow", Self::Slow),
        ("bad_json", Self::BadJson),
        ("huge", Self::Huge),
        ("bad_key", Self::BadKey),
        ("tool_error", Self::ToolError),
    ];
}

/// A mode and its particulars. Only those that the mode uses matter.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// What goes wrong.
    pub mode: FaultMode,
    /// The share of matching requests it happens to, 0 to 1.
    pub rate: f64,
    /// The status of [`FaultMode::Error`], 400 to 599.
    pub status: u16,
    /// How late [`FaultMode::Slow`] answers, in ms.
    pub latency_ms: u64,
    /// The `Retry-After` of [`FaultMode::RateLimit`], in s.
    pub retry_after_s: u64,
    /// What [`FaultMode::ToolError`] says.
    pub message: String,
    /// Only requests of this operation (an MCP tool's name, or a method).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Only requests whose body contains this text.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matching: Option<String>,
    /// Only requests that bear this key: with [`FaultMode::BadKey`], one that was withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Fault {
    /// The mode for every request, with the defaults: status 500, 1000 ms late, retry after 5 s.
    #[must_use]
    pub fn new(mode: FaultMode) -> Self {
        Self {
            mode,
            rate: 1.0,
            status: 500,
            latency_ms: 1000,
            retry_after_s: 5,
            message: "the post is not available".to_owned(),
            operation: None,
            matching: None,
            key: None,
        }
    }

    /// No fault.
    #[must_use]
    pub fn none() -> Self {
        Self::new(FaultMode::None)
    }

    /// Happens to this share of the requests, 0 to 1 (clamped), drawn by the sandbox's seed.
    #[must_use]
    pub fn rate(mut self, rate: f64) -> Self {
        self.rate = if rate.is_nan() { 0.0 } else { rate.clamp(0.0, 1.0) };
        self
    }

    /// The status of [`FaultMode::Error`].
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// How late [`FaultMode::Slow`] answers.
    #[must_use]
    pub fn latency_ms(mut self, latency_ms: u64) -> Self {
        self.latency_ms = latency_ms;
        self
    }

    /// The `Retry-After` of [`FaultMode::RateLimit`].
    #[must_use]
    pub fn retry_after_s(mut self, retry_after_s: u64) -> Self {
        self.retry_after_s = retry_after_s;
        self
    }

    /// What [`FaultMode::ToolError`] says.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Only for this operation: an MCP tool's name, or a method such as `initialize`.
    #[must_use]
    pub fn operation(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Only for requests whose body contains this text, so that one job alone can be made to fail.
    #[must_use]
    pub fn matching(mut self, text: impl Into<String>) -> Self {
        self.matching = Some(text.into());
        self
    }

    /// Only for requests that bear this key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
}
