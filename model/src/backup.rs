//! Backups of the database (JS-7): what was dumped, and whether it was restored and found the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::job::JobId;

/// A verified backup older than this many hours is worth a word: a schedule takes one a week.
pub const STALE_HOURS: i64 = 8 * 24;

/// How far a backup is, or its verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Its job waits for a worker, or for its next attempt.
    Waiting,
    /// Its job runs.
    Running,
    /// It was done.
    Done,
    /// It was given up; the error says why.
    Failed,
}

impl Stage {
    /// The stage of work that has ended well or not yet, given its job's state.
    pub fn of(done: bool, job_state: Option<&str>) -> Stage {
        match job_state {
            _ if done => Stage::Done,
            Some("running") => Stage::Running,
            Some("available" | "scheduled") => Stage::Waiting,
            _ => Stage::Failed,
        }
    }
}

/// Whether a backup can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// How far it is.
    pub stage: Stage,
    /// The job that restores and compares.
    pub job_id: JobId,
    /// When the comparison ended.
    pub ended_at: Option<Timestamp>,
    /// What was not the same, a sentence each; empty when the restored rows were those of the
    /// backup's moment.
    pub differences: Vec<String>,
    /// Why it could not be restored or compared at the last attempt.
    pub error: Option<String>,
}

impl Verification {
    /// The restored database was the same.
    pub fn is_good(&self) -> bool {
        self.stage == Stage::Done && self.differences.is_empty()
    }
}

/// One backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// Its number.
    pub id: i64,
    /// How far it is.
    pub stage: Stage,
    /// The job that takes it.
    pub job_id: JobId,
    /// Who asked for it.
    pub requested_by: String,
    /// Why, if somebody said so.
    pub reason: Option<String>,
    /// When.
    pub requested_at: Timestamp,
    /// When the dump began: the moment whose state it holds.
    pub started_at: Option<Timestamp>,
    /// When the file was complete.
    pub ended_at: Option<Timestamp>,
    /// The file, on the machine of the worker that took it.
    pub file: Option<String>,
    /// Its size.
    pub bytes: Option<i64>,
    /// Its SHA-256, in hexadecimal.
    pub sha256: Option<String>,
    /// The version of the server it was taken from.
    pub server_version: Option<String>,
    /// Tables in it.
    pub tables: Option<i64>,
    /// Rows in it.
    pub rows: Option<i64>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// Its last verification, if there was any.
    pub verification: Option<Verification>,
    /// When its file was removed, newer ones having taken its place.
    pub removed_at: Option<Timestamp>,
}

impl Backup {
    /// It was restored, and was the same.
    pub fn is_verified(&self) -> bool {
        self.verification.as_ref().is_some_and(Verification::is_good)
    }

    /// Somebody may ask for its verification.
    pub fn can_be_verified(&self) -> bool {
        let under_way = self
            .verification
            .as_ref()
            .is_some_and(|v| matches!(v.stage, Stage::Waiting | Stage::Running));
        self.stage == Stage::Done && self.removed_at.is_none() && !under_way
    }
}

/// How the backups stand as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backups {
    /// The newest first; the last 50.
    pub backups: Vec<Backup>,
    /// How many files are kept.
    pub kept: i64,
    /// When this was read.
    pub as_of: Timestamp,
}

impl Backups {
    /// The newest that was completed.
    pub fn last(&self) -> Option<&Backup> {
        self.backups.iter().find(|backup| backup.stage == Stage::Done)
    }

    /// The newest whose restored rows were the same, and whose file is kept.
    pub fn last_verified(&self) -> Option<&Backup> {
        self.backups.iter().find(|b| b.removed_at.is_none() && b.is_verified())
    }

    /// One that waits or runs.
    pub fn under_way(&self) -> Option<&Backup> {
        self.backups.iter().find(|b| matches!(b.stage, Stage::Waiting | Stage::Running))
    }
}

/// What a table holds: compared between a database and its restored backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TableSum {
    /// Its schema and name, quoted as in SQL.
    pub table: String,
    /// Its rows.
    pub rows: i64,
    /// The sum of its rows' 64-bit hashes, whatever their order.
    pub sum: String,
}

/// What stands beside a backup's file, for the day on which the database that knew it is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The file's name.
    pub file: String,
    /// Its size.
    pub bytes: i64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// The moment whose state it holds.
    pub taken_at: Timestamp,
    /// The version of the server it was taken from.
    pub server_version: String,
    /// What each table held.
    pub content: Vec<TableSum>,
}

/// What is not the same in `found` as in `expected`, a sentence for each table, by name.
pub fn differences(expected: &[TableSum], found: &[TableSum]) -> Vec<String> {
    let of = |sums: &[TableSum], name: &str| sums.iter().find(|sum| sum.table == name).cloned();
    let mut names: Vec<&str> = expected.iter().chain(found).map(|sum| sum.table.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter_map(|name| match (of(expected, name), of(found, name)) {
            (Some(_), None) => Some(format!("{name} is missing")),
            (None, Some(_)) => Some(format!("{name} was not in the backup's database")),
            (Some(then), Some(now)) if then.rows != now.rows => {
                Some(format!("{name} has {} rows instead of {}", now.rows, then.rows))
            }
            (Some(then), Some(now)) if then.sum != now.sum => {
                Some(format!("{name} has as many rows as it had, with other content"))
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(table: &str, rows: i64, sum: &str) -> TableSum {
        TableSum { table: table.to_owned(), rows, sum: sum.to_owned() }
    }

    #[test]
    fn js_7_what_differs_is_named_and_the_order_is_none_of_it() {
        let then = [sum("a", 1, "7"), sum("b", 2, "8"), sum("c", 3, "9"), sum("d", 0, "0")];
        let mut now = then.to_vec();
        now.reverse();
        assert!(differences(&then, &now).is_empty());
        let now = [sum("a", 1, "6"), sum("b", 1, "8"), sum("d", 0, "0"), sum("e", 0, "0")];
        assert_eq!(
            differences(&then, &now),
            [
                "a has as many rows as it had, with other content",
                "b has 1 rows instead of 2",
                "c is missing",
                "e was not in the backup's database",
            ]
        );
    }

    #[test]
    fn a_stage_follows_from_the_job_until_the_work_is_done() {
        assert_eq!(Stage::of(true, Some("running")), Stage::Done);
        assert_eq!(Stage::of(false, Some("running")), Stage::Running);
        assert_eq!(Stage::of(false, Some("scheduled")), Stage::Waiting);
        for ended in [Some("dead"), Some("cancelled"), Some("completed"), None] {
            assert_eq!(Stage::of(false, ended), Stage::Failed);
        }
    }
}
