//! The pipeline `domains` as a line on the panel.

use signalbox_model::breaker::{Breaker, BreakerState};
use signalbox_model::metrics::QueueDepth;
use signalbox_model::schedule::Schedule;
use signalbox_model::{Timestamp, format};

use super::api::OverviewFacts;
use crate::components::aspect::{Aspect, of_provider};
use crate::components::time::clock;
use crate::components::track_diagram::{Departure, Line, Siding, Signal, Stage, Terminus};

/// Name, kind, concurrency setting, provider.
type Stop = (&'static str, &'static str, &'static str, Option<&'static str>);

const STOPS: [Stop; 3] = [
    ("Discovery", "domains.discovery", "max_concurrent_discovery_jobs", Some("mcp")),
    ("Harvesting", "domains.harvesting", "max_concurrent_harvesting_jobs", Some("mcp")),
    ("Extraction", "domains.extraction", "max_concurrent_extraction_jobs", None),
];

/// The line, from what the overview has read.
pub(super) fn domains_line(facts: &OverviewFacts) -> Line {
    let overview = &facts.overview;
    let switch = &overview.kill_switch;
    let stages = STOPS.into_iter().map(|stop| stage(facts, stop)).collect();
    let schedule = facts.schedules.iter().find(|schedule| schedule.kind == STOPS[0].1);
    Line {
        id: "domains-line",
        name: "Domains",
        stopped_since: switch
            .active
            .then(|| switch.changed_at.map_or_else(|| "?".to_owned(), clock)),
        departure: schedule.map_or_else(no_departure, departure),
        stages,
        terminus: Terminus {
            name: "Domains",
            total: format::count(facts.domains.all),
            today: format!("+{} today", format::count(facts.domains.today)),
            href: "/domains",
        },
        siding: Siding {
            count: overview.dead_letter_counts.pending
                + overview.dead_letter_counts.retry_scheduled,
        },
    }
}

fn stage(facts: &OverviewFacts, (name, kind, limit, provider): Stop) -> Stage {
    let of_kind = |queue: &&QueueDepth| queue.kind == kind;
    let queues = || facts.overview.queues.iter().filter(of_kind);
    let oldest = queues().filter_map(|queue| queue.oldest_waiting_since).min();
    Stage {
        name,
        kind,
        waiting: queues().map(|queue| queue.available).sum(),
        oldest: oldest.map(|since| age(since, facts.overview.as_of)),
        running: queues().map(|queue| queue.running).sum(),
        limit: facts.settings.iter().find(|setting| setting.key == limit).map(|s| s.value),
        signal: provider.and_then(|provider| signal(&facts.overview.circuit_breakers, provider)),
    }
}

fn signal(breakers: &[Breaker], provider: &str) -> Option<Signal> {
    let breaker = breakers.iter().find(|breaker| breaker.provider == provider)?;
    let (aspect, word) = of_provider(breaker);
    Some(Signal { provider: provider.to_ascii_uppercase(), aspect, word })
}

fn departure(schedule: &Schedule) -> Departure {
    let next = if schedule.paused {
        "paused".to_owned()
    } else {
        format!("next {}", clock(schedule.next_run_at))
    };
    Departure { every: every(&schedule.cron), next }
}

fn no_departure() -> Departure {
    Departure { every: "none".to_owned(), next: "no schedule".to_owned() }
}

/// A cron expression in words, where it is a plain "every so many minutes".
fn every(cron: &str) -> String {
    let minutes = cron.strip_prefix("*/").and_then(|rest| rest.strip_suffix(" * * * *"));
    match minutes.map(str::parse::<u32>) {
        Some(Ok(minutes)) => format!("every {minutes} min"),
        _ => cron.to_owned(),
    }
}

/// How long it has been since `since`, in its largest unit.
pub(super) fn age(since: Timestamp, now: Timestamp) -> String {
    let words = format::relative(since, now);
    words.strip_suffix(" ago").map_or(words.clone(), str::to_owned)
}

/// The overview's sentence: what matters most, and the rest.
pub(super) fn sentence(facts: &OverviewFacts) -> (String, String) {
    let overview = &facts.overview;
    let running: i64 = overview.queues.iter().map(|queue| queue.running).sum();
    let waiting: i64 = overview.queues.iter().map(|queue| queue.available).sum();
    let oldest = overview.queues.iter().filter_map(|queue| queue.oldest_waiting_since).min();
    let since = oldest
        .map(|since| format!(", the oldest for {}", age(since, overview.as_of)))
        .unwrap_or_default();
    let rest = format!(
        "{} running, {} waiting{since}.",
        format::plural(running, "job", "jobs"),
        format::count(waiting)
    );
    let blocked = overview.circuit_breakers.iter().find(|b| b.state == BreakerState::Open);
    let now = if overview.kill_switch.active {
        "Nothing starts: the kill switch is on.".to_owned()
    } else if facts.at_work == 0 {
        "Nothing starts: no worker is at work.".to_owned()
    } else if let Some(breaker) = blocked {
        format!("The line is blocked at {}.", breaker.provider.to_ascii_uppercase())
    } else if overview.dead_letter_counts.undecided() > 0 {
        let dead = overview.dead_letter_counts.undecided();
        format!(
            "{} for a decision.",
            format::plural(dead, "dead letter waits", "dead letters wait")
        )
    } else {
        let all_clear = overview.circuit_breakers.iter().all(|b| of_provider(b).0 == Aspect::Clear);
        if all_clear { "All lines are clear." } else { "A provider is being tried." }.to_owned()
    };
    (now, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_intervals_are_put_into_words_and_others_are_left() {
        assert_eq!(every("*/10 * * * *"), "every 10 min");
        assert_eq!(every("0 2 * * 7"), "0 2 * * 7");
    }
}
