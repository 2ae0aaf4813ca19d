//! A rate that is lowered for a while because its provider is near its own limit (AV-9).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A rate that is lowered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Throttled {
    /// The setting that bounds it, such as `discovery_rpm`.
    pub rate: String,
    /// The provider.
    pub provider: String,
    /// The calls a minute that are allowed.
    pub rpm: i64,
    /// The calls a minute that are set.
    pub of: i64,
    /// Since when it has been lowered.
    pub since: Timestamp,
    /// The share of the provider's own limit that was used, in percent; absent after a 429.
    pub used_percent: Option<i64>,
}

impl Throttled {
    /// `throttled to 18 of 30`.
    pub fn words(&self) -> String {
        format!("throttled to {} of {}", self.rpm, self.of)
    }

    /// Why: `85 % of the provider's own limit are used`.
    pub fn cause(&self) -> String {
        match self.used_percent {
            Some(used) => format!("{used} % of the own limit of {} are used", self.provider),
            None => format!("{} answered 429", self.provider),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn av_9_it_says_how_far_and_why() {
        let throttled = Throttled {
            rate: "discovery_rpm".into(),
            provider: "mcp".into(),
            rpm: 18,
            of: 30,
            since: Timestamp::default(),
            used_percent: Some(85),
        };
        assert_eq!(throttled.words(), "throttled to 18 of 30");
        assert_eq!(throttled.cause(), "85 % of the own limit of mcp are used");
        let refused = Throttled { used_percent: None, ..throttled };
        assert_eq!(refused.cause(), "mcp answered 429");
    }
}
