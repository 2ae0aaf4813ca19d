//! The audit log: what people did.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;
use crate::format;

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Its number.
    pub id: i64,
    /// Who.
    pub actor: String,
    /// Which command, such as `kill_switch.activate`.
    pub action: String,
    /// To what, such as `job 12`.
    pub subject: String,
    /// The reason that was given.
    pub reason: Option<String>,
    /// Further facts.
    pub details: Value,
    /// When.
    pub created_at: Timestamp,
}

/// Which entries are wanted. Empty texts want all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditFilter {
    /// Those of this person.
    pub actor: Option<String>,
    /// Those whose action begins so, such as `job.`.
    pub action: Option<String>,
    /// Those whose subject or reason contains this.
    pub q: Option<String>,
    /// Those before this one.
    pub cursor: Option<i64>,
    /// At most so many.
    pub limit: Option<i64>,
}

/// What came of computing the chain of the audit log anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditVerdict {
    /// How many entries there are.
    pub entries: i64,
    /// The last seal, in hexadecimal: kept elsewhere, it also shows when the end was cut off.
    pub head: Option<String>,
    /// The entry at which the chain breaks first: it, or what was before it, is not what it was.
    pub broken_at: Option<i64>,
    /// How many entries have no seal and wait for none: they were slipped in.
    pub slipped_in: i64,
    /// How many are so new that they are not sealed yet.
    pub waiting: i64,
    /// Whether the chain has the seal that was asked for; none was, if absent.
    pub kept_is_there: Option<bool>,
}

impl AuditVerdict {
    /// Whether every entry is what it was when it was written.
    pub fn is_intact(&self) -> bool {
        self.broken_at.is_none() && self.slipped_in == 0 && self.kept_is_there != Some(false)
    }

    /// The same in a sentence.
    pub fn words(&self) -> String {
        let entries = format::plural(self.entries - self.waiting, "entry is", "entries are");
        let head = match &self.head {
            Some(head) => format!(" The last seal is {head}."),
            None => String::new(),
        };
        let waiting = match self.waiting {
            0 => String::new(),
            n => format!(" {} not sealed yet.", format::plural(n, "entry is", "entries are")),
        };
        match (self.broken_at, self.slipped_in) {
            (None, 0) if self.kept_is_there == Some(false) => {
                "The chain has not the seal that you kept: it is another one, or its end was cut off.".to_owned()
            }
            (None, 0) => {
                format!("The chain is intact: {entries} as they were written.{waiting}{head}")
            }
            (Some(id), _) => format!(
                "The chain is BROKEN at entry {id}: it, or one before it, was changed or removed."
            ),
            (None, n) => format!(
                "{} without a seal: they were not written by Signalbox.",
                format::plural(n, "entry is", "entries are")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_says_what_is_wrong_and_where() {
        let intact = AuditVerdict {
            entries: 3,
            head: Some("00ff".to_owned()),
            broken_at: None,
            slipped_in: 0,
            waiting: 1,
            kept_is_there: None,
        };
        let words = "The chain is intact: 2 entries are as they were written. 1 entry is not sealed yet. \
                     The last seal is 00ff.";
        assert_eq!(intact.words(), words);
        let broken = AuditVerdict { broken_at: Some(2), ..intact.clone() };
        assert!(!broken.is_intact() && broken.words().contains("BROKEN at entry 2"));
        let other = AuditVerdict { kept_is_there: Some(false), ..intact.clone() };
        assert!(!other.is_intact() && other.words().contains("the seal that you kept"));
        let more = AuditVerdict { slipped_in: 1, ..intact };
        assert!(!more.is_intact() && more.words().contains("1 entry is without a seal"));
    }
}
