//! The outside providers as an operator works them (AV-7, JS-4): their keys, whether they are on, and
//! the test of their credentials.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::breaker::Breaker;
use crate::error_class::ErrorClass;
use crate::format;
use crate::secret::SecretInfo;

/// That a provider is switched off: no call goes out, and its jobs park.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Disabled {
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
}

/// Where a provider's key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// The vault.
    Vault,
    /// A variable of the environment, while the vault has none.
    Environment,
    /// There is none.
    None,
}

/// A provider's key, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderKey {
    /// Where it comes from.
    pub source: KeySource,
    /// The variable that is read while the vault has none.
    pub variable: String,
    /// What the vault tells of it.
    pub secret: Option<SecretInfo>,
    /// Why the vault's cannot be read.
    pub fault: Option<String>,
}

/// A rate of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderRate {
    /// The setting that bounds it.
    pub setting: String,
    /// The calls a minute that are set.
    pub set_rpm: i64,
    /// The calls a minute that are allowed now: fewer while it is throttled.
    pub allowed_rpm: i64,
}

/// A step of the test of a provider's credentials, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Its host's name has an address.
    Resolve,
    /// A connection can be made, with TLS where the address says so.
    Connect,
    /// It takes the key.
    Authenticate,
    /// It answers a cheap, real call.
    Call,
}

impl Step {
    /// Every step.
    pub const ALL: [Step; 4] = [Step::Resolve, Step::Connect, Step::Authenticate, Step::Call];

    /// The stable name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Step::Resolve => "resolve",
            Step::Connect => "connect",
            Step::Authenticate => "authenticate",
            Step::Call => "call",
        }
    }

    /// What people call it.
    pub const fn label(self) -> &'static str {
        match self {
            Step::Resolve => "Find the host",
            Step::Connect => "Connect",
            Step::Authenticate => "Sign in with the key",
            Step::Call => "Make one cheap call",
        }
    }
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// Well.
    Passed,
    /// Not well.
    Failed,
    /// One before it failed.
    NotTried,
}

/// A step, and how it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestStep {
    /// Which.
    pub step: Step,
    /// How it went.
    pub outcome: StepOutcome,
    /// In words.
    pub detail: String,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// What kind of trouble it was, if it failed.
    pub error_class: Option<ErrorClass>,
}

/// A test of a provider's credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderTest {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Its steps, in their order.
    pub steps: Vec<TestStep>,
}

impl ProviderTest {
    /// The step that failed.
    pub fn failed(&self) -> Option<&TestStep> {
        self.steps.iter().find(|step| step.outcome == StepOutcome::Failed)
    }

    /// The outcome in a sentence.
    pub fn words(&self) -> String {
        match self.failed() {
            None => "Every step passed: the credentials work.".to_owned(),
            Some(step) => {
                format!("Failed at “{}”: {}.", step.step.label(), step.detail.trim_end_matches('.'))
            }
        }
    }

    /// What to do about it, if it failed.
    pub fn remedy(&self) -> Option<&'static str> {
        Some(self.failed()?.error_class?.remedy())
    }
}

/// What an operator does to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderAction {
    /// Puts its key into the vault, in place of the one there.
    SetKey,
    /// Takes its key out of the vault.
    RemoveKey,
    /// Switches it on.
    Enable,
    /// Switches it off.
    Disable,
    /// Tests its credentials.
    Test,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    /// Its name, such as `mcp`.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Its host; absent while no address is configured.
    pub host: Option<String>,
    /// The variable with its address.
    pub address_variable: String,
    /// Its breaker, and whether it is switched off.
    pub breaker: Breaker,
    /// Its rates.
    pub rates: Vec<ProviderRate>,
    /// Its key.
    pub key: ProviderKey,
    /// The last test of its credentials.
    pub test: Option<ProviderTest>,
}

impl Provider {
    /// Its calls a minute in words, such as `120 calls/min`.
    pub fn rate_words(&self) -> String {
        let sum = |of: fn(&ProviderRate) -> i64| self.rates.iter().map(of).sum::<i64>();
        let (set, allowed) = (sum(|rate| rate.set_rpm), sum(|rate| rate.allowed_rpm));
        if allowed < set {
            format!("{} of {} calls/min", format::count(allowed), format::count(set))
        } else {
            format!("{} calls/min", format::count(set))
        }
    }
}

/// What somebody did to a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderChange {
    /// The number of its entry in the audit log.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What, such as `provider.set_key`.
    pub action: String,
    /// Why.
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn av_7_a_test_names_the_step_that_failed_and_its_remedy() {
        let step = |step, outcome, error_class| TestStep {
            step,
            outcome,
            detail: "refused (HTTP 401).".to_owned(),
            took_ms: 3,
            error_class,
        };
        let mut test = ProviderTest {
            at: Timestamp::default(),
            by: "ada@example.com".to_owned(),
            steps: vec![
                step(Step::Connect, StepOutcome::Passed, None),
                step(Step::Authenticate, StepOutcome::Failed, Some(ErrorClass::Credentials)),
                step(Step::Call, StepOutcome::NotTried, None),
            ],
        };
        assert_eq!(test.words(), "Failed at “Sign in with the key”: refused (HTTP 401).");
        assert_eq!(test.remedy(), Some(ErrorClass::Credentials.remedy()));
        test.steps.truncate(1);
        assert_eq!((test.failed(), test.remedy()), (None, None));
    }
}
