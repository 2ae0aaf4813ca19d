//! The breaker's state machine: one function a state, no I/O.

use std::time::Duration;

use signalbox_model::Timestamp;
use signalbox_model::breaker::BreakerState;

/// A trial that has not reported back after this long is written off: its caller died. Longer
/// than any call may take.
const TRIAL_WRITE_OFF: chrono::Duration = chrono::Duration::seconds(120);

/// What decides when it opens and closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// Failures in a row that open it.
    pub threshold: i32,
    /// How long it stays open.
    pub cooldown: Duration,
    /// Trial calls at once while half open.
    pub trials: i32,
}

/// A breaker at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circuit {
    /// Its state.
    pub state: BreakerState,
    /// Failures in a row.
    pub failures: i32,
    /// When it opened; absent while closed.
    pub opened_at: Option<Timestamp>,
    /// When the first trial may go out; absent while closed.
    pub retry_at: Option<Timestamp>,
    /// Trial calls that are out.
    pub trials: i32,
    /// When the last trial went out.
    pub trial_at: Option<Timestamp>,
}

impl Circuit {
    /// A breaker nothing has happened to.
    pub const CLOSED: Circuit = Circuit {
        state: BreakerState::Closed,
        failures: 0,
        opened_at: None,
        retry_at: None,
        trials: 0,
        trial_at: None,
    };
}

/// What happens to a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Somebody wants to call.
    Call,
    /// A call was answered.
    Success,
    /// A call failed by the provider's fault.
    Failure,
}

/// Whether a call may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Admitted,
    /// It may not; no earlier than at this time, where that is known.
    Refused(Option<Timestamp>),
}

/// The breaker after `event` at `now`, and whether a [`Event::Call`] may go out.
pub fn step(
    circuit: Circuit,
    event: Event,
    tuning: Tuning,
    now: Timestamp,
) -> (Circuit, Admission) {
    let circuit = cooled_down(circuit, now);
    match circuit.state {
        BreakerState::Closed => closed(circuit, event, tuning, now),
        BreakerState::Open => open(circuit, event),
        BreakerState::HalfOpen => half_open(circuit, event, tuning, now),
    }
}

/// `open` past its cool-down is `half_open`.
pub fn cooled_down(circuit: Circuit, now: Timestamp) -> Circuit {
    let over = circuit.retry_at.is_none_or(|at| at <= now);
    if circuit.state == BreakerState::Open && over {
        Circuit { state: BreakerState::HalfOpen, trials: 0, trial_at: None, ..circuit }
    } else {
        circuit
    }
}

/// How many calls a half-open breaker would admit now.
pub fn trials_left(circuit: &Circuit, tuning: Tuning, now: Timestamp) -> i32 {
    let written_off = circuit.trial_at.is_some_and(|at| now - at > TRIAL_WRITE_OFF);
    let out = if written_off { 0 } else { circuit.trials };
    (tuning.trials - out).max(0)
}

fn closed(circuit: Circuit, event: Event, tuning: Tuning, now: Timestamp) -> (Circuit, Admission) {
    let next = match event {
        Event::Call => circuit,
        Event::Success => Circuit { failures: 0, ..circuit },
        Event::Failure if circuit.failures + 1 >= tuning.threshold => {
            opened(Circuit { failures: circuit.failures + 1, ..circuit }, tuning, now)
        }
        Event::Failure => Circuit { failures: circuit.failures + 1, ..circuit },
    };
    (next, Admission::Admitted)
}

/// Late answers of calls that went out before it opened change nothing: only a trial does.
fn open(circuit: Circuit, event: Event) -> (Circuit, Admission) {
    match event {
        Event::Call => (circuit, Admission::Refused(circuit.retry_at)),
        Event::Success | Event::Failure => (circuit, Admission::Admitted),
    }
}

fn half_open(
    circuit: Circuit,
    event: Event,
    tuning: Tuning,
    now: Timestamp,
) -> (Circuit, Admission) {
    match event {
        Event::Call if trials_left(&circuit, tuning, now) > 0 => {
            let out = tuning.trials - trials_left(&circuit, tuning, now);
            (Circuit { trials: out + 1, trial_at: Some(now), ..circuit }, Admission::Admitted)
        }
        Event::Call => (circuit, Admission::Refused(None)),
        Event::Success => (Circuit::CLOSED, Admission::Admitted),
        Event::Failure => (
            opened(
                Circuit { failures: circuit.failures.saturating_add(1), ..circuit },
                tuning,
                now,
            ),
            Admission::Admitted,
        ),
    }
}

fn opened(circuit: Circuit, tuning: Tuning, now: Timestamp) -> Circuit {
    let cooldown = chrono::Duration::from_std(tuning.cooldown).unwrap_or(chrono::Duration::days(1));
    Circuit {
        state: BreakerState::Open,
        opened_at: Some(now),
        retry_at: Some(now + cooldown),
        trials: 0,
        trial_at: None,
        ..circuit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, TestClock};

    const TUNING: Tuning = Tuning { threshold: 5, cooldown: Duration::from_secs(60), trials: 2 };

    fn after(events: &[Event], now: Timestamp) -> Circuit {
        events.iter().fold(Circuit::CLOSED, |circuit, event| step(circuit, *event, TUNING, now).0)
    }

    #[test]
    fn op_1_the_fifth_failure_in_a_row_opens_it() {
        let now = TestClock::new().now();
        assert_eq!(after(&[Event::Failure; 4], now).state, BreakerState::Closed);
        let open = after(&[Event::Failure; 5], now);
        assert_eq!(open.state, BreakerState::Open);
        assert_eq!(open.retry_at, Some(now + chrono::Duration::seconds(60)));
    }

    #[test]
    fn op_1_a_success_in_between_starts_the_count_anew() {
        let now = TestClock::new().now();
        let mut events = vec![Event::Failure; 4];
        events.push(Event::Success);
        events.extend([Event::Failure; 4]);
        assert_eq!(after(&events, now).state, BreakerState::Closed);
    }

    #[test]
    fn op_1_open_refuses_until_the_cool_down_ends_then_admits_its_trials() {
        let clock = TestClock::new();
        let open = after(&[Event::Failure; 5], clock.now());
        assert_eq!(
            step(open, Event::Call, TUNING, clock.now()).1,
            Admission::Refused(open.retry_at)
        );
        clock.advance(Duration::from_secs(60));
        let (one, first) = step(open, Event::Call, TUNING, clock.now());
        let (two, second) = step(one, Event::Call, TUNING, clock.now());
        let (_, third) = step(two, Event::Call, TUNING, clock.now());
        assert_eq!((first, second), (Admission::Admitted, Admission::Admitted));
        assert_eq!(third, Admission::Refused(None));
    }

    #[test]
    fn op_1_half_open_closes_at_the_first_success_and_reopens_at_a_failure() {
        let clock = TestClock::new();
        let open = after(&[Event::Failure; 5], clock.now());
        clock.advance(Duration::from_secs(60));
        let (trial, _) = step(open, Event::Call, TUNING, clock.now());
        assert_eq!(step(trial, Event::Success, TUNING, clock.now()).0, Circuit::CLOSED);
        let reopened = step(trial, Event::Failure, TUNING, clock.now()).0;
        assert_eq!(reopened.state, BreakerState::Open);
        assert_eq!(reopened.retry_at, Some(clock.now() + chrono::Duration::seconds(60)));
    }

    #[test]
    fn a_late_failure_does_not_prolong_the_cool_down() {
        let clock = TestClock::new();
        let open = after(&[Event::Failure; 5], clock.now());
        clock.advance(Duration::from_secs(30));
        assert_eq!(step(open, Event::Failure, TUNING, clock.now()).0, open);
    }

    #[test]
    fn a_trial_whose_caller_died_is_written_off() {
        let clock = TestClock::new();
        let open = after(&[Event::Failure; 5], clock.now());
        clock.advance(Duration::from_secs(60));
        let (one, _) = step(open, Event::Call, TUNING, clock.now());
        let (two, _) = step(one, Event::Call, TUNING, clock.now());
        clock.advance(Duration::from_secs(121));
        assert_eq!(step(two, Event::Call, TUNING, clock.now()).1, Admission::Admitted);
    }
}
