//! Schedules (OP-16).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::job::{JobId, JobState};

/// What becomes of ticks that passed while nobody led.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissedTicks {
    /// One job stands for all of them.
    #[default]
    RunOnce,
    /// They are dropped.
    Skip,
    /// Each becomes a job, up to a bound; those beyond it are dropped, the oldest first.
    RunAll,
}

impl MissedTicks {
    /// Every rule.
    pub const ALL: [MissedTicks; 3] =
        [MissedTicks::RunOnce, MissedTicks::Skip, MissedTicks::RunAll];

    /// The stable name used in the database and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            MissedTicks::RunOnce => "run_once",
            MissedTicks::Skip => "skip",
            MissedTicks::RunAll => "run_all",
        }
    }

    /// The rule with this stable name.
    pub fn from_name(name: &str) -> Option<MissedTicks> {
        MissedTicks::ALL.into_iter().find(|rule| rule.name() == name)
    }

    /// The rule in a sentence.
    pub const fn describe(self) -> &'static str {
        match self {
            MissedTicks::RunOnce => "Missed ticks are made up for by one run.",
            MissedTicks::Skip => "Missed ticks are dropped.",
            MissedTicks::RunAll => "Each missed tick is run, at most 100.",
        }
    }
}

/// One moment at which a schedule enqueues its job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tick {
    /// The moment.
    pub at: Timestamp,
    /// The same in the schedule's zone, as ISO 8601 with its offset from UTC.
    pub local: String,
}

impl Tick {
    /// Date, time and offset as people read them: `2026-10-25 02:30 +02:00`.
    pub fn local_words(&self) -> String {
        let part = |range| self.local.get(range).unwrap_or_default();
        format!("{} {} {}", part(0..10), part(11..16), part(19..25))
    }
}

/// Why a schedule is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// The reason that was given.
    pub reason: String,
    /// Who paused it.
    pub by: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
}

/// The job of a schedule's last tick, or of its last run by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastJob {
    /// Its number.
    pub id: JobId,
    /// Its state; absent once the job is no longer kept.
    pub state: Option<JobState>,
}

/// When a schedule ticks: a cron expression of five fields, read in a time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Times {
    /// Minute, hour, day of month, month, day of week.
    pub cron: String,
    /// The zone's IANA name, such as `Europe/Berlin`.
    pub time_zone: String,
}

/// What a cron expression would mean, before it is saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// What was asked about.
    #[serde(flatten)]
    pub times: Times,
    /// The expression in words.
    pub description: String,
    /// The next ticks, the soonest first.
    pub next_ticks: Vec<Tick>,
}

/// A schedule as the console shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// The kind of job it enqueues.
    pub kind: String,
    /// When, as a cron expression in `time_zone`.
    pub cron: String,
    /// The zone in which `cron` is read.
    pub time_zone: String,
    /// `cron` in words.
    pub description: String,
    /// What the code declares, where an operator has set other times.
    pub default: Option<Times>,
    /// The operator who set them.
    pub changed_by: Option<String>,
    /// When they were set.
    pub changed_at: Option<Timestamp>,
    /// What becomes of missed ticks.
    pub missed_ticks: MissedTicks,
    /// It enqueues nothing while paused.
    pub paused: bool,
    /// Why it is paused.
    pub pause: Option<Pause>,
    /// Its next tick: in the past if nobody leads. While paused, its first tick if it were resumed now.
    pub next_run_at: Timestamp,
    /// Its next five ticks; while paused, those it would have if it were resumed now.
    pub next_ticks: Vec<Tick>,
    /// Its first tick.
    pub first_run_at: Option<Timestamp>,
    /// Its last tick.
    pub last_run_at: Option<Timestamp>,
    /// Its last job.
    pub last_job: Option<LastJob>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_missed_tick_rules_round_trip() {
        for rule in MissedTicks::ALL {
            assert_eq!(MissedTicks::from_name(rule.name()), Some(rule));
        }
    }

    #[test]
    fn a_local_tick_is_cut_from_its_iso_form() {
        let tick = Tick { at: Timestamp::UNIX_EPOCH, local: "2026-10-25T02:30:00+02:00".into() };
        assert_eq!(tick.local_words(), "2026-10-25 02:30 +02:00");
    }
}
