//! The breaker's state machine: one function a state, no I/O.

use std::time::Duration;

use signalbox_model::Timestamp;
use signalbox_model::breaker::{BreakerCause, BreakerForce, BreakerState};

use super::window::Window;

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
    /// Rates over the last calls that open it, too.
    pub rates: Rates,
}

/// Rates over the last calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// How many calls the window holds.
    pub window: u32,
    /// No rate counts before this many calls.
    pub min_calls: u32,
    /// Failed calls that open it, in percent; 0: none do.
    pub failure_percent: u32,
    /// Slow calls that open it, in percent; 0: none do.
    pub slow_percent: u32,
    /// A call that takes longer is slow.
    pub slow_after: Duration,
}

impl Rates {
    /// Failures in a row alone decide (OP-1).
    pub const OFF: Rates = Rates {
        window: 1,
        min_calls: 1,
        failure_percent: 0,
        slow_percent: 0,
        slow_after: Duration::MAX,
    };

    /// Whether any rate can open it. If none can, no window is kept.
    pub const fn are_on(&self) -> bool {
        self.failure_percent > 0 || self.slow_percent > 0
    }

    /// Whether a call that took `took` counts as slow.
    fn slow(&self, took: Duration) -> bool {
        self.slow_percent > 0 && took > self.slow_after
    }
}

/// That a person holds the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Force {
    /// Where.
    pub to: BreakerForce,
    /// Until when; absent: until a reset.
    pub until: Option<Timestamp>,
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
    /// The last calls, while closed.
    pub window: Window,
    /// A person's hold on it.
    pub forced: Option<Force>,
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
        window: Window::EMPTY,
        forced: None,
    };

    /// The breaker held by a person.
    #[must_use]
    pub fn held(self, force: Force, now: Timestamp) -> Circuit {
        match force.to {
            BreakerForce::Closed => Circuit { forced: Some(force), ..Circuit::CLOSED },
            BreakerForce::Open => Circuit {
                state: BreakerState::Open,
                opened_at: Some(now),
                retry_at: force.until,
                failures: self.failures,
                forced: Some(force),
                ..Circuit::CLOSED
            },
        }
    }
}

/// What happens to a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Somebody wants to call.
    Call,
    /// A call was answered after this long.
    Success(Duration),
    /// A call failed by the provider's fault after this long.
    Failure(Duration),
}

/// Whether a call may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Admitted,
    /// It may not; no earlier than at this time, where that is known.
    Refused(Option<Timestamp>),
}

/// What an event did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The breaker after it.
    pub circuit: Circuit,
    /// Whether an [`Event::Call`] may go out.
    pub admission: Admission,
    /// Why the breaker moved, if it did.
    pub cause: Option<BreakerCause>,
}

/// The breaker after `event` at `now`.
pub fn step(before: Circuit, event: Event, tuning: Tuning, now: Timestamp) -> Step {
    let circuit = cooled_down(before, now);
    let by_time = if before.forced != circuit.forced {
        Some(BreakerCause::ForceEnded)
    } else if before.state != circuit.state {
        Some(BreakerCause::CooledDown)
    } else {
        None
    };
    let next = match (circuit.forced, circuit.state) {
        (Some(force), _) => held(circuit, force, event),
        (None, BreakerState::Closed) => closed(circuit, event, tuning, now),
        (None, BreakerState::Open) => open(circuit, event),
        (None, BreakerState::HalfOpen) => half_open(circuit, event, tuning, now),
    };
    Step { cause: next.cause.or(by_time), ..next }
}

/// What time alone does: `open` past its cool-down is `half_open`, and a person's hold ends, from
/// open to trials, from closed to a fresh start.
pub fn cooled_down(circuit: Circuit, now: Timestamp) -> Circuit {
    if let Some(force) = circuit.forced {
        if force.until.is_none_or(|until| until > now) {
            return circuit;
        }
        if force.to == BreakerForce::Closed {
            return Circuit::CLOSED;
        }
    }
    let circuit = Circuit { forced: None, ..circuit };
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

/// Nothing that calls do moves a breaker that a person holds.
fn held(circuit: Circuit, force: Force, event: Event) -> Step {
    match (force.to, event) {
        (BreakerForce::Open, Event::Call) => stay(circuit, Admission::Refused(force.until)),
        _ => stay(circuit, Admission::Admitted),
    }
}

fn closed(circuit: Circuit, event: Event, tuning: Tuning, now: Timestamp) -> Step {
    let (failed, took) = match event {
        Event::Call => return stay(circuit, Admission::Admitted),
        Event::Success(took) => (false, took),
        Event::Failure(took) => (true, took),
    };
    let Tuning { rates, .. } = tuning;
    let window = if rates.are_on() {
        circuit.window.push(failed, rates.slow(took), rates.window)
    } else {
        Window::EMPTY
    };
    let failures = if failed { circuit.failures.saturating_add(1) } else { 0 };
    let next = Circuit { failures, window, ..circuit };
    let counts = window.calls >= rates.min_calls.min(rates.window);
    let cause = if failed && failures >= tuning.threshold {
        BreakerCause::FailuresInARow
    } else if counts && window.share(window.failures(), rates.failure_percent) {
        BreakerCause::FailureRate
    } else if counts && window.share(window.slow_calls(), rates.slow_percent) {
        BreakerCause::SlowCalls
    } else {
        return stay(next, Admission::Admitted);
    };
    moved(opened(next, tuning, now), cause)
}

/// Late answers of calls that went out before it opened change nothing: only a trial does.
fn open(circuit: Circuit, event: Event) -> Step {
    match event {
        Event::Call => stay(circuit, Admission::Refused(circuit.retry_at)),
        Event::Success(_) | Event::Failure(_) => stay(circuit, Admission::Admitted),
    }
}

fn half_open(circuit: Circuit, event: Event, tuning: Tuning, now: Timestamp) -> Step {
    match event {
        Event::Call if trials_left(&circuit, tuning, now) > 0 => {
            let out = tuning.trials - trials_left(&circuit, tuning, now);
            let next = Circuit { trials: out + 1, trial_at: Some(now), ..circuit };
            stay(next, Admission::Admitted)
        }
        Event::Call => stay(circuit, Admission::Refused(None)),
        Event::Success(took) if !tuning.rates.slow(took) => {
            moved(Circuit::CLOSED, BreakerCause::TrialSucceeded)
        }
        Event::Success(_) => moved(opened(circuit, tuning, now), BreakerCause::TrialFailed),
        Event::Failure(_) => {
            let failures = circuit.failures.saturating_add(1);
            let next = opened(Circuit { failures, ..circuit }, tuning, now);
            moved(next, BreakerCause::TrialFailed)
        }
    }
}

fn stay(circuit: Circuit, admission: Admission) -> Step {
    Step { circuit, admission, cause: None }
}

fn moved(circuit: Circuit, cause: BreakerCause) -> Step {
    Step { circuit, admission: Admission::Admitted, cause: Some(cause) }
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
mod tests;
