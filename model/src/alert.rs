//! Alerts (OP-13, AV-5): what the rules have found, and what was said of it outside.

mod back_test;
mod rules;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::back_test::{BackTest, Found, Point, TriedRule, WouldFire};
pub use self::rules::{
    FOR_MINUTES_BOUND, Measure, RULES, Rule, RuleChange, RuleSpec, SILENCE_MINUTES_BOUND, Side,
    Silence, Threshold, condition, rule_named,
};
use crate::Timestamp;
use crate::runbook::Incident;

/// An alert that comes back within this time is the same one, and nobody is told again (OP-13).
pub const FOLD_MINUTES: i64 = 5;

/// How much an alert matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Worth a look in the daytime.
    Warning,
    /// Worth waking somebody.
    Critical,
}

impl Urgency {
    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Urgency::Warning => "warning",
            Urgency::Critical => "critical",
        }
    }
}

/// Something that a rule has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Its number.
    pub id: i64,
    /// The rule's name.
    pub rule: String,
    /// What the rule is called.
    pub title: String,
    /// How much it matters.
    pub urgency: Urgency,
    /// The runbook for it.
    pub incident: Incident,
    /// What it is about: a kind, a queue, a provider.
    pub subject: String,
    /// How that stands, or stood last, in a sentence.
    pub detail: String,
    /// Since when it was so.
    pub since: Timestamp,
    /// When it fired.
    pub fired_at: Timestamp,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
    /// How often it came back at once, and was folded into this one.
    pub repeats: i64,
    /// Who takes care of it.
    pub acknowledged_by: Option<String>,
    /// Since when.
    pub acknowledged_at: Option<Timestamp>,
}

impl Alert {
    /// In one line.
    pub fn line(&self) -> String {
        format!("{}: {}, {}", self.title, self.subject, self.detail)
    }
}

/// What fires now, as the strip shows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertCounts {
    /// How many fire.
    pub firing: i64,
    /// Of these, how many are critical and nobody takes care of.
    pub critical: i64,
}

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// It is to be sent, or to be sent again.
    Waiting,
    /// The channel has taken it.
    Sent,
    /// It was given up.
    Failed,
    /// It was not sent, because `alerts_dry_run` was on.
    DryRun,
    /// There was no channel to send it by.
    NoChannel,
}

impl MessageState {
    /// Every state.
    pub const ALL: [MessageState; 5] = [
        MessageState::Waiting,
        MessageState::Sent,
        MessageState::Failed,
        MessageState::DryRun,
        MessageState::NoChannel,
    ];

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            MessageState::Waiting => "waiting",
            MessageState::Sent => "sent",
            MessageState::Failed => "failed",
            MessageState::DryRun => "dry_run",
            MessageState::NoChannel => "no_channel",
        }
    }

    /// The state with this name.
    pub fn from_name(name: &str) -> Option<MessageState> {
        MessageState::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What people outside were told, or were to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Its number.
    pub id: i64,
    /// When it was written.
    pub at: Timestamp,
    /// By which channel, such as `webhook`.
    pub channel: Option<String>,
    /// What it says.
    pub text: String,
    /// How far it has come.
    pub state: MessageState,
    /// How often it was tried.
    pub attempts: i64,
    /// Why the last try failed.
    pub error: Option<String>,
    /// When the channel took it.
    pub sent_at: Option<Timestamp>,
}
