//! What a rule would have found with another threshold or duration: what is kept of the last hours,
//! looked at minute by minute as the watch does.

use chrono::{Duration, DurationRound as _};
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::alert::{
    BackTest, FOLD_MINUTES, Found, Point, RuleChange, Side, Threshold, TriedRule, WouldFire,
    condition, rule_named,
};

use super::kept::{self, Kept, Measured, Minutes};
use super::{rule, unknown};
use crate::{CommandError, Ctx};

/// A back-test looks back this far.
const HOURS: i64 = 24;

/// Looks at the last [`HOURS`] with `tried` in the place of what the rule has. What it costs is
/// bounded: counters by kind and minute, samples by queue and minute, and calls, which rates bound.
///
/// # Errors
/// Without [`Permission::ReadConsole`]; when there is no such rule; for a value out of bounds; when
/// the database does not answer.
pub async fn back_test(ctx: &Ctx, name: &str, tried: TriedRule) -> Result<BackTest, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let spec = rule_named(name).ok_or_else(|| unknown(name))?;
    let TriedRule { threshold, for_minutes } = tried;
    // What may be tried is what may be set.
    let change = RuleChange { threshold, for_minutes, enabled: Some(true) };
    CommandError::unless_fine(change.problems(spec))?;
    let present = rule(ctx, name).await?;
    let threshold = threshold.or(present.threshold);
    let for_minutes = for_minutes.unwrap_or(present.for_minutes);
    let minutes = minutes_until(ctx.now());
    let (found, unknown) = match kept::read(ctx, spec, minutes).await? {
        Kept::Measured(measured, unknown) => {
            let judge = Judge { of: spec.threshold.zip(threshold), for_minutes };
            (Some(judge.found(&measured, minutes)), unknown)
        }
        Kept::Nothing(why) => (None, why),
    };
    Ok(BackTest {
        hours: HOURS,
        threshold,
        for_minutes,
        condition: condition(spec, threshold, for_minutes),
        found,
        unknown: unknown.to_owned(),
    })
}

/// The whole minutes of the last [`HOURS`].
fn minutes_until(now: Timestamp) -> Minutes {
    let end = now.duration_trunc(Duration::minutes(1)).unwrap_or(now);
    Minutes { first: end - Duration::hours(HOURS), count: 60 * HOURS as usize }
}

/// When a value is too much, and for how long it must be.
struct Judge {
    of: Option<(Threshold, i64)>,
    for_minutes: i64,
}

/// Minutes in which an alert would have fired.
#[derive(Debug, PartialEq, Eq)]
struct Span {
    from: usize,
    /// The first minute after it; that past the end where it would fire still.
    to: usize,
    worst: i64,
}

impl Judge {
    fn found(&self, measured: &[Measured], minutes: Minutes) -> Found {
        let mut found = Found { points: self.points(measured, minutes), ..Found::default() };
        let mut fires = vec![false; minutes.count];
        for Measured { subject, values } in measured {
            for span in self.spans(values) {
                fires[span.from..span.to].fill(true);
                found.fired += 1;
                found.alerts.push(WouldFire {
                    subject: subject.clone(),
                    fired_at: minutes.end_of(span.from),
                    over_at: (span.to < minutes.count).then(|| minutes.end_of(span.to)),
                    worst: span.worst,
                });
            }
        }
        found.alerts.sort_by(|a, b| (b.fired_at, &a.subject).cmp(&(a.fired_at, &b.subject)));
        found.alerts.truncate(Found::SHOWN);
        found.fired_minutes = fires.iter().map(|fires| i64::from(*fires)).sum();
        found
    }

    /// The times at which an alert on `values` would have fired, folded as the watch folds them.
    fn spans(&self, values: &[Option<i64>]) -> Vec<Span> {
        let fold = FOLD_MINUTES as usize;
        let mut spans: Vec<Span> = Vec::new();
        let mut since = None;
        for (at, value) in values.iter().enumerate() {
            let Some(value) = value.filter(|value| self.is_crossed(*value)) else {
                since = None;
                continue;
            };
            let began = *since.get_or_insert(at);
            match spans.last_mut() {
                Some(last) if last.to + fold > at => {
                    last.to = at + 1;
                    last.worst = self.worse(last.worst, value);
                }
                _ if (at - began) as i64 >= self.for_minutes => {
                    spans.push(Span { from: at, to: at + 1, worst: value });
                }
                _ => {}
            }
        }
        spans
    }

    fn is_crossed(&self, value: i64) -> bool {
        match self.of {
            Some((of, threshold)) => of.is_crossed(value, threshold),
            None => value > 0,
        }
    }

    fn worse(&self, a: i64, b: i64) -> i64 {
        match self.of {
            Some((Threshold { side: Side::Below, .. }, _)) => a.min(b),
            _ => a.max(b),
        }
    }

    /// The worst of all in each step.
    fn points(&self, measured: &[Measured], minutes: Minutes) -> Vec<Point> {
        let step = Found::STEP_MINUTES as usize;
        (0..minutes.count)
            .step_by(step)
            .map(|from| {
                let to = (from + step).min(minutes.count);
                let values = measured.iter().flat_map(|one| &one.values[from..to]);
                let worst = values.filter_map(|value| *value).reduce(|a, b| self.worse(a, b));
                Point { at: minutes.start_of(from), worst }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(side: Side, threshold: i64, for_minutes: i64) -> Judge {
        let of = Threshold { side, default: 0, min: 0, max: 100, unit: "%" };
        Judge { of: Some((of, threshold)), for_minutes }
    }

    fn spans(judge: &Judge, values: &[i64]) -> Vec<(usize, usize, i64)> {
        let values: Vec<_> = values.iter().map(|value| (*value >= 0).then_some(*value)).collect();
        judge.spans(&values).into_iter().map(|span| (span.from, span.to, span.worst)).collect()
    }

    #[test]
    fn op_13_an_alert_fires_once_its_condition_has_lasted_and_ends_with_it() {
        let above = judge(Side::Above, 5, 2);
        assert_eq!(spans(&above, &[0, 9, 9, 0, 9, 9, 8, 7, 0]), [(6, 8, 8)]);
        assert_eq!(spans(&above, &[9, 9, 9, -1, 0]), [(2, 3, 9)], "nothing measured is no alert");
        assert_eq!(spans(&judge(Side::Below, 70, 0), &[70, 69, 60, 70]), [(1, 3, 60)]);
    }

    #[test]
    fn op_13_what_comes_back_within_five_minutes_is_the_same_alert() {
        let above = judge(Side::Above, 5, 0);
        assert_eq!(spans(&above, &[9, 0, 0, 0, 0, 9, 0]), [(0, 6, 9)]);
        assert_eq!(spans(&above, &[9, 0, 0, 0, 0, 0, 9]), [(0, 1, 9), (6, 7, 9)]);
    }

    #[test]
    fn op_13_minutes_count_once_however_many_fire_and_points_show_the_worst() {
        let minutes = Minutes { first: Timestamp::default(), count: 20 };
        let measured = |subject: &str, from: usize, to: usize, value: i64| Measured {
            subject: subject.to_owned(),
            values: (0..20).map(|at| (from..to).contains(&at).then_some(value)).collect(),
        };
        let found = judge(Side::Above, 5, 0)
            .found(&[measured("a", 0, 12, 9), measured("b", 10, 20, 7)], minutes);
        assert_eq!((found.fired, found.fired_minutes), (2, 20));
        assert_eq!((found.alerts[0].subject.as_str(), found.alerts[0].over_at), ("b", None));
        assert_eq!(found.alerts[1].over_at, Some(minutes.end_of(12)));
        assert_eq!(
            found.points.iter().map(|point| point.worst).collect::<Vec<_>>(),
            [Some(9), Some(9)]
        );
    }
}
