//! How far a job is: what it has reported, and what follows from that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::format::count;

/// The longest message of a report, in characters.
pub const MESSAGE_CHARS_BOUND: usize = 200;

/// What a job has reported last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Units of work done, in the job's own unit.
    pub done: i64,
    /// All units, where the job knows.
    pub total: Option<i64>,
    /// In words.
    pub message: String,
    /// Its first report.
    pub started_at: Timestamp,
    /// This report.
    pub updated_at: Timestamp,
    /// What was done when, at the moment from which its pace is measured.
    pub paced_from: (i64, Timestamp),
}

/// How far a job is, as the console and the API show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Units of work done, in the job's own unit.
    pub done: i64,
    /// All units, where the job knows.
    pub total: Option<i64>,
    /// In words.
    pub message: String,
    /// Its first report.
    pub started_at: Timestamp,
    /// Its last report.
    pub updated_at: Timestamp,
    /// Units a minute since it began, or since its last break; unknown until one is done.
    pub per_minute: Option<f64>,
    /// When it will be done at that pace; absent while it does not move.
    pub eta: Option<Timestamp>,
}

impl Progress {
    /// What `report` says at `now`. `moving` says whether the job works, or will go on by itself:
    /// one that has ended or is held keeps its last pace and has no ETA.
    pub fn measured(report: Report, moving: bool, now: Timestamp) -> Progress {
        let (done_then, then) = report.paced_from;
        let gained = report.done - done_then;
        let until = if moving { now } else { report.updated_at };
        let elapsed_ms = (until - then).num_milliseconds();
        let paced = gained > 0 && elapsed_ms > 0;
        let left = report.total.map_or(0, |total| total - report.done);
        let eta = (paced && moving && left > 0).then(|| {
            let ms = i128::from(elapsed_ms) * i128::from(left) / i128::from(gained);
            chrono::Duration::try_milliseconds(i64::try_from(ms).ok()?)
                .and_then(|wait| now.checked_add_signed(wait))
        });
        Progress {
            done: report.done,
            total: report.total,
            message: report.message,
            started_at: report.started_at,
            updated_at: report.updated_at,
            per_minute: paced.then(|| gained as f64 * 60_000.0 / elapsed_ms as f64),
            eta: eta.flatten(),
        }
    }

    /// Its pace in words, by the unit of time that suits it: `12 a minute`.
    pub fn pace(&self) -> Option<String> {
        let per_minute = self.per_minute?;
        let (rate, unit) = match per_minute {
            fast if fast >= 60.0 => (fast / 60.0, "a second"),
            steady if steady >= 1.0 => (steady, "a minute"),
            slow => (slow * 60.0, "an hour"),
        };
        let rate = if rate < 10.0 { format!("{rate:.1}") } else { count(rate.round() as i64) };
        Some(format!("{rate} {unit}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Duration, TimeZone, Utc};

    fn start() -> Timestamp {
        Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
    }

    fn report(done: i64) -> Report {
        Report {
            done,
            total: Some(100),
            message: String::new(),
            started_at: start(),
            updated_at: start() + Duration::seconds(60),
            paced_from: (0, start()),
        }
    }

    #[test]
    fn pace_and_eta_follow_from_what_was_done_so_far() {
        let now = start() + Duration::seconds(60);
        let progress = Progress::measured(report(20), true, now);
        assert_eq!(progress.per_minute, Some(20.0));
        assert_eq!(progress.eta, Some(now + Duration::seconds(240)));
        assert_eq!(Progress::measured(report(0), true, now).eta, None, "nothing is done yet");
        assert_eq!(Progress::measured(report(100), true, now).eta, None, "nothing is left");
        let unbounded = Report { total: None, ..report(20) };
        assert_eq!(Progress::measured(unbounded, true, now).eta, None, "the end is unknown");
    }

    #[test]
    fn a_job_that_says_nothing_more_slows_down_and_one_that_is_held_has_no_eta() {
        let later = start() + Duration::seconds(120);
        assert_eq!(Progress::measured(report(20), true, later).per_minute, Some(10.0));
        let held = Progress::measured(report(20), false, later);
        assert_eq!((held.per_minute, held.eta), (Some(20.0), None));
    }

    #[test]
    fn the_pace_is_measured_from_where_it_went_on() {
        let now = start() + Duration::seconds(60);
        let resumed = Report { paced_from: (15, start() + Duration::seconds(30)), ..report(20) };
        let progress = Progress::measured(resumed, true, now);
        assert_eq!(progress.per_minute, Some(10.0));
        assert_eq!(progress.pace().as_deref(), Some("10 a minute"));
    }

    #[test]
    fn a_pace_is_told_in_the_unit_of_time_that_suits_it() {
        let pace = |per_minute| {
            let progress = Progress::measured(report(20), true, start());
            Progress { per_minute: Some(per_minute), ..progress }.pace().unwrap()
        };
        assert_eq!(pace(90_000.0), "1\u{2009}500 a second");
        assert_eq!(pace(2.25), "2.2 a minute");
        assert_eq!(pace(0.5), "30 an hour");
    }
}
