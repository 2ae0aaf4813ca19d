//! What an alert rule would have found with another threshold or duration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What is to be tried; what is absent stays as the rule has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TriedRule {
    /// From where on.
    pub threshold: Option<i64>,
    /// For how long that must last, in minutes.
    pub for_minutes: Option<i64>,
}

/// What a rule would have found in the last hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackTest {
    /// Over this many hours until now.
    pub hours: i64,
    /// The threshold that was tried, if the rule has one.
    pub threshold: Option<i64>,
    /// For how long that had to last, in minutes.
    pub for_minutes: i64,
    /// What that means, in words, such as `below 70 %, for 5 min`.
    pub condition: String,
    /// What it found; absent where what the rule looks at is not kept.
    pub found: Option<Found>,
    /// What it does not know, or why it cannot be told at all.
    pub unknown: String,
}

/// What a back-test found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// How often an alert would have fired.
    pub fired: i64,
    /// In how many minutes at least one would have.
    pub fired_minutes: i64,
    /// Those alerts, the newest first; at most [`Found::SHOWN`].
    pub alerts: Vec<WouldFire>,
    /// What was measured, in steps of [`Found::STEP_MINUTES`], the oldest first.
    pub points: Vec<Point>,
}

impl Found {
    /// As many alerts are listed.
    pub const SHOWN: usize = 50;
    /// The length of a point's step.
    pub const STEP_MINUTES: i64 = 10;
}

/// An alert that would have fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WouldFire {
    /// What it would have been about: a kind, a queue, a provider.
    pub subject: String,
    /// When it would have fired.
    pub fired_at: Timestamp,
    /// When it would have been over; absent where it would fire still.
    pub over_at: Option<Timestamp>,
    /// The worst that was measured meanwhile, in the threshold's unit.
    pub worst: i64,
}

/// What was measured in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// When it began.
    pub at: Timestamp,
    /// The worst of everything that the rule looks at; absent where nothing could be said.
    pub worst: Option<i64>,
}
