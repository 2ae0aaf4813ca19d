//! What a breaker would have done with other settings: the calls of the last hours, replayed through
//! the same pure state machine.

use std::collections::HashSet;

use chrono::Duration;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::breaker::{BackTest, BreakerSettings, BreakerState};
use signalbox_model::problem::FieldError;
use signalbox_model::setting::check;

use crate::breaker::calls::{self, Call};
use crate::breaker::step::{Admission, Circuit, Event, Tuning, cooled_down, step};
use crate::breaker::tuning;
use crate::settings::Settings;
use crate::{CommandError, Ctx};

/// A back-test looks back this far.
pub const HOURS: i64 = 24;

/// At most this many calls are replayed.
const CALLS_BOUND: i64 = 200_000;

/// Replays the last [`HOURS`] of `provider`'s calls with `settings`. What it cannot know: calls that
/// the breaker really held back never went out, and calls it would have held back would have come
/// again later.
///
/// # Errors
/// Without [`Permission::ReadConsole`]; for a setting out of its range; when the database does not
/// answer.
pub async fn back_test(
    ctx: &Ctx,
    provider: &str,
    settings: BreakerSettings,
) -> Result<BackTest, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    check_all(provider, &settings)?;
    let now = ctx.now();
    let since = now - Duration::hours(HOURS);
    let found = calls::since(&ctx.db, provider, since, CALLS_BOUND).await?;
    let replayed = replay(&found, tuning::from(&settings), now);
    Ok(BackTest {
        hours: HOURS,
        settings,
        calls: count(found.len()),
        failed: count(found.iter().filter(|call| call.failed).count()),
        really_refused: calls::refused_since(&ctx.db, provider, since).await?,
        openings: replayed.openings,
        open_ms: replayed.open.num_milliseconds(),
        refused: replayed.refused,
        parked_jobs: count(replayed.parked.len()),
        truncated: count(found.len()) >= CALLS_BOUND,
    })
}

/// The settings that `provider`'s breaker has now.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn present(ctx: &Ctx, provider: &str) -> Result<BreakerSettings, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    Ok(tuning::chosen(&Settings::read(&ctx.db, ctx.now()).await?, provider))
}

fn check_all(provider: &str, settings: &BreakerSettings) -> Result<(), CommandError> {
    let problems: Vec<_> = [
        ("failureThreshold", "failure_threshold", settings.failure_threshold),
        ("cooldownMs", "cooldown_ms", settings.cooldown_ms),
        ("halfOpenTrials", "half_open_trials", settings.half_open_trials),
        ("windowCalls", "window_calls", settings.window_calls),
        ("minCalls", "min_calls", settings.min_calls),
        ("failurePercent", "failure_percent", settings.failure_percent),
        ("slowPercent", "slow_percent", settings.slow_percent),
        ("slowMs", "slow_ms", settings.slow_ms),
    ]
    .into_iter()
    .filter_map(|(field, name, value)| {
        let error = check(&tuning::key(provider, name), value).err()?;
        Some(FieldError::new(field, error.detail))
    })
    .collect();
    CommandError::unless_fine(problems)
}

/// What a replay found.
#[derive(Debug, Default, PartialEq, Eq)]
struct Replayed {
    openings: Vec<Timestamp>,
    open: Duration,
    refused: i64,
    parked: HashSet<i64>,
}

/// Replays `calls`, each of which begins and ends at its own time, as they really overlapped.
fn replay(calls: &[Call], tuning: Tuning, now: Timestamp) -> Replayed {
    let mut moments: Vec<(Timestamp, bool, usize)> = Vec::with_capacity(2 * calls.len());
    for (index, call) in calls.iter().enumerate() {
        let took = Duration::from_std(call.took).unwrap_or_default();
        moments.push((call.at - took, false, index));
        moments.push((call.at, true, index));
    }
    // At one moment beginnings come before ends, so that a call of no duration begins first.
    moments.sort_unstable();
    let mut found = Replayed::default();
    let mut circuit = Circuit::CLOSED;
    let mut admitted = vec![false; calls.len()];
    let mut open_since: Option<Timestamp> = None;
    for (at, ended, index) in moments {
        let call = &calls[index];
        let event = match (ended, call.failed) {
            (false, _) => Event::Call,
            (true, _) if !admitted[index] => continue,
            (true, true) => Event::Failure(call.took),
            (true, false) => Event::Success(call.took),
        };
        let before = cooled_down(circuit, at).state;
        let next = step(circuit, event, tuning, at);
        circuit = next.circuit;
        if !ended {
            admitted[index] = next.admission == Admission::Admitted;
            if !admitted[index] {
                found.refused += 1;
                found.parked.insert(call.job);
            }
        }
        if before == BreakerState::Closed && circuit.state == BreakerState::Open {
            found.openings.push(at);
            open_since = Some(at);
        }
        if circuit.state == BreakerState::Closed
            && let Some(since) = open_since.take()
        {
            found.open += at - since;
        }
    }
    if let Some(since) = open_since {
        found.open += now - since;
    }
    found
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breaker::step::Rates;
    use crate::clock::{Clock, TestClock};

    const TUNING: Tuning = Tuning {
        threshold: 3,
        cooldown: std::time::Duration::from_secs(60),
        trials: 1,
        rates: Rates::OFF,
    };

    /// A call a second, ended at once: `f` fails, `.` is answered. Each by a job of its own.
    fn calls(outcomes: &str, start: Timestamp) -> Vec<Call> {
        outcomes
            .chars()
            .zip(0_i64..)
            .map(|(outcome, second)| Call {
                at: start + Duration::seconds(second),
                took: std::time::Duration::ZERO,
                failed: outcome == 'f',
                job: second,
            })
            .collect()
    }

    #[test]
    fn an_outage_opens_it_once_and_parks_what_came_meanwhile() {
        let start = TestClock::new().now();
        let outcomes = format!("..fff{}..", "f".repeat(30));
        let found = replay(&calls(&outcomes, start), TUNING, start + Duration::minutes(5));
        assert_eq!(found.openings, [start + Duration::seconds(4)]);
        assert_eq!((found.refused, found.parked.len()), (32, 32), "the cool-down outlasts it");
    }

    #[test]
    fn a_higher_threshold_would_not_have_opened_it() {
        let start = TestClock::new().now();
        let calls = calls("..fff..fff..", start);
        let patient = Tuning { threshold: 4, ..TUNING };
        assert_eq!(replay(&calls, patient, start + Duration::minutes(1)), Replayed::default());
        let hasty = Tuning { cooldown: std::time::Duration::from_secs(2), ..TUNING };
        let found = replay(&calls, hasty, start + Duration::minutes(1));
        assert_eq!(found.openings.len(), 2);
        assert_eq!(found.refused, 2, "one second of each cool-down saw a call");
    }

    #[test]
    fn an_answer_counts_when_it_came_not_when_it_was_asked_for() {
        let start = TestClock::new().now();
        let mut calls = calls("fffff", start);
        // All went out before the first failure was known.
        for call in &mut calls {
            call.at = start + Duration::seconds(30);
            call.took = std::time::Duration::from_secs(30);
        }
        let found = replay(&calls, TUNING, start + Duration::seconds(40));
        assert_eq!((found.openings.len(), found.refused), (1, 0));
        assert_eq!(found.open, Duration::seconds(10));
    }
}
