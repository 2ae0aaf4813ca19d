//! The log that operators read (OP-14).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;
use crate::job::JobId;

/// How much an entry matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Good to know.
    Info,
    /// Worth a look.
    Warn,
    /// Something failed.
    Error,
}

impl LogLevel {
    /// The stable name used in the database and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        }
    }

    /// The level with this stable name.
    pub fn from_name(name: &str) -> Option<LogLevel> {
        [LogLevel::Info, LogLevel::Warn, LogLevel::Error].into_iter().find(|l| l.name() == name)
    }
}

/// One entry of `system_logs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SystemLog {
    /// Its number.
    pub id: i64,
    /// What happened, such as `kill_switch` or `dlq_retry`.
    pub event_type: String,
    /// How much it matters.
    pub level: LogLevel,
    /// In words.
    pub message: String,
    /// The job it is about.
    pub job_id: Option<JobId>,
    /// Further facts.
    pub metadata: Value,
    /// When.
    pub created_at: Timestamp,
}
