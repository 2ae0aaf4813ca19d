//! Acts on many jobs with one command: counted first, carried out as a whole or not at all.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::job::{JobFilter, JobId};
use crate::problem::FieldError;

/// The most jobs that one command acts on: what one transaction can hold without keeping the
/// workers waiting.
pub const JOBS_AT_ONCE: i64 = 1000;

/// What is done with the jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobAction {
    /// They are stopped and not tried again.
    Cancel,
    /// They wait until somebody releases them.
    Hold,
    /// They go on.
    Release,
}

impl JobAction {
    /// Every action.
    pub const ALL: [JobAction; 3] = [JobAction::Cancel, JobAction::Hold, JobAction::Release];

    /// The stable name used in addresses, logs and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            JobAction::Cancel => "cancel",
            JobAction::Hold => "hold",
            JobAction::Release => "release",
        }
    }

    /// The action with this stable name.
    pub fn from_name(name: &str) -> Option<JobAction> {
        JobAction::ALL.into_iter().find(|action| action.name() == name)
    }

    /// As a sentence begins: "Hold 12 jobs".
    pub const fn verb(self) -> &'static str {
        match self {
            JobAction::Cancel => "Cancel",
            JobAction::Hold => "Hold",
            JobAction::Release => "Release",
        }
    }

    /// As a sentence tells it afterwards: "12 jobs cancelled".
    pub const fn past(self) -> &'static str {
        match self {
            JobAction::Cancel => "cancelled",
            JobAction::Hold => "held",
            JobAction::Release => "released",
        }
    }
}

/// What somebody wants to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobsRequest {
    /// What.
    pub action: JobAction,
    /// With which jobs. Only those that have not ended are touched; of these, only held ones are
    /// released and only others held.
    #[serde(default)]
    pub filter: JobFilter,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// What the preview said: no newer job is touched.
    #[serde(default)]
    pub up_to: Option<JobId>,
}

impl JobsRequest {
    /// What is wrong with it, the reason aside.
    pub fn problems(&self) -> Vec<FieldError> {
        let too_many =
            |ids: &Vec<JobId>| i64::try_from(ids.len()).unwrap_or(i64::MAX) > JOBS_AT_ONCE;
        if self.filter.ids.as_ref().is_some_and(too_many) {
            return vec![FieldError::new("filter.ids", "must be at most 1000 jobs")];
        }
        Vec::new()
    }
}

/// What a command would touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobsPreview {
    /// How many jobs, counted to [`COUNT_CAP`](crate::metrics::COUNT_CAP).
    pub count: i64,
    /// The newest of them; none when there is none.
    pub up_to: Option<JobId>,
}

impl JobsPreview {
    /// How many of them the next command touches.
    pub fn next(&self) -> i64 {
        self.count.min(JOBS_AT_ONCE)
    }
}

/// What a command did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobsDone {
    /// Jobs it was done with.
    pub done: i64,
    /// Jobs that match still, counted to [`COUNT_CAP`](crate::metrics::COUNT_CAP).
    pub left: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_without_conditions_is_allowed_and_too_many_ids_are_not() {
        let request = |ids| JobsRequest {
            action: JobAction::Hold,
            filter: JobFilter { ids, ..JobFilter::default() },
            reason: String::new(),
            up_to: None,
        };
        assert!(request(None).problems().is_empty());
        let many = (0..=JOBS_AT_ONCE).collect();
        assert_eq!(request(Some(many)).problems()[0].field, "filter.ids");
    }

    #[test]
    fn actions_round_trip_by_name() {
        for action in JobAction::ALL {
            assert_eq!(JobAction::from_name(action.name()), Some(action));
        }
    }
}
