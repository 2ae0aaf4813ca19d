//! What is kept of the rules' measures: how each thing stood at the end of every minute.

use std::collections::BTreeMap;

use chrono::Duration;
use serde_json::Value;
use signalbox_model::Timestamp;
use signalbox_model::alert::{Measure, RuleSpec, Threshold};
use signalbox_model::breaker::BreakerState;
use signalbox_model::metrics::{KindMetrics, percent_up};
use signalbox_model::runbook::Incident;

use super::measure::{CALL_MINUTES, CALLS};
use crate::breaker::store;
use crate::{CommandError, Ctx, kill_switch, logs};

/// Some whole minutes in a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Minutes {
    /// The first of them.
    pub first: Timestamp,
    /// How many there are.
    pub count: usize,
}

impl Minutes {
    pub(super) fn start_of(self, at: usize) -> Timestamp {
        self.first + minutes(at)
    }

    pub(super) fn end_of(self, at: usize) -> Timestamp {
        self.first + minutes(at + 1)
    }

    /// The place of the minute in which `at` lies, counted from `earlier` minutes before the first.
    fn place(self, at: Timestamp, earlier: usize) -> Option<usize> {
        let since = at - (self.first - minutes(earlier));
        let place = usize::try_from(since.num_seconds().div_euclid(60)).ok()?;
        (place < earlier + self.count).then_some(place)
    }
}

fn minutes(count: usize) -> Duration {
    Duration::minutes(i64::try_from(count).unwrap_or(i64::MAX / 60_000))
}

/// How one thing stood at the end of each minute; none where nothing can be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Measured {
    /// What it is about.
    pub subject: String,
    /// Its value in the threshold's unit; where the rule has none, 1 for what is not in order.
    pub values: Vec<Option<i64>>,
}

/// What is kept.
pub(super) enum Kept {
    /// The values, and what they do not tell.
    Measured(Vec<Measured>, &'static str),
    /// Nothing, and why.
    Nothing(&'static str),
}

const BY_THE_MINUTE: &str = "It is measured once a minute: what lasted for less may be missing.";

/// What is kept of what `spec` looks at.
pub(super) async fn read(
    ctx: &Ctx,
    spec: &RuleSpec,
    minutes: Minutes,
) -> Result<Kept, CommandError> {
    Ok(match spec.measure {
        Measure::SuccessPercent => {
            let share = |kind: KindMetrics| kind.success_percent();
            Kept::Measured(runs(ctx, minutes, 60, share).await?, BY_THE_MINUTE)
        }
        Measure::FailurePercent => {
            let share = |kind: KindMetrics| kind.failure_percent();
            Kept::Measured(runs(ctx, minutes, 24 * 60, share).await?, BY_THE_MINUTE)
        }
        Measure::CallErrorPercent => Kept::Measured(calls(ctx, minutes).await?, BY_THE_MINUTE),
        Measure::DeadLetters => Kept::Measured(
            vec![dead_letters(ctx, minutes).await?],
            "Letters are counted once a minute, those whose errors are ignored too: the rule does \
             not count these.",
        ),
        Measure::QueueDepth => Kept::Measured(
            queues(ctx, minutes).await?,
            "Queues are sampled once a minute: what lasted for less may be missing.",
        ),
        Measure::SinceSuccess(kind) => Kept::Measured(
            since_success(ctx, minutes, kind, spec.threshold).await?,
            "A success is known to the minute. Before the first that is kept, no gap is seen.",
        ),
        Measure::KillSwitch => Kept::Measured(vec![switched(ctx, minutes).await?], BY_THE_MINUTE),
        Measure::Happening(Incident::BreakerOpen) => {
            Kept::Measured(breakers(ctx, minutes).await?, BY_THE_MINUTE)
        }
        Measure::ProviderLimitPercent => Kept::Nothing(
            "Of what providers say about their own limits only the last word is kept.",
        ),
        Measure::NoWorker => {
            Kept::Nothing("It is not kept which workers were at work at an earlier time.")
        }
        Measure::Gaps | Measure::Happening(_) => Kept::Nothing(
            "This rule follows its runbook, whose detection looks at how things are now; that is \
             not kept.",
        ),
    })
}

/// Something counted in a minute: what about, when, all, and what failed of it.
type Counted = (String, Timestamp, i64, i64);

/// Each kind's share over the last `window` minutes.
async fn runs(
    ctx: &Ctx,
    minutes: Minutes,
    window: usize,
    share: impl Fn(KindMetrics) -> Option<i64>,
) -> Result<Vec<Measured>, CommandError> {
    let counted: Vec<Counted> = sqlx::query_as(
        "SELECT kind, minute, completed + failed, failed FROM job_stats
         WHERE minute >= $1 AND minute < $2",
    )
    .bind(minutes.first - self::minutes(window))
    .bind(minutes.start_of(minutes.count))
    .fetch_all(&ctx.db)
    .await?;
    let metrics =
        |all, failed| KindMetrics { completed: all - failed, failed, ..KindMetrics::default() };
    Ok(over_windows(&counted, minutes, window, |all, failed| share(metrics(all, failed))))
}

/// How many percent of the calls to each provider failed.
async fn calls(ctx: &Ctx, minutes: Minutes) -> Result<Vec<Measured>, CommandError> {
    let window = usize::try_from(CALL_MINUTES).unwrap_or(1);
    let counted: Vec<Counted> = sqlx::query_as(
        "SELECT provider, date_trunc('minute', at, 'UTC') AS minute, count(*),
                count(*) FILTER (WHERE outcome = 'failed')
         FROM provider_calls WHERE at >= $1 AND at < $2 AND outcome IN ('ok', 'failed')
         GROUP BY provider, minute",
    )
    .bind(minutes.first - self::minutes(window))
    .bind(minutes.start_of(minutes.count))
    .fetch_all(&ctx.db)
    .await?;
    let share = |all, failed| (all >= CALLS).then(|| percent_up(failed, all));
    Ok(over_windows(&counted, minutes, window, share))
}

/// Of everything `counted`, its share over a window that moves on minute by minute.
fn over_windows(
    counted: &[Counted],
    minutes: Minutes,
    window: usize,
    share: impl Fn(i64, i64) -> Option<i64>,
) -> Vec<Measured> {
    let mut by_subject: BTreeMap<&str, Vec<(i64, i64)>> = BTreeMap::new();
    for (subject, at, all, failed) in counted {
        let per_minute =
            by_subject.entry(subject).or_insert_with(|| vec![(0, 0); window + minutes.count]);
        if let Some(place) = minutes.place(*at, window) {
            per_minute[place] = (*all, *failed);
        }
    }
    let measured = |(subject, per_minute): (&str, Vec<(i64, i64)>)| {
        let (mut all, mut failed) = (0, 0);
        let mut values = Vec::with_capacity(minutes.count);
        for (at, (more, more_failed)) in per_minute.iter().enumerate() {
            (all, failed) = (all + more, failed + more_failed);
            if at >= window {
                let (gone, gone_failed) = per_minute[at - window];
                (all, failed) = (all - gone, failed - gone_failed);
                values.push(share(all, failed));
            }
        }
        Measured { subject: subject.to_owned(), values }
    };
    by_subject.into_iter().map(measured).collect()
}

async fn dead_letters(ctx: &Ctx, minutes: Minutes) -> Result<Measured, CommandError> {
    let mut values = vec![None; minutes.count];
    for (minute, dead) in sampled(ctx, minutes).await? {
        if let Some(place) = minutes.place(minute, 0) {
            values[place] = Some(dead);
        }
    }
    Ok(Measured { subject: "dead letters".to_owned(), values })
}

/// The minutes that were sampled, with how many dead letters were pending.
async fn sampled(ctx: &Ctx, minutes: Minutes) -> Result<Vec<(Timestamp, i64)>, sqlx::Error> {
    sqlx::query_as("SELECT minute, dead FROM depth_samples WHERE minute >= $1 AND minute < $2")
        .bind(minutes.first)
        .bind(minutes.start_of(minutes.count))
        .fetch_all(&ctx.db)
        .await
}

async fn queues(ctx: &Ctx, minutes: Minutes) -> Result<Vec<Measured>, CommandError> {
    let mut nothing = vec![None; minutes.count];
    for (minute, _) in sampled(ctx, minutes).await? {
        if let Some(place) = minutes.place(minute, 0) {
            nothing[place] = Some(0);
        }
    }
    let waiting: Vec<(String, Timestamp, i64)> = sqlx::query_as(
        "SELECT queue, minute, waiting FROM queue_depth_samples
         WHERE minute >= $1 AND minute < $2",
    )
    .bind(minutes.first)
    .bind(minutes.start_of(minutes.count))
    .fetch_all(&ctx.db)
    .await?;
    let mut by_queue: BTreeMap<String, Vec<Option<i64>>> = BTreeMap::new();
    for (queue, minute, waiting) in waiting {
        let values = by_queue.entry(queue).or_insert_with(|| nothing.clone());
        if let Some(place) = minutes.place(minute, 0) {
            values[place] = Some(waiting);
        }
    }
    Ok(by_queue.into_iter().map(|(subject, values)| Measured { subject, values }).collect())
}

/// For how many minutes `kind` had not ended well, looking back as far as its threshold may go.
async fn since_success(
    ctx: &Ctx,
    minutes: Minutes,
    kind: &str,
    threshold: Option<Threshold>,
) -> Result<Vec<Measured>, CommandError> {
    let back = Duration::minutes(threshold.map_or(0, |threshold| threshold.max));
    let successes: Vec<Timestamp> = sqlx::query_scalar(
        "(SELECT minute FROM job_stats
          WHERE kind = $1 AND completed > 0 AND minute >= $2 AND minute < $3
          ORDER BY minute DESC LIMIT 1)
         UNION ALL
         (SELECT minute FROM job_stats
          WHERE kind = $1 AND completed > 0 AND minute >= $3 AND minute < $4)
         ORDER BY minute",
    )
    .bind(kind)
    .bind(minutes.first - back)
    .bind(minutes.first)
    .bind(minutes.start_of(minutes.count))
    .fetch_all(&ctx.db)
    .await?;
    let mut successes = successes.into_iter().peekable();
    let mut last: Option<Timestamp> = None;
    let values = (0..minutes.count).map(|at| {
        while let Some(success) = successes.next_if(|success| *success <= minutes.start_of(at)) {
            last = Some(success);
        }
        last.map(|last| (minutes.start_of(at) - last).num_minutes())
    });
    Ok(vec![Measured { subject: kind.to_owned(), values: values.collect() }])
}

/// A change of something that is either in order or not.
struct Change {
    at: Timestamp,
    before: bool,
    after: bool,
}

/// 1 for every minute at whose end it was not in order; `changes` by time, `now` where there is none.
fn standing(minutes: Minutes, changes: &[Change], now: bool) -> Vec<Option<i64>> {
    let mut changes = changes.iter().peekable();
    let mut bad = changes.peek().map_or(now, |first| first.before);
    (0..minutes.count)
        .map(|at| {
            while let Some(change) = changes.next_if(|change| change.at <= minutes.end_of(at)) {
                bad = change.after;
            }
            Some(i64::from(bad))
        })
        .collect()
}

/// As many turns of the kill switch are read: people turn it.
const TURNS: i64 = 10_000;

async fn switched(ctx: &Ctx, minutes: Minutes) -> Result<Measured, CommandError> {
    let mut turns = logs::of_events(&ctx.db, &["kill_switch"], minutes.first, TURNS).await?;
    turns.reverse();
    let changes: Vec<_> = turns
        .iter()
        .filter_map(|turn| {
            let on = turn.metadata.get("active").and_then(Value::as_bool)?;
            Some(Change { at: turn.created_at, before: !on, after: on })
        })
        .collect();
    let now = kill_switch::read(ctx).await?.active;
    let values = standing(minutes, &changes, now);
    Ok(Measured { subject: "kill switch".to_owned(), values })
}

async fn breakers(ctx: &Ctx, minutes: Minutes) -> Result<Vec<Measured>, CommandError> {
    let moves: Vec<(String, Timestamp, String, String)> = sqlx::query_as(
        "SELECT provider, at, from_state, to_state FROM breaker_transitions
         WHERE at >= $1 ORDER BY at, id",
    )
    .bind(minutes.first)
    .fetch_all(&ctx.db)
    .await?;
    let is_bad = |state: &str| state != BreakerState::Closed.name();
    let mut measured = Vec::new();
    for breaker in store::list(ctx).await? {
        let of_this = moves.iter().filter(|(provider, ..)| *provider == breaker.provider);
        let changes: Vec<_> = of_this
            .map(|(_, at, from, to)| Change { at: *at, before: is_bad(from), after: is_bad(to) })
            .collect();
        let now = breaker.state != BreakerState::Closed;
        measured
            .push(Measured { values: standing(minutes, &changes, now), subject: breaker.provider });
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES: Minutes = Minutes { first: Timestamp::UNIX_EPOCH, count: 4 };

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::minutes(minute)
    }

    #[test]
    fn a_window_moves_on_minute_by_minute_and_reaches_back_before_the_first() {
        let counted = [
            ("a".to_owned(), at(-1), 4, 4),
            ("a".to_owned(), at(1), 6, 0),
            ("a".to_owned(), at(9), 1, 1),
        ];
        let share = |all, failed| (all > 0).then(|| percent_up(failed, all));
        let measured = over_windows(&counted, MINUTES, 2, share);
        assert_eq!(measured[0].values, [Some(100), Some(0), Some(0), None]);
    }

    #[test]
    fn what_stands_before_the_first_change_is_what_it_changed_from() {
        let change = |minute, after: bool| Change { at: at(minute), before: !after, after };
        assert_eq!(standing(MINUTES, &[], true), [Some(1); 4]);
        let values = standing(MINUTES, &[change(2, false), change(4, true)], true);
        assert_eq!(values, [Some(1), Some(0), Some(0), Some(1)]);
    }
}
