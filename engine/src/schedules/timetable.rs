//! When a schedule ticks: a cron expression read in a time zone. Pure; docs/schedules.md says what
//! happens where the clocks are changed.

use std::str::FromStr;

use chrono::{Duration, FixedOffset, NaiveDateTime, Offset, SubsecRound, TimeZone};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::CronParser;
use signalbox_model::Timestamp;
use signalbox_model::problem::FieldError;
use signalbox_model::schedule::{Preview, Tick, Times};

/// The longest expression, in characters.
const CRON_CHARS_BOUND: usize = 100;
/// The search for a tick ends with the last of these years: what never comes is soon known.
const YEARS: &str = "1970-2199";
/// A gap in local time is at most this long: where the date line moved, a whole day.
const GAP_MINUTES_BOUND: i64 = 25 * 60;

/// A cron expression read in a time zone.
#[derive(Debug, Clone)]
pub struct Timetable {
    cron: Cron,
    zone: Tz,
}

impl Timetable {
    /// The ticks of `cron`, five fields, on the clocks of `zone`, an IANA name.
    ///
    /// # Errors
    /// What is wrong with the field `cron` or `timeZone`, and what is allowed.
    pub fn new(cron: &str, zone: &str) -> Result<Timetable, FieldError> {
        let cron = parse(cron).map_err(|detail| FieldError::new("cron", detail))?;
        let zone = Tz::from_str(zone.trim()).map_err(|_| {
            let detail = "must be the IANA name of a time zone, such as UTC or Europe/Berlin";
            FieldError::new("timeZone", detail)
        })?;
        Ok(Timetable { cron, zone })
    }

    /// The first tick after `after`; none if the expression names a date that never comes.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        if self.cron.pattern.hours.values().len() == 24 {
            self.next_shown(after)
        } else {
            self.next_reached(after)
        }
    }

    /// The first `count` ticks after `after`.
    pub fn upcoming(&self, after: Timestamp, count: usize) -> Vec<Tick> {
        std::iter::successors(self.next(after), |at| self.next(*at))
            .take(count)
            .map(|at| Tick { at, local: at.with_timezone(&self.zone).to_rfc3339() })
            .collect()
    }

    /// Every hour of the day is named, so it is the rhythm that matters: a tick is any moment at
    /// which the clock shows a matching time. What is jumped over is left out, what comes twice
    /// ticks twice.
    fn next_shown(&self, after: Timestamp) -> Option<Timestamp> {
        let (mut from, mut inclusive) = (after, false);
        loop {
            let offset = self.offset(from);
            let local = from.naive_utc() + offset;
            let at = (self.cron.find_next_occurrence(&local, inclusive).ok()? - offset).and_utc();
            match self.first_change(from, at) {
                None => return Some(at),
                Some(change) => (from, inclusive) = (change, true),
            }
        }
    }

    /// Certain hours are named, so each time of day counts, once: a tick is the first moment at
    /// which the clock has reached a matching time, be it by jumping over it.
    fn next_reached(&self, after: Timestamp) -> Option<Timestamp> {
        let mut local = after.with_timezone(&self.zone).naive_local();
        loop {
            local = self.cron.find_next_occurrence(&local, false).ok()?;
            let at = self.first_reached(local)?;
            if at > after {
                return Some(at);
            }
        }
    }

    /// The first moment at which the clock shows `local`, or has jumped over it.
    fn first_reached(&self, local: NaiveDateTime) -> Option<Timestamp> {
        (0..GAP_MINUTES_BOUND)
            .find_map(|n| self.zone.from_local_datetime(&(local + Duration::minutes(n))).earliest())
            .map(|at| at.to_utc())
    }

    fn offset(&self, at: Timestamp) -> FixedOffset {
        self.zone.offset_from_utc_datetime(&at.naive_utc()).fix()
    }

    /// The first moment after `from`, and not after `to`, from which the clock is set otherwise.
    /// That is always a whole second.
    fn first_change(&self, from: Timestamp, to: Timestamp) -> Option<Timestamp> {
        let before = self.offset(from);
        let mut same = from.trunc_subsecs(0);
        let mut changed = loop {
            if same >= to {
                return None;
            }
            let probe = to.min(same + Duration::days(1));
            if self.offset(probe) != before {
                break probe;
            }
            same = probe;
        };
        while changed - same > Duration::seconds(1) {
            let middle = same + Duration::seconds((changed - same).num_seconds() / 2);
            if self.offset(middle) == before {
                same = middle;
            } else {
                changed = middle;
            }
        }
        Some(changed)
    }
}

/// What `times` mean, with the first `count` ticks after `after`.
///
/// # Errors
/// As [`Timetable::new`]; for a date that never comes.
pub(super) fn preview(
    times: &Times,
    after: Timestamp,
    count: usize,
) -> Result<Preview, FieldError> {
    let next_ticks = Timetable::new(&times.cron, &times.time_zone)?.upcoming(after, count);
    if next_ticks.is_empty() {
        return Err(FieldError::new("cron", "names a date that never comes"));
    }
    Ok(Preview { times: times.clone(), description: describe(&times.cron), next_ticks })
}

/// A cron expression in words; the expression itself, if it has none.
pub(super) fn describe(cron: &str) -> String {
    Cron::from_str(cron).map_or_else(|_| cron.to_owned(), |parsed| parsed.describe())
}

/// Five fields, and no more: seconds would tick too often, years too seldom.
fn parse(text: &str) -> Result<Cron, String> {
    const FIELDS: &str = "must have five fields: minute, hour, day of month, month, day of week";
    if text.chars().count() > CRON_CHARS_BOUND {
        return Err(format!("must be at most {CRON_CHARS_BOUND} characters"));
    }
    if text.split_whitespace().count() != 5 {
        return Err(FIELDS.to_owned());
    }
    let cron = CronParser::new()
        .parse(&format!("0 {text} {YEARS}"))
        .map_err(|error| format!("is not a cron expression: {error}"))?;
    let pattern = &cron.pattern;
    // A field such as "," passes as one that names nothing.
    let named = |field: &croner::CronComponent| !field.values().is_empty() || field.has_modifiers();
    let fields =
        [&pattern.minutes, &pattern.hours, &pattern.days, &pattern.months, &pattern.days_of_week];
    if fields.into_iter().all(named) { Ok(cron) } else { Err(FIELDS.to_owned()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    /// The ticks of `cron` in `zone` on and after a UTC time, in UTC, without the date.
    fn ticks(cron: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let from: Timestamp = format!("{from}:00Z").parse().unwrap();
        let timetable = Timetable::new(cron, zone).unwrap();
        let ticks = timetable.upcoming(from - Duration::milliseconds(1), count);
        ticks.iter().map(|tick| tick.at.format("%d %H:%M").to_string()).collect()
    }

    #[test]
    fn op_16_a_time_that_is_jumped_over_ticks_once_after_the_gap() {
        // In Berlin, 02:00 to 03:00 is left out on 29 March 2026, at 01:00 UTC.
        let from = "2026-03-28T12:00";
        assert_eq!(ticks("30 2 * * *", "Europe/Berlin", from, 2), ["29 01:00", "30 00:30"]);
        assert_eq!(ticks("*/20 2 * * *", "Europe/Berlin", from, 2), ["29 01:00", "30 00:00"]);
        assert_eq!(ticks("0 2,3 * * *", "Europe/Berlin", from, 2), ["29 01:00", "30 00:00"]);
        // On Lord Howe Island, only 02:00 to 02:30 is left out on 4 October 2026, at 15:30 UTC.
        let from = "2026-10-03T00:00";
        assert_eq!(ticks("15 2 * * *", "Australia/Lord_Howe", from, 2), ["03 15:30", "04 15:15"]);
        assert_eq!(ticks("45 2 * * *", "Australia/Lord_Howe", from, 1), ["03 15:45"]);
    }

    #[test]
    fn op_16_a_time_that_comes_twice_ticks_the_first_time() {
        // In Berlin, 02:00 to 03:00 comes twice on 25 October 2026, from 00:00 UTC.
        let from = "2026-10-24T12:00";
        assert_eq!(ticks("30 2 * * *", "Europe/Berlin", from, 2), ["25 00:30", "26 01:30"]);
        assert_eq!(
            ticks("0,30 1-3 * * 7", "Europe/Berlin", from, 6),
            ["24 23:00", "24 23:30", "25 00:00", "25 00:30", "25 02:00", "25 02:30"]
        );
    }

    #[test]
    fn op_16_a_rhythm_through_all_hours_goes_on_evenly_where_the_clocks_change() {
        let zone = "Europe/Berlin";
        let even = ["25 00:30", "25 01:00", "25 01:30", "25 02:00"];
        assert_eq!(ticks("*/30 * * * *", zone, "2026-10-25T00:30", 4), even);
        let even = ["29 00:30", "29 01:00", "29 01:30", "29 02:00"];
        assert_eq!(ticks("*/30 * * * *", zone, "2026-03-29T00:30", 4), even);
    }

    #[test]
    fn op_16_a_day_that_does_not_exist_is_jumped_over() {
        // Samoa crossed the date line: there was no 30 December 2011. UTC−10 became UTC+14.
        let from = "2011-12-30T00:00";
        assert_eq!(ticks("0 12 * * *", "Pacific/Apia", from, 2), ["30 10:00", "30 22:00"]);
        assert_eq!(ticks("0 12 30 12 *", "Pacific/Apia", from, 1), ["30 10:00"]);
    }

    #[test]
    fn op_16_bad_times_name_the_field_and_what_is_allowed() {
        let field = |cron: &str, zone: &str| Timetable::new(cron, zone).unwrap_err().field;
        let long = format!("{}1 * * * *", "1,".repeat(200));
        for cron in
            ["", "* * * *", "* * * * * *", "60 * * * *", ", * * * *", "@daily", "a b c d e", &long]
        {
            assert_eq!(field(cron, "UTC"), "cron", "{cron}");
        }
        for cron in ["1--100000000 * * * *", "0-99999999 * * * *", "*/0 * * * *", "\0 * * * *"] {
            assert_eq!(field(cron, "UTC"), "cron", "{cron}");
        }
        for zone in ["", "Mars/Olympus", "+02:00", "../etc/passwd"] {
            assert_eq!(field("0 0 * * *", zone), "timeZone", "{zone}");
        }
    }

    #[test]
    fn op_16_a_date_that_never_comes_has_no_tick() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for cron in ["0 0 30 2 *", "* * 31 2,4,6,9,11 *"] {
            assert_eq!(Timetable::new(cron, "Europe/Berlin").unwrap().next(now), None, "{cron}");
            let times = Times { cron: cron.into(), time_zone: "UTC".into() };
            assert_eq!(preview(&times, now, 5).unwrap_err().field, "cron");
        }
    }

    proptest! {
        #[test]
        fn op_16_no_expression_breaks_the_search(cron in "[-0-9*/,LW#?A-Z]{1,9}( [-0-9*/,LW#?]{1,5}){4}") {
            if let Ok(timetable) = Timetable::new(&cron, "Australia/Lord_Howe") {
                let now: Timestamp = "2026-04-04T14:59:59.5Z".parse().unwrap();
                if let Some(at) = timetable.next(now) {
                    prop_assert!(at > now);
                }
            }
        }
    }
}
