//! Acts on many dead letters at once: previewed, undoable while they have not begun, abortable.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::dead_letter::DeadLetterFilter;
use crate::problem::FieldError;

/// What is done with the letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BulkAction {
    /// Their jobs are scheduled again.
    Retry,
    /// They are removed for good.
    Delete,
    /// A few are tried, then twice as many, and so on, for as long as they succeed.
    RedriveCanary,
}

impl BulkAction {
    /// Every action.
    pub const ALL: [BulkAction; 3] =
        [BulkAction::Retry, BulkAction::Delete, BulkAction::RedriveCanary];

    /// The stable name used in the database, in URLs and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            BulkAction::Retry => "retry",
            BulkAction::Delete => "delete",
            BulkAction::RedriveCanary => "redrive_canary",
        }
    }

    /// The action with this stable name.
    pub fn from_name(name: &str) -> Option<BulkAction> {
        BulkAction::ALL.into_iter().find(|action| action.name() == name)
    }

    /// As a sentence begins: "Retry 12 dead letters".
    pub const fn verb(self) -> &'static str {
        match self {
            BulkAction::Retry => "Retry",
            BulkAction::Delete => "Delete",
            BulkAction::RedriveCanary => "Carefully retry",
        }
    }
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BulkState {
    /// In its undo window: nothing was touched.
    Pending,
    /// Under way.
    Running,
    /// Nothing is left to do.
    Done,
    /// An operator ended it.
    Aborted,
    /// A canary ended itself: too many failed again.
    Stopped,
    /// No letter of a batch could be handled.
    Failed,
}

impl BulkState {
    /// Every state.
    pub const ALL: [BulkState; 6] = [
        BulkState::Pending,
        BulkState::Running,
        BulkState::Done,
        BulkState::Aborted,
        BulkState::Stopped,
        BulkState::Failed,
    ];

    /// The stable name used in the database and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            BulkState::Pending => "pending",
            BulkState::Running => "running",
            BulkState::Done => "done",
            BulkState::Aborted => "aborted",
            BulkState::Stopped => "stopped",
            BulkState::Failed => "failed",
        }
    }

    /// The state with this stable name.
    pub fn from_name(name: &str) -> Option<BulkState> {
        BulkState::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether it can still be aborted.
    pub const fn is_active(self) -> bool {
        matches!(self, BulkState::Pending | BulkState::Running)
    }
}

/// What somebody wants to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkRequest {
    /// What.
    pub action: BulkAction,
    /// With which letters. Only those that are pending are touched.
    #[serde(default)]
    pub filter: DeadLetterFilter,
    /// Without any filter a delete needs this, so that an empty form deletes nothing.
    #[serde(default)]
    pub all: bool,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// Letters a second at most; the setting `dlq_bulk_per_second` if absent.
    #[serde(default)]
    pub rate_per_second: Option<i64>,
    /// What the preview said: no newer letter is touched.
    #[serde(default)]
    pub up_to: Option<i64>,
}

/// The most letters a second that may be asked for.
pub const RATE_BOUND: i64 = 1000;

impl BulkRequest {
    /// To remove what failed in a queue.
    pub fn clear_queue(queue: String, reason: String) -> BulkRequest {
        BulkRequest {
            action: BulkAction::Delete,
            filter: DeadLetterFilter { queue: Some(queue), ..DeadLetterFilter::default() },
            all: false,
            reason,
            rate_per_second: None,
            up_to: None,
        }
    }

    /// What is wrong with it, the reason aside.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        if self.filter.status == Some(crate::dead_letter::DeadLetterStatus::RetryScheduled) {
            found.push(FieldError::new(
                "filter.status",
                "must be pending: a letter whose retry is under way cannot be acted on",
            ));
        }
        if let Some(ids) = &self.filter.ids {
            let bound = crate::dead_letter::IDS_BOUND;
            if ids.is_empty() || ids.len() > bound {
                found
                    .push(FieldError::new("filter.ids", format!("must name 1 to {bound} letters")));
            }
        }
        if self.action == BulkAction::Delete && self.filter.is_unfiltered() && !self.all {
            found.push(FieldError::new(
                "filter",
                "is empty: to delete every pending letter, say \"all\": true",
            ));
        }
        if self.rate_per_second.is_some_and(|rate| !(1..=RATE_BOUND).contains(&rate)) {
            found.push(FieldError::new(
                "ratePerSecond",
                format!("must be a whole number from 1 to {RATE_BOUND}"),
            ));
        }
        found
    }
}

/// What an operation would touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BulkPreview {
    /// How many letters match and are pending.
    pub count: i64,
    /// The newest of them; absent when there is none.
    pub up_to: Option<i64>,
    /// Letters a second unless another number is asked for.
    pub rate_per_second: i64,
    /// How long the operation can be undone before it begins, in seconds.
    pub undo_seconds: i64,
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BulkOperation {
    /// Its number.
    pub id: i64,
    /// What it does.
    pub action: BulkAction,
    /// With which letters.
    pub filter: DeadLetterFilter,
    /// How many matched when it was asked for.
    pub previewed: i64,
    /// Letters a second at most.
    pub rate_per_second: i64,
    /// How far it is.
    pub state: BulkState,
    /// Why it was asked for.
    pub reason: String,
    /// By whom.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// The end of its undo window.
    pub starts_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Letters retried or deleted; for a canary, those whose retry completed.
    pub done: i64,
    /// Letters that could not be handled; for a canary, those that failed again.
    pub failed: i64,
    /// Why it ended before its time.
    pub stop_cause: Option<String>,
    /// A canary's steps so far, the first first; empty for the others.
    pub steps: Vec<CanaryStep>,
    /// A canary stops when more than this share of a step failed again.
    pub stop_percent: Option<i16>,
}

impl BulkOperation {
    /// How many letters were handed out or handled so far.
    pub fn handled(&self) -> i64 {
        let out: i64 = self.steps.iter().map(|step| step.out).sum();
        let cancelled: i64 = self.steps.iter().map(|step| step.cancelled).sum();
        self.done + self.failed + out + cancelled
    }
}

/// One step of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStep {
    /// The first is 1.
    pub step: i32,
    /// Letters whose retry completed.
    pub completed: i64,
    /// Letters that failed again.
    pub failed: i64,
    /// Letters whose job an operator cancelled: they prove nothing.
    pub cancelled: i64,
    /// Letters whose retry has not ended.
    pub out: i64,
}

impl CanaryStep {
    /// How many were let out.
    pub const fn letters(&self) -> i64 {
        self.completed + self.failed + self.cancelled + self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(action: BulkAction, filter: DeadLetterFilter) -> BulkRequest {
        BulkRequest {
            action,
            filter,
            all: false,
            reason: String::new(),
            rate_per_second: None,
            up_to: None,
        }
    }

    #[test]
    fn a_delete_without_a_filter_must_say_all() {
        let mut delete = request(BulkAction::Delete, DeadLetterFilter::default());
        assert_eq!(delete.problems()[0].field, "filter");
        delete.all = true;
        assert!(delete.problems().is_empty());
        let retry = request(BulkAction::Retry, DeadLetterFilter::default());
        assert!(retry.problems().is_empty());
    }

    #[test]
    fn names_round_trip() {
        for action in BulkAction::ALL {
            assert_eq!(BulkAction::from_name(action.name()), Some(action));
        }
        for state in BulkState::ALL {
            assert_eq!(BulkState::from_name(state.name()), Some(state));
        }
    }
}
