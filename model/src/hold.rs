//! A hold: an operator keeps one job from running until it is released.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::format::exact;

/// A hold of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// Who holds it.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: String,
}

impl Hold {
    /// Who, since when and why, as part of a sentence.
    pub fn words(&self) -> String {
        format!("held by {} since {}: {}", self.by, exact(self.since), self.reason)
    }
}
