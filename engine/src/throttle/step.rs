//! When a provider's rates are lowered, how far, and how they come back: pure functions.
//!
//! A throttle is a share of the operator's own settings. It is lowered by what answers say, so far
//! that the calls that are left last until the provider's next window. It comes back with time
//! alone, [`STEP_PERCENT`] points every [`STEP_EVERY`]: no answer is needed for that.

use chrono::TimeDelta;
use signalbox_model::Timestamp;

use super::allowance::Allowance;

/// Rates are never lowered below this share of their settings.
pub const FLOOR_PERCENT: i64 = 10;
/// Rates come back in steps of this many points.
pub const STEP_PERCENT: i64 = 10;
/// Rates come back one step in this time.
pub const STEP_EVERY: TimeDelta = TimeDelta::seconds(60);
/// Rates are lowered to multiples of this share, so that small changes make no noise.
const GRAIN_PERCENT: i64 = 5;
/// A window's end that was announced again is not news unless it differs by more than this.
const SAME_END: TimeDelta = TimeDelta::seconds(5);

/// How far a provider's rates are lowered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// The share of each rate setting that was allowed when it was last lowered or held.
    pub percent: i64,
    /// Since when the rates have been below their settings.
    pub since: Timestamp,
    /// When they were last lowered.
    pub lowered_at: Timestamp,
    /// They come back from then on.
    pub holds_until: Timestamp,
    /// The share of the provider's limit that was used then; absent after a 429.
    pub used_percent: Option<i64>,
}

/// What was seen in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It said how much of the provider's limit is left.
    Allowance(Allowance),
    /// It was a 429 that says nothing of the limit.
    Refusal,
}

/// What the operator has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// From this share of the provider's limit on the rates are lowered.
    pub threshold_percent: i64,
    /// All rates of the provider together, in calls a minute.
    pub set_rpm: i64,
}

impl Throttle {
    /// The rates are as they are set.
    pub fn none(now: Timestamp) -> Throttle {
        let at = now;
        Throttle { percent: 100, since: at, lowered_at: at, holds_until: at, used_percent: None }
    }

    /// The share of the settings that is allowed at `now`.
    pub fn percent_at(&self, now: Timestamp) -> i64 {
        self.percent.saturating_add(self.steps_until(now).saturating_mul(STEP_PERCENT)).min(100)
    }

    /// The same throttle with the steps written down that it has made until `now`.
    #[must_use]
    pub fn settled(self, now: Timestamp) -> Throttle {
        let steps = i32::try_from(self.steps_until(now)).unwrap_or(i32::MAX);
        let passed = STEP_EVERY.checked_mul(steps).unwrap_or_default();
        let holds_until = self.holds_until.checked_add_signed(passed).unwrap_or(now);
        Throttle { percent: self.percent_at(now), holds_until, ..self }
    }

    fn steps_until(&self, now: Timestamp) -> i64 {
        (now - self.holds_until).num_seconds().max(0) / STEP_EVERY.num_seconds()
    }
}

/// The throttle after an answer to a call that was sent at `sent_at`.
pub fn step(
    throttle: Throttle,
    seen: Seen,
    tuning: Tuning,
    sent_at: Timestamp,
    now: Timestamp,
) -> Throttle {
    let present = throttle.percent_at(now);
    let (wanted, holds_until, used_percent) = match seen {
        // It was sent at the rate of before: that was lowered already.
        Seen::Refusal if sent_at < throttle.lowered_at => return throttle,
        Seen::Refusal => (present / 2, now, None),
        Seen::Allowance(left) if left.used_percent() < tuning.threshold_percent => return throttle,
        Seen::Allowance(left) => (
            percent(lasting_rpm(left), tuning.set_rpm),
            now + TimeDelta::from_std(left.resets_in).unwrap_or_default(),
            Some(left.used_percent()),
        ),
    };
    let grained = wanted / GRAIN_PERCENT * GRAIN_PERCENT;
    let lowered = Throttle {
        percent: grained.clamp(FLOOR_PERCENT, present),
        since: if present < 100 { throttle.since } else { now },
        lowered_at: now,
        holds_until: holds_until.max(throttle.holds_until),
        used_percent,
    };
    if lowered.percent < present {
        lowered
    } else if present < 100 {
        held(throttle, present, holds_until)
    } else {
        throttle
    }
}

/// It stays where it is: what is left lasts at this rate, but more would not.
fn held(throttle: Throttle, percent: i64, until: Timestamp) -> Throttle {
    let is_news = percent != throttle.percent || until - throttle.holds_until > SAME_END;
    if is_news {
        Throttle { percent, holds_until: until.max(throttle.holds_until), ..throttle }
    } else {
        throttle
    }
}

/// The rate at which the calls that are left last until the next window. A bucket of `r` calls a
/// minute lets at most `r / 6` go at once and `r / 72` in each second after that.
fn lasting_rpm(left: Allowance) -> f64 {
    left.remaining as f64 / (1.0 / 6.0 + left.resets_in.as_secs_f64() / 72.0)
}

fn percent(rpm: f64, set_rpm: i64) -> i64 {
    (rpm * 100.0 / set_rpm.max(1) as f64).floor() as i64
}

/// What is allowed of a rate of `set_rpm` at this share: at least one call a minute.
pub fn effective_rpm(set_rpm: i64, percent: i64) -> i64 {
    (set_rpm.saturating_mul(percent) / 100).max(1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{TimeZone, Utc};
    use proptest::prelude::*;

    use super::*;

    /// From the floor, nine steps of a minute.
    const LONGEST_WAY_BACK: TimeDelta = TimeDelta::minutes(9);
    const TUNING: Tuning = Tuning { threshold_percent: 80, set_rpm: 60 };

    fn start() -> Timestamp {
        Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).single().unwrap_or_default()
    }

    fn after(seconds: i64) -> Timestamp {
        start() + TimeDelta::seconds(seconds)
    }

    fn left(remaining: u64, resets_in_s: u64) -> Seen {
        let resets_in = Duration::from_secs(resets_in_s);
        Seen::Allowance(Allowance { limit: 60, remaining, resets_in })
    }

    fn see(throttle: Throttle, seen: Seen, now: Timestamp) -> Throttle {
        step(throttle, seen, TUNING, now, now)
    }

    #[test]
    fn av_9_below_the_threshold_nothing_is_lowered() {
        let none = Throttle::none(start());
        assert_eq!(see(none, left(13, 30), start()), none, "78 % used");
        assert_eq!(see(none, left(60, 0), start()), none);
    }

    #[test]
    fn av_9_past_the_threshold_what_is_left_lasts_until_the_reset() {
        let lowered = see(Throttle::none(start()), left(9, 60), start());
        assert_eq!((lowered.percent, lowered.used_percent), (15, Some(85)), "9 of 60 in a minute");
        assert_eq!((lowered.since, lowered.holds_until), (start(), after(60)));
        let short = see(Throttle::none(start()), left(9, 6), start());
        assert_eq!(short.percent, 60, "36 a minute are 6 at once and 3 in 6 s");
    }

    #[test]
    fn av_9_nothing_is_lowered_where_what_is_left_lasts_anyway() {
        let none = Throttle::none(start());
        assert_eq!(see(none, left(12, 1), start()), none);
    }

    #[test]
    fn av_9_it_comes_back_step_by_step_after_the_window() {
        let lowered = see(Throttle::none(start()), left(9, 60), start());
        let percents: Vec<_> =
            [0, 119, 120, 180, 599, 600, 6000].map(|s| lowered.percent_at(after(s))).into();
        assert_eq!(percents, [15, 15, 25, 35, 95, 100, 100]);
    }

    #[test]
    fn av_9_while_the_share_stays_high_it_does_not_come_back() {
        let lowered = see(Throttle::none(start()), left(9, 60), start());
        let held = see(lowered, left(9, 60), after(59));
        assert_eq!(held.percent_at(after(119 + 59)), 15);
        assert_eq!(see(lowered, left(9, 60), after(3)), lowered, "the same end is no news");
    }

    #[test]
    fn av_9_a_429_without_headers_halves_the_rate_down_to_the_floor() {
        let mut throttle = Throttle::none(start());
        let mut percents = Vec::new();
        for second in 0..5 {
            throttle = see(throttle, Seen::Refusal, after(second));
            percents.push(throttle.percent);
        }
        assert_eq!(percents, [50, 25, 10, 10, 10]);
        assert_eq!(throttle.used_percent, None);
    }

    #[test]
    fn av_9_refusals_of_calls_sent_at_the_old_rate_halve_it_once() {
        let halved = step(Throttle::none(start()), Seen::Refusal, TUNING, start(), after(2));
        let again = step(halved, Seen::Refusal, TUNING, after(1), after(3));
        assert_eq!((halved.percent, again), (50, halved));
    }

    #[test]
    fn av_9_the_effective_rate_is_at_least_one_call_a_minute() {
        assert_eq!((effective_rpm(30, 60), effective_rpm(30, 100)), (18, 30));
        assert_eq!((effective_rpm(5, 10), effective_rpm(1, 10)), (1, 1));
    }

    /// Any answer, after any pause.
    fn any_answer() -> impl Strategy<Value = (Seen, i64)> {
        let allowance =
            (0..200_u64, 0..200_u64, 0..100_000_u64).prop_map(|(limit, remaining, s)| {
                Seen::Allowance(Allowance { limit, remaining, resets_in: Duration::from_secs(s) })
            });
        (prop_oneof![allowance, Just(Seen::Refusal)], 0..400_i64)
    }

    proptest! {
        #[test]
        fn av_9_never_above_the_setting_nor_below_the_floor_and_it_always_recovers(
            answers in prop::collection::vec(any_answer(), 0..40),
            set_rpm in 1..100_000_i64,
            threshold_percent in 10..=100_i64,
        ) {
            let tuning = Tuning { threshold_percent, set_rpm };
            let (mut throttle, mut now) = (Throttle::none(start()), start());
            for (seen, pause_s) in answers {
                now += TimeDelta::seconds(pause_s);
                throttle = step(throttle, seen, tuning, now, now);
                let percent = throttle.percent_at(now);
                prop_assert!((FLOOR_PERCENT..=100).contains(&percent));
                let rpm = effective_rpm(set_rpm, percent);
                prop_assert!(rpm <= set_rpm && rpm >= (set_rpm / 10).max(1));
            }
            let back = throttle.holds_until.max(now) + LONGEST_WAY_BACK;
            prop_assert_eq!(throttle.percent_at(back), 100);
        }

        #[test]
        fn av_9_writing_the_steps_down_changes_nothing(
            percent in FLOOR_PERCENT..=100, at_s in 0..2000_i64, later_s in 0..2000_i64,
        ) {
            let throttle = Throttle { percent, ..Throttle::none(start()) };
            let settled = throttle.settled(after(at_s));
            prop_assert_eq!(settled.percent, throttle.percent_at(after(at_s)));
            let later = after(at_s + later_s);
            prop_assert_eq!(settled.percent_at(later), throttle.percent_at(later));
        }
    }
}
