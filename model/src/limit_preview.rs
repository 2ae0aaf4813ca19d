//! What another value of a limit would do, before it is saved (OP-3): one pure function over what
//! waits behind the limit, how fast it went lately, and how much of the limit a job uses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::format;
use crate::metrics::COUNT_CAP;
use crate::why::PACE_WINDOW_S;

/// What the preview depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitFacts {
    /// The setting's key.
    pub key: String,
    /// Its unit.
    pub unit: String,
    /// Its value now.
    pub present: i64,
    /// The value that is thought of.
    pub proposed: i64,
    /// The share of it, in percent, to which a rate is throttled now (AV-9).
    pub throttle_percent: Option<i64>,
    /// The kinds of job that it bounds.
    pub kinds: Vec<KindFacts>,
}

/// A kind of job that the limit bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct KindFacts {
    /// The kind.
    pub kind: String,
    /// How many of its jobs are due and wait, counted to [`COUNT_CAP`].
    pub waiting: i64,
    /// How many ended in the last [`PACE_WINDOW_S`] seconds.
    pub recently_ended: i64,
    /// How much of the limit one job takes up for a minute: its calls, for a rate; the minutes it
    /// runs, for a concurrency. Absent where no run was measured.
    pub cost: Option<f64>,
    /// The other limit of the kind, and how many jobs a minute that one allows.
    pub other: Option<(String, f64)>,
}

/// What a change of a limit would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitPreview {
    /// The setting's key.
    pub key: String,
    /// Its unit.
    pub unit: String,
    /// The kinds of job that it bounds.
    pub kinds: Vec<String>,
    /// How many jobs wait behind it now.
    pub waiting: i64,
    /// Whether there are more of them: they were counted to a cap.
    pub more_wait: bool,
    /// How many jobs a minute ended lately.
    pub recent_jobs_per_min: f64,
    /// The share, in percent, to which it is throttled now: both outlooks are under it.
    pub throttle_percent: Option<i64>,
    /// With its value of now.
    pub present: Outlook,
    /// With the other value.
    pub proposed: Outlook,
}

/// What one value of a limit allows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Outlook {
    /// The value.
    pub value: i64,
    /// The most jobs a minute; absent where it is not known how much of the limit a job uses.
    pub jobs_per_min: Option<f64>,
    /// The other limit that holds them to that pace, where it is the tighter one.
    pub held_by: Option<String>,
    /// What becomes of the jobs that wait, if no more come.
    pub backlog: Backlog,
}

/// What becomes of the jobs that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Backlog {
    /// None wait.
    Empty,
    /// The last has started after this long, in milliseconds.
    Cleared {
        /// How long that takes.
        ms: i64,
    },
    /// They wait for ever: nothing may start.
    Stuck,
    /// Nobody can say.
    Unknown,
}

/// What a change of the limit with these facts would do.
pub fn preview(facts: &LimitFacts) -> LimitPreview {
    let waiting: i64 = facts.kinds.iter().map(|kind| kind.waiting).sum();
    let ended: i64 = facts.kinds.iter().map(|kind| kind.recently_ended).sum();
    LimitPreview {
        key: facts.key.clone(),
        unit: facts.unit.clone(),
        kinds: facts.kinds.iter().map(|kind| kind.kind.clone()).collect(),
        waiting,
        more_wait: facts.kinds.iter().any(|kind| kind.waiting >= COUNT_CAP),
        recent_jobs_per_min: ended as f64 * 60.0 / PACE_WINDOW_S as f64,
        throttle_percent: facts.throttle_percent,
        present: outlook(facts, facts.present),
        proposed: outlook(facts, facts.proposed),
    }
}

fn outlook(facts: &LimitFacts, value: i64) -> Outlook {
    let allowed = value as f64 * facts.throttle_percent.unwrap_or(100) as f64 / 100.0;
    let own = if value == 0 { Some(0.0) } else { mean_cost(&facts.kinds).map(|c| allowed / c) };
    let (jobs_per_min, held_by) = match (own, other_limit(&facts.kinds)) {
        (Some(own), Some((key, pace))) if pace < own => (Some(pace), Some(key)),
        _ => (own, None),
    };
    let waiting: i64 = facts.kinds.iter().map(|kind| kind.waiting).sum();
    let backlog = match jobs_per_min {
        _ if waiting == 0 => Backlog::Empty,
        None => Backlog::Unknown,
        Some(pace) if pace <= 0.0 => Backlog::Stuck,
        Some(pace) => Backlog::Cleared { ms: (waiting as f64 / pace * 60_000.0).round() as i64 },
    };
    Outlook { value, jobs_per_min, held_by, backlog }
}

/// How much each kind counts: as many as wait, or all alike while none wait.
fn weights(kinds: &[KindFacts]) -> impl Iterator<Item = (&KindFacts, f64)> {
    let idle = kinds.iter().all(|kind| kind.waiting == 0);
    kinds.iter().map(move |kind| (kind, if idle { 1.0 } else { kind.waiting as f64 }))
}

/// How much of the limit a job of the mix that waits takes up for a minute.
fn mean_cost(kinds: &[KindFacts]) -> Option<f64> {
    let (mut cost, mut weight) = (0.0, 0.0);
    for (kind, counts) in weights(kinds).filter(|(_, counts)| *counts > 0.0) {
        cost += kind.cost? * counts;
        weight += counts;
    }
    (cost > 0.0).then(|| cost / weight)
}

/// The tightest of the kinds' other limits, and the pace of the whole mix under it.
fn other_limit(kinds: &[KindFacts]) -> Option<(String, f64)> {
    let total: f64 = weights(kinds).map(|(_, counts)| counts).sum();
    weights(kinds)
        .filter(|(_, counts)| *counts > 0.0)
        .filter_map(|(kind, counts)| {
            let (key, pace) = kind.other.as_ref()?;
            Some((key.clone(), pace * total / counts))
        })
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
}

impl LimitPreview {
    /// `412 jobs wait behind it`.
    pub fn waiting_words(&self) -> String {
        let more = if self.more_wait { "more than " } else { "" };
        format!("{more}{} behind it", format::plural(self.waiting, "job waits", "jobs wait"))
    }
}

impl Outlook {
    /// `at most 30 jobs/min`, and which other limit holds them to that.
    pub fn pace_words(&self) -> String {
        match (self.jobs_per_min, &self.held_by) {
            (None, _) => "unknown: no run of these jobs was measured yet".to_owned(),
            (Some(pace), None) => format!("at most {}", pace_words(pace)),
            (Some(pace), Some(key)) => format!("at most {}, held by {key}", pace_words(pace)),
        }
    }
}

/// A pace, to the job where it is fast, and to a tenth where it is slow: `30 jobs/min`.
pub fn pace_words(jobs_per_min: f64) -> String {
    if jobs_per_min >= 10.0 || jobs_per_min == 0.0 {
        format!("{} jobs/min", format::count(jobs_per_min.round() as i64))
    } else {
        format!("{jobs_per_min:.1} jobs/min")
    }
}

impl Backlog {
    /// `13 min`, `never`, `unknown`.
    pub fn words(self) -> String {
        match self {
            Backlog::Empty => "nothing waits".to_owned(),
            Backlog::Cleared { ms } => format::duration_ms(ms),
            Backlog::Stuck => "never: nothing may start".to_owned(),
            Backlog::Unknown => "unknown".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(waiting: i64, cost: Option<f64>) -> KindFacts {
        KindFacts { kind: "test.call".into(), waiting, recently_ended: 50, cost, other: None }
    }

    fn previewed(present: i64, proposed: i64, kinds: Vec<KindFacts>) -> LimitPreview {
        let (key, unit) = ("discovery_rpm".into(), "calls/min".into());
        preview(&LimitFacts { key, unit, present, proposed, throttle_percent: None, kinds })
    }

    #[test]
    fn op_3_a_rate_clears_its_backlog_in_calls_a_minute() {
        let found = previewed(30, 120, vec![kind(240, Some(2.0))]);
        assert_eq!((found.waiting, found.recent_jobs_per_min), (240, 10.0));
        assert_eq!(found.present.jobs_per_min, Some(15.0));
        assert_eq!(found.present.backlog, Backlog::Cleared { ms: 16 * 60_000 });
        assert_eq!(found.proposed.jobs_per_min, Some(60.0));
        assert_eq!(found.proposed.backlog, Backlog::Cleared { ms: 4 * 60_000 });
        assert_eq!(found.proposed.backlog.words(), "4 min");
    }

    #[test]
    fn op_3_a_concurrency_is_places_by_their_duration() {
        let ten_seconds = Some(10.0 / 60.0);
        let found = previewed(5, 10, vec![kind(60, ten_seconds)]);
        assert_eq!(found.present.jobs_per_min, Some(30.0));
        assert_eq!(found.proposed.backlog, Backlog::Cleared { ms: 60_000 });
    }

    #[test]
    fn op_3_what_is_stuck_or_not_known_is_said_plainly() {
        let unknown = previewed(5, 0, vec![kind(7, None)]);
        assert_eq!(unknown.present.backlog, Backlog::Unknown);
        assert!(unknown.present.pace_words().starts_with("unknown"));
        assert_eq!(unknown.proposed.backlog, Backlog::Stuck);
        assert!(unknown.proposed.backlog.words().starts_with("never"));
        let idle = previewed(5, 0, vec![kind(0, Some(1.0))]);
        assert_eq!(idle.present.jobs_per_min, Some(5.0));
        assert_eq!(idle.proposed.backlog, Backlog::Empty);
        let nobody = previewed(5, 6, Vec::new());
        assert_eq!((nobody.waiting, nobody.proposed.jobs_per_min), (0, None));
    }

    #[test]
    fn op_3_the_other_limit_is_named_where_it_is_the_tighter_one() {
        let held = KindFacts { other: Some(("max_jobs".into(), 20.0)), ..kind(100, Some(1.0)) };
        let found = previewed(10, 60, vec![held]);
        assert_eq!((found.present.jobs_per_min, found.present.held_by), (Some(10.0), None));
        assert_eq!(found.proposed.jobs_per_min, Some(20.0));
        assert_eq!(found.proposed.held_by.as_deref(), Some("max_jobs"));
        assert_eq!(found.proposed.backlog, Backlog::Cleared { ms: 5 * 60_000 });
    }

    #[test]
    fn op_3_kinds_that_share_a_limit_are_taken_as_they_wait() {
        let slow = KindFacts { other: Some(("few".into(), 5.0)), ..kind(10, Some(3.0)) };
        let found = previewed(60, 120, vec![kind(30, Some(1.0)), slow, kind(0, None)]);
        // 30 jobs of one call and 10 of three are 60 calls: a minute's worth.
        assert_eq!(found.present.held_by.as_deref(), Some("few"));
        assert_eq!(found.present.jobs_per_min, Some(20.0), "10 of each 40 at 5 a minute");
        assert_eq!(found.waiting, 40);
    }

    #[test]
    fn av_9_a_throttled_rate_is_previewed_as_it_is_throttled() {
        let facts = LimitFacts {
            key: "discovery_rpm".into(),
            unit: "calls/min".into(),
            present: 30,
            proposed: 60,
            throttle_percent: Some(50),
            kinds: vec![kind(30, Some(1.0))],
        };
        let found = preview(&facts);
        assert_eq!(
            (found.present.jobs_per_min, found.proposed.jobs_per_min),
            (Some(15.0), Some(30.0))
        );
    }

    #[test]
    fn op_3_a_count_that_was_capped_says_so() {
        let found = previewed(1, 2, vec![kind(COUNT_CAP, Some(1.0))]);
        assert!(found.more_wait && found.waiting_words().starts_with("more than"));
        let one = previewed(1, 2, vec![kind(1, Some(1.0))]);
        assert_eq!(one.waiting_words(), "1 job waits behind it");
    }
}
