//! *Why is this job not running?* One pure function over the facts, in the order in which the
//! claim itself asks (DESIGN, rule 2), so that the answer and the engine cannot disagree.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::breaker::BreakerState;
use crate::hold::Hold;
use crate::job::JobState;
use crate::provider::Disabled;

/// What the answer depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Where the job stands.
    pub state: JobState,
    /// When it is due.
    pub run_at: Timestamp,
    /// Why it is scheduled: `delayed`, `backoff`, `snoozed`, `provider`, `held`.
    pub wait_reason: Option<String>,
    /// Who holds this very job.
    pub hold: Option<Hold>,
    /// Whether a live worker knows its kind.
    pub kind_known: bool,
    /// Whether any worker is alive.
    pub workers_alive: bool,
    /// Why none of them takes jobs, if operators have stopped them all.
    pub workers_stopped: Option<String>,
    /// The kill switch's reason, while it is on.
    pub kill_switch: Option<String>,
    /// What an operator has set for the queue that holds this job.
    pub queue: Option<QueueHold>,
    /// An operator wants it run next, whatever its queue.
    pub expedited: bool,
    /// The job's provider, and who has switched it off, if it is.
    pub disabled: Option<(String, Disabled)>,
    /// The job's provider, its breaker's state, and when it tries again.
    pub breaker: Option<(String, BreakerState, Option<Timestamp>)>,
    /// Who holds that breaker open, and why, if a person does.
    pub breaker_forced: Option<(String, String)>,
    /// The job's rate setting, and when the next call is allowed, if not now.
    pub rate: Option<(String, Timestamp)>,
    /// To how many calls a minute that rate is throttled, of how many that are set, while its
    /// provider is near its own limit.
    pub throttled: Option<(i64, i64)>,
    /// The job's concurrency setting, how many run, and how many may.
    pub concurrency: Option<(String, i64, i64)>,
    /// The bound of its queue: how many run, and how many may.
    pub queue_concurrency: Option<(String, i64, i64)>,
    /// How many due jobs of the same lane are before it, counted to a cap.
    pub ahead: i64,
    /// How many jobs of its kind ended in the last [`PACE_WINDOW_S`] seconds.
    pub recently_ended: i64,
}

/// The window over which the pace of a kind is measured, in seconds.
pub const PACE_WINDOW_S: i64 = 300;

/// Why a queue holds a job back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueHold {
    /// It is paused, perhaps until a time.
    Paused {
        /// The queue.
        queue: String,
        /// Why.
        reason: String,
        /// When the pause ends by itself.
        until: Option<Timestamp>,
    },
    /// It is being drained, and the job is newer than the drain.
    Draining {
        /// The queue.
        queue: String,
        /// Why.
        reason: String,
    },
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// What holds it: `held`, `kill_switch`, `workers_stopped`, `queue_paused`, `queue_draining`, `provider_disabled`,
    /// `breaker_forced_open`,
    /// `breaker_open`, `breaker_half_open`, `rate_limit`, `concurrency`, `queue_concurrency`,
    /// `not_due`, `no_worker`, `unknown_kind`, `turn`, or `running` and the final
    /// states, when nothing does.
    pub cause: String,
    /// In words.
    pub sentence: String,
    /// When it will run at the earliest, where that is known.
    pub eta: Option<Timestamp>,
    /// Where the lever is.
    pub link: Option<String>,
}

impl Verdict {
    fn new(cause: &str, sentence: String) -> Verdict {
        Verdict { cause: cause.to_owned(), sentence, eta: None, link: None }
    }

    fn eta(mut self, eta: Option<Timestamp>) -> Verdict {
        self.eta = eta;
        self
    }

    fn link(mut self, link: &str) -> Verdict {
        self.link = Some(link.to_owned());
        self
    }
}

/// Why the job with these facts is not running at `now`.
pub fn why(facts: &Facts, now: Timestamp) -> Verdict {
    match facts.state {
        JobState::Running if let Some(hold) = &facts.hold => {
            return Verdict::new("running", format!("It is asked to stop: {}", hold.words()));
        }
        JobState::Running => return Verdict::new("running", "It is running.".into()),
        JobState::Completed => return Verdict::new("completed", "It has completed.".into()),
        JobState::Cancelled => return Verdict::new("cancelled", "It was cancelled.".into()),
        JobState::Dead => {
            return Verdict::new(
                "dead",
                "It failed for good and waits in the dead letter queue for a person.".into(),
            )
            .link("/admin/dead-letter-queue");
        }
        JobState::Scheduled | JobState::Available => {}
    }
    // A held job is none that the claim meets, whatever the gates say.
    if let Some(hold) = &facts.hold {
        return Verdict::new("held", format!("It is {}", hold.words()));
    }
    if let Some(reason) = &facts.kill_switch {
        return Verdict::new("kill_switch", format!("The kill switch is on: {reason}"))
            .link("/admin/kill-switch");
    }
    if let Some(reason) = &facts.workers_stopped {
        return Verdict::new("workers_stopped", format!("All workers are stopped: {reason}"))
            .link("/admin/workers");
    }
    if let Some(hold) = facts.queue.as_ref().filter(|_| !facts.expedited) {
        return held_by_queue(hold);
    }
    if let Some((provider, Disabled { by, reason, .. })) = &facts.disabled {
        return Verdict::new(
            "provider_disabled",
            format!("Provider {provider} is switched off by {by}: {reason}"),
        )
        .link("/admin/providers");
    }
    if let Some((provider, state, retry_at)) = &facts.breaker {
        match state {
            BreakerState::Open if let Some((by, reason)) = &facts.breaker_forced => {
                return Verdict::new(
                    "breaker_forced_open",
                    format!("The breaker of provider {provider} is forced open by {by}: {reason}"),
                )
                .eta(*retry_at)
                .link("/admin/breakers");
            }
            BreakerState::Open => {
                return Verdict::new(
                    "breaker_open",
                    format!("The breaker of provider {provider} is open; the job is parked and its attempts are untouched."),
                )
                .eta(*retry_at)
                .link("/admin/breakers");
            }
            BreakerState::HalfOpen => {
                return Verdict::new(
                    "breaker_half_open",
                    format!("Provider {provider} is being tried with a few jobs; the rest follow at the first success."),
                )
                .link("/admin/breakers");
            }
            BreakerState::Closed => {}
        }
    }
    if let Some((setting, at)) = &facts.rate
        && *at > now
    {
        let throttled = facts.throttled.map(|(rpm, of)| {
            format!(
                " It is throttled to {rpm} of {of} a minute: the provider is near its own limit."
            )
        });
        return Verdict::new(
            "rate_limit",
            format!(
                "The rate limit {setting} is used up for the moment.{}",
                throttled.unwrap_or_default()
            ),
        )
        .eta(Some(*at))
        .link("/admin/config");
    }
    if let Some((setting, running, limit)) = &facts.concurrency
        && running >= limit
    {
        return Verdict::new(
            "concurrency",
            format!("{running} of {limit} jobs allowed by {setting} are running."),
        )
        .link("/admin/config");
    }
    if let Some((queue, running, limit)) = &facts.queue_concurrency
        && running >= limit
    {
        return Verdict::new(
            "queue_concurrency",
            format!("{running} of {limit} jobs allowed in queue {queue} are running."),
        )
        .link("/admin/queues");
    }
    if facts.state == JobState::Scheduled || facts.run_at > now {
        return Verdict::new("not_due", not_due(facts.wait_reason.as_deref()).into())
            .eta(Some(facts.run_at));
    }
    if !facts.workers_alive {
        return Verdict::new(
            "no_worker",
            "No worker is alive. Start one: signalbox worker.".into(),
        );
    }
    if !facts.kind_known {
        return Verdict::new("unknown_kind", "No live worker knows this kind of job.".into());
    }
    Verdict::new(
        "turn",
        match facts.ahead {
            0 => "It is next.".to_owned(),
            n => format!("{} before it.", crate::format::plural(n, "job is", "jobs are")),
        },
    )
    .eta(turn_comes_at(facts, now))
}

fn held_by_queue(hold: &QueueHold) -> Verdict {
    match hold {
        QueueHold::Paused { queue, reason, until } => {
            Verdict::new("queue_paused", format!("Queue {queue} is paused: {reason}")).eta(*until)
        }
        QueueHold::Draining { queue, reason } => Verdict::new(
            "queue_draining",
            format!("Queue {queue} is being drained, and this job came later: {reason}"),
        ),
    }
    .link("/admin/queues")
}

/// When those before it will have ended, at the pace of the last minutes.
fn turn_comes_at(facts: &Facts, now: Timestamp) -> Option<Timestamp> {
    let wait_s = facts.ahead.checked_mul(PACE_WINDOW_S)?.checked_div(facts.recently_ended)?;
    now.checked_add_signed(chrono::Duration::try_seconds(wait_s)?)
}

fn not_due(reason: Option<&str>) -> &'static str {
    match reason {
        Some("backoff") => "Its last attempt failed; it is waiting for the next one.",
        Some("snoozed") => "It asked to be run later.",
        Some("provider") => {
            "Its provider failed; it is tried again shortly, its attempts untouched."
        }
        _ => "It was enqueued for later.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Duration, TimeZone, Utc};

    fn now() -> Timestamp {
        Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
    }

    fn held_by_everything() -> Facts {
        Facts {
            state: JobState::Available,
            run_at: now(),
            wait_reason: None,
            hold: Some(Hold {
                by: "admin@example.org".into(),
                since: now(),
                reason: "the bill is too high".into(),
            }),
            kind_known: false,
            workers_alive: false,
            workers_stopped: Some("new machines".into()),
            kill_switch: Some("fire".into()),
            queue: Some(QueueHold::Paused {
                queue: "domains".into(),
                reason: "costs too much".into(),
                until: None,
            }),
            expedited: false,
            disabled: Some((
                "mcp".into(),
                Disabled {
                    by: "admin@example.org".into(),
                    reason: "its key has leaked".into(),
                    at: now(),
                },
            )),
            breaker: Some(("mcp".into(), BreakerState::Open, Some(now()))),
            breaker_forced: Some(("admin@example.org".into(), "they bill twice".into())),
            rate: Some(("discovery_rpm".into(), now() + Duration::seconds(2))),
            throttled: None,
            concurrency: Some(("max_concurrent_discovery_jobs".into(), 5, 5)),
            queue_concurrency: Some(("domains".into(), 2, 2)),
            ahead: 0,
            recently_ended: 0,
        }
    }

    #[test]
    fn the_causes_are_named_in_claim_order() {
        let mut facts = held_by_everything();
        let mut causes = Vec::new();
        let mut ask = |facts: &Facts| causes.push(why(facts, now()).cause);
        ask(&facts);
        facts.hold = None;
        ask(&facts);
        facts.kill_switch = None;
        ask(&facts);
        facts.workers_stopped = None;
        ask(&facts);
        facts.queue = None;
        ask(&facts);
        facts.disabled = None;
        ask(&facts);
        facts.breaker_forced = None;
        ask(&facts);
        facts.breaker = None;
        ask(&facts);
        facts.rate = None;
        ask(&facts);
        facts.concurrency = None;
        ask(&facts);
        facts.queue_concurrency = None;
        facts.run_at = now() + Duration::hours(1);
        ask(&facts);
        facts.run_at = now();
        ask(&facts);
        facts.workers_alive = true;
        ask(&facts);
        facts.kind_known = true;
        ask(&facts);
        assert_eq!(
            causes,
            [
                "held",
                "kill_switch",
                "workers_stopped",
                "queue_paused",
                "provider_disabled",
                "breaker_forced_open",
                "breaker_open",
                "rate_limit",
                "concurrency",
                "queue_concurrency",
                "not_due",
                "no_worker",
                "unknown_kind",
                "turn"
            ]
        );
    }

    #[test]
    fn av_6_a_job_that_was_put_first_is_not_held_by_its_paused_queue() {
        let mut facts = held_by_everything();
        (facts.hold, facts.kill_switch, facts.workers_stopped) = (None, None, None);
        facts.expedited = true;
        assert_eq!(why(&facts, now()).cause, "provider_disabled");
    }

    #[test]
    fn a_turn_comes_at_the_pace_of_the_last_minutes() {
        let mut facts = held_by_everything();
        facts = Facts {
            hold: None,
            kill_switch: None,
            workers_stopped: None,
            queue: None,
            disabled: None,
            breaker: None,
            rate: None,
            concurrency: None,
            queue_concurrency: None,
            workers_alive: true,
            kind_known: true,
            ahead: 20,
            ..facts
        };
        assert_eq!(why(&facts, now()).eta, None, "nothing has ended lately");
        facts.recently_ended = 600;
        assert_eq!(why(&facts, now()).eta, Some(now() + Duration::seconds(10)));
    }

    #[test]
    fn op_11_a_hold_says_who_since_when_and_why() {
        let mut facts = held_by_everything();
        let words = "held by admin@example.org since 2026-01-01T00:00:00Z: the bill is too high";
        assert_eq!(why(&facts, now()).sentence, format!("It is {words}"));
        facts.state = JobState::Running;
        assert_eq!(why(&facts, now()).sentence, format!("It is asked to stop: {words}"));
    }

    #[test]
    fn av_9_a_rate_that_is_throttled_says_so() {
        let mut facts = held_by_everything();
        facts = Facts {
            hold: None,
            kill_switch: None,
            workers_stopped: None,
            queue: None,
            disabled: None,
            breaker: None,
            ..facts
        };
        assert!(!why(&facts, now()).sentence.contains("throttled"));
        facts.throttled = Some((18, 30));
        assert!(why(&facts, now()).sentence.contains("throttled to 18 of 30 a minute"));
    }

    #[test]
    fn a_finished_job_is_held_by_nothing() {
        let mut facts = held_by_everything();
        facts.state = JobState::Completed;
        assert_eq!(why(&facts, now()).cause, "completed");
    }
}
