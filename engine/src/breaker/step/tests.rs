//! One test a rule of OP-1, and properties over random histories.

use proptest::prelude::*;

use super::*;
use crate::clock::{Clock, TestClock};

const TUNING: Tuning =
    Tuning { threshold: 5, cooldown: Duration::from_secs(60), trials: 2, rates: Rates::OFF };

const FAILURE: Event = Event::Failure(Duration::from_millis(100));
const SUCCESS: Event = Event::Success(Duration::from_millis(100));

fn after(events: &[Event], now: Timestamp) -> Circuit {
    events.iter().fold(Circuit::CLOSED, |circuit, event| step(circuit, *event, TUNING, now).circuit)
}

#[test]
fn op_1_the_fifth_failure_in_a_row_opens_it() {
    let now = TestClock::new().now();
    assert_eq!(after(&[FAILURE; 4], now).state, BreakerState::Closed);
    let open = after(&[FAILURE; 5], now);
    assert_eq!(open.state, BreakerState::Open);
    assert_eq!(open.retry_at, Some(now + chrono::Duration::seconds(60)));
}

#[test]
fn op_1_a_success_in_between_starts_the_count_anew() {
    let now = TestClock::new().now();
    let mut events = vec![FAILURE; 4];
    events.push(SUCCESS);
    events.extend([FAILURE; 4]);
    assert_eq!(after(&events, now).state, BreakerState::Closed);
}

#[test]
fn op_1_open_refuses_until_the_cool_down_ends_then_admits_its_trials() {
    let clock = TestClock::new();
    let open = after(&[FAILURE; 5], clock.now());
    assert_eq!(
        step(open, Event::Call, TUNING, clock.now()).admission,
        Admission::Refused(open.retry_at)
    );
    clock.advance(Duration::from_secs(60));
    let one = step(open, Event::Call, TUNING, clock.now());
    assert_eq!(one.cause, Some(BreakerCause::CooledDown));
    let two = step(one.circuit, Event::Call, TUNING, clock.now());
    let third = step(two.circuit, Event::Call, TUNING, clock.now());
    assert_eq!((one.admission, two.admission), (Admission::Admitted, Admission::Admitted));
    assert_eq!(third.admission, Admission::Refused(None));
}

#[test]
fn op_1_half_open_closes_at_the_first_success_and_reopens_at_a_failure() {
    let clock = TestClock::new();
    let open = after(&[FAILURE; 5], clock.now());
    clock.advance(Duration::from_secs(60));
    let trial = step(open, Event::Call, TUNING, clock.now()).circuit;
    assert_eq!(step(trial, SUCCESS, TUNING, clock.now()).circuit, Circuit::CLOSED);
    let reopened = step(trial, FAILURE, TUNING, clock.now()).circuit;
    assert_eq!(reopened.state, BreakerState::Open);
    assert_eq!(reopened.retry_at, Some(clock.now() + chrono::Duration::seconds(60)));
}

#[test]
fn a_late_failure_does_not_prolong_the_cool_down() {
    let clock = TestClock::new();
    let open = after(&[FAILURE; 5], clock.now());
    clock.advance(Duration::from_secs(30));
    assert_eq!(step(open, FAILURE, TUNING, clock.now()).circuit, open);
}

#[test]
fn a_trial_whose_caller_died_is_written_off() {
    let clock = TestClock::new();
    let open = after(&[FAILURE; 5], clock.now());
    clock.advance(Duration::from_secs(60));
    let one = step(open, Event::Call, TUNING, clock.now()).circuit;
    let two = step(one, Event::Call, TUNING, clock.now()).circuit;
    clock.advance(Duration::from_secs(121));
    assert_eq!(step(two, Event::Call, TUNING, clock.now()).admission, Admission::Admitted);
}

/// Half of at least four of the last ten calls, or slow ones longer than a second.
const RATES: Rates = Rates {
    window: 10,
    min_calls: 4,
    failure_percent: 50,
    slow_percent: 50,
    slow_after: Duration::from_secs(1),
};
const RATED: Tuning = Tuning { threshold: 100, rates: RATES, ..TUNING };
const SLOW: Event = Event::Success(Duration::from_secs(2));

fn rated(events: &[Event], now: Timestamp) -> Step {
    let begin = Step { circuit: Circuit::CLOSED, admission: Admission::Admitted, cause: None };
    events.iter().fold(begin, |before, event| step(before.circuit, *event, RATED, now))
}

#[test]
fn op_1_a_failure_rate_opens_it_once_there_are_enough_calls() {
    let now = TestClock::new().now();
    assert_eq!(rated(&[FAILURE, FAILURE, SUCCESS], now).circuit.state, BreakerState::Closed);
    let open = rated(&[FAILURE, FAILURE, SUCCESS, SUCCESS], now);
    assert_eq!(open.circuit.state, BreakerState::Open, "two of four");
    assert_eq!(open.cause, Some(BreakerCause::FailureRate));
}

#[test]
fn op_1_the_window_forgets_what_is_long_past() {
    let now = TestClock::new().now();
    let mut events = vec![SUCCESS; 6];
    events.extend([FAILURE; 4]);
    events.extend([SUCCESS; 10]);
    events.extend([FAILURE; 4]);
    assert_eq!(rated(&events, now).circuit.state, BreakerState::Closed, "four of the last ten");
    events.push(FAILURE);
    assert_eq!(rated(&events, now).circuit.state, BreakerState::Open, "five of the last ten");
}

#[test]
fn op_1_slow_calls_open_it_and_a_slow_trial_opens_it_again() {
    let clock = TestClock::new();
    let open = rated(&[SUCCESS, SUCCESS, SLOW, SLOW], clock.now());
    assert_eq!(open.cause, Some(BreakerCause::SlowCalls));
    clock.advance(Duration::from_secs(60));
    let trial = step(open.circuit, Event::Call, RATED, clock.now()).circuit;
    let again = step(trial, SLOW, RATED, clock.now());
    assert_eq!(
        (again.circuit.state, again.cause),
        (BreakerState::Open, Some(BreakerCause::TrialFailed))
    );
    assert_eq!(step(trial, SUCCESS, RATED, clock.now()).circuit, Circuit::CLOSED);
}

#[test]
fn op_1_forced_open_refuses_until_its_time_and_then_tries() {
    let clock = TestClock::new();
    let until = clock.now() + chrono::Duration::hours(1);
    let force = Force { to: BreakerForce::Open, until: Some(until) };
    let held = Circuit::CLOSED.held(force, clock.now());
    clock.advance(Duration::from_secs(3599));
    let refused = step(held, Event::Call, TUNING, clock.now());
    assert_eq!(refused.admission, Admission::Refused(Some(until)));
    assert_eq!(step(held, SUCCESS, TUNING, clock.now()).circuit, held);
    clock.advance(Duration::from_secs(1));
    let trial = step(held, Event::Call, TUNING, clock.now());
    assert_eq!((trial.circuit.state, trial.circuit.trials), (BreakerState::HalfOpen, 1));
    assert_eq!(trial.cause, Some(BreakerCause::ForceEnded));
}

fn any_event() -> impl Strategy<Value = (Event, u64)> {
    let took = (0_u64..3000).prop_map(Duration::from_millis);
    let event = prop_oneof![
        Just(Event::Call),
        took.clone().prop_map(Event::Success),
        took.prop_map(Event::Failure),
    ];
    // Up to 40 s pass between two events.
    (event, 0_u64..40_000)
}

fn any_tuning() -> impl Strategy<Value = Tuning> {
    (1_i32..8, 1_i32..4, 1_u32..=64, 1_u32..=64, 0_u32..=100, 0_u32..=100).prop_map(
        |(threshold, trials, window, min_calls, failure_percent, slow_percent)| Tuning {
            threshold,
            trials,
            cooldown: Duration::from_secs(30),
            rates: Rates {
                window,
                min_calls,
                failure_percent,
                slow_percent,
                slow_after: Duration::from_secs(1),
            },
        },
    )
}

proptest! {
    #[test]
    fn its_facts_never_contradict_each_other(
        tuning in any_tuning(),
        events in prop::collection::vec(any_event(), 0..200),
    ) {
        let clock = TestClock::new();
        let mut circuit = Circuit::CLOSED;
        for (event, pause_ms) in events {
            clock.advance(Duration::from_millis(pause_ms));
            let before = cooled_down(circuit, clock.now());
            let next = step(circuit, event, tuning, clock.now());
            circuit = next.circuit;
            let closed = circuit.state == BreakerState::Closed;
            prop_assert_eq!(closed, circuit.opened_at.is_none());
            prop_assert_eq!(closed, circuit.retry_at.is_none());
            prop_assert!(circuit.trials <= tuning.trials);
            prop_assert!(circuit.window.calls <= tuning.rates.window);
            prop_assert!(circuit.window.failures() <= circuit.window.calls);
            prop_assert!(circuit.window.slow_calls() <= circuit.window.calls);
            if event == Event::Call {
                let refused = before.state == BreakerState::Open
                    || (before.state == BreakerState::HalfOpen
                        && trials_left(&before, tuning, clock.now()) == 0);
                prop_assert_eq!(refused, next.admission != Admission::Admitted);
            }
            if before.state != circuit.state {
                prop_assert!(next.cause.is_some(), "it moved without a cause");
            }
        }
    }

    #[test]
    fn without_rates_only_failures_in_a_row_open_it(
        threshold in 1_i32..8,
        failed in prop::collection::vec(any::<bool>(), 0..60),
    ) {
        let now = TestClock::new().now();
        let tuning = Tuning { threshold, ..TUNING };
        let mut circuit = Circuit::CLOSED;
        let mut in_a_row = 0;
        for failed in failed {
            let event = if failed { FAILURE } else { SUCCESS };
            circuit = step(circuit, event, tuning, now).circuit;
            in_a_row = if failed { in_a_row + 1 } else { 0 };
            prop_assert_eq!(circuit.state == BreakerState::Open, in_a_row >= threshold);
            prop_assert_eq!(circuit.window, Window::EMPTY);
            if circuit.state == BreakerState::Open {
                break;
            }
        }
    }

    #[test]
    fn a_hold_outlasts_whatever_the_calls_do(
        tuning in any_tuning(),
        open in any::<bool>(),
        events in prop::collection::vec(any_event(), 0..60),
    ) {
        let clock = TestClock::new();
        let to = if open { BreakerForce::Open } else { BreakerForce::Closed };
        let held = Circuit::CLOSED.held(Force { to, until: None }, clock.now());
        for (event, pause_ms) in events {
            clock.advance(Duration::from_millis(pause_ms));
            let next = step(held, event, tuning, clock.now());
            prop_assert_eq!(next.circuit, held);
            prop_assert_eq!(next.admission == Admission::Admitted, !open || event != Event::Call);
        }
    }
}
