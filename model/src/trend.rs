//! How the whole did over time: what the overview's charts draw.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::system_log::SystemLog;

/// How far the charts look back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Span {
    /// One hour, by the minute.
    #[default]
    #[serde(rename = "1h")]
    Hour,
    /// Six hours, by five minutes.
    #[serde(rename = "6h")]
    SixHours,
    /// A day, by a quarter of an hour.
    #[serde(rename = "24h")]
    Day,
    /// A week, by two hours.
    #[serde(rename = "7d")]
    Week,
}

impl Span {
    /// Every span, the shortest first.
    pub const ALL: [Span; 4] = [Span::Hour, Span::SixHours, Span::Day, Span::Week];

    /// The stable name used in addresses and in JSON, short enough for a button.
    pub const fn name(self) -> &'static str {
        match self {
            Span::Hour => "1h",
            Span::SixHours => "6h",
            Span::Day => "24h",
            Span::Week => "7d",
        }
    }

    /// The span with this stable name.
    pub fn from_name(name: &str) -> Option<Span> {
        Span::ALL.into_iter().find(|span| span.name() == name)
    }

    /// How long one point of the charts lasts, in minutes.
    pub const fn step_min(self) -> i64 {
        match self {
            Span::Hour => 1,
            Span::SixHours => 5,
            Span::Day => 15,
            Span::Week => 120,
        }
    }

    /// How long it is.
    pub const fn length(self) -> chrono::Duration {
        chrono::Duration::minutes(self.points() * self.step_min())
    }

    /// How many points there are.
    pub const fn points(self) -> i64 {
        match self {
            Span::Hour => 60,
            Span::SixHours => 72,
            Span::Day => 96,
            Span::Week => 84,
        }
    }
}

/// What happened in one step of time, over all queues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrendPoint {
    /// When the step began.
    pub at: Timestamp,
    /// Runs that completed.
    pub completed: i64,
    /// Runs that failed by their job's own fault.
    pub failed: i64,
    /// The median of the completed runs' durations, in milliseconds.
    pub p50_ms: Option<i64>,
    /// Their 95th percentile.
    pub p95_ms: Option<i64>,
    /// The most jobs that were due and waited; absent while nobody counted.
    pub waiting: Option<i64>,
    /// The most jobs that ran at once; absent while nobody counted.
    pub running: Option<i64>,
    /// The most dead letters that were pending; absent while nobody counted.
    pub dead: Option<i64>,
}

impl TrendPoint {
    /// Completed of those that ended, in percent.
    pub fn success_percent(&self) -> Option<i64> {
        let ended = self.completed + self.failed;
        (ended > 0).then(|| self.completed * 100 / ended)
    }
}

/// The charts' data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trends {
    /// When this was read.
    pub as_of: Timestamp,
    /// How far it looks back.
    pub span: Span,
    /// One per step, the oldest first; the last one is under way.
    pub points: Vec<TrendPoint>,
    /// What the system or a person did meanwhile that may explain them, the newest first.
    pub moments: Vec<SystemLog>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_points_fill_the_span_and_its_name_is_its_json() {
        for (span, hours) in Span::ALL.into_iter().zip([1, 6, 24, 168]) {
            assert_eq!(span.points() * span.step_min(), hours * 60);
            assert_eq!(serde_json::to_value(span).unwrap(), span.name());
            assert_eq!(Span::from_name(span.name()), Some(span));
        }
    }
}
