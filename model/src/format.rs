//! How numbers, times and texts are shown.

use chrono::SecondsFormat;

use crate::Timestamp;

/// `text` in at most `chars` characters, with an ellipsis where it was cut.
pub fn shorten(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(chars.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// A duration in its two largest units: `420 ms`, `3.2 s`, `4 min 10 s`, `3 h 5 min`, `2 d 4 h`.
pub fn duration_ms(ms: i64) -> String {
    let ms = ms.max(0);
    let s = ms / 1000;
    match s {
        0 => format!("{ms} ms"),
        1..=59 => format!("{}.{} s", s, ms % 1000 / 100),
        60..=3599 => two(s / 60, "min", s % 60, "s"),
        3600..=86_399 => two(s / 3600, "h", s % 3600 / 60, "min"),
        _ => two(s / 86_400, "d", s % 86_400 / 3600, "h"),
    }
}

/// A size in its largest unit: `512 B`, `4.2 MiB`.
pub fn bytes(n: i64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let n = n.max(0);
    if n < 1024 {
        return format!("{n} B");
    }
    // In tenths of a unit, so that whole numbers do.
    let mut tenths = n / 1024 * 10 + n % 1024 * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit < UNITS.len() - 1 {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", count(tenths / 10), tenths % 10, UNITS[unit])
}

/// A short duration: `85 µs`, `4.2 ms`, then as [`duration_ms`].
pub fn duration_us(us: i64) -> String {
    match us.max(0) {
        us @ 0..=999 => format!("{us} µs"),
        us @ 1000..=99_999 => format!("{}.{} ms", us / 1000, us % 1000 / 100),
        us => duration_ms(us / 1000),
    }
}

fn two(large: i64, large_unit: &str, small: i64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large} {large_unit}")
    } else {
        format!("{large} {large_unit} {small} {small_unit}")
    }
}

/// How long before (or after) `now` it happened: `just now`, `4 min ago`, `in 30 s`.
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let ms = (now - at).num_milliseconds();
    match ms {
        -999..=999 => "just now".to_owned(),
        1000.. => format!("{} ago", whole(ms)),
        _ => format!("in {}", whole(-ms)),
    }
}

/// A duration in its largest unit only.
fn whole(ms: i64) -> String {
    let s = ms / 1000;
    match s {
        0..=59 => format!("{s} s"),
        60..=3599 => format!("{} min", s / 60),
        3600..=86_399 => format!("{} h", s / 3600),
        _ => format!("{} d", s / 86_400),
    }
}

/// The exact time, as ISO 8601 in UTC, to the second.
pub fn exact(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A count with thin spaces between thousands: `12 345`.
pub fn count(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('\u{2009}');
        }
        grouped.push(digit);
    }
    if n < 0 { format!("−{grouped}") } else { grouped }
}

/// `1 job`, `2 jobs`.
pub fn plural(n: i64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Duration, TimeZone, Utc};

    #[test]
    fn durations_show_their_two_largest_units() {
        for (ms, text) in [
            (-5, "0 ms"),
            (420, "420 ms"),
            (3_250, "3.2 s"),
            (250_000, "4 min 10 s"),
            (3_600_000, "1 h"),
            (11_100_000, "3 h 5 min"),
            (187_200_000, "2 d 4 h"),
        ] {
            assert_eq!(duration_ms(ms), text);
        }
    }

    #[test]
    fn sizes_and_short_durations_show_their_largest_unit() {
        for (n, text) in [
            (-1, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (5 << 20, "5.0 MiB"),
            (3 << 40, "3.0 TiB"),
        ] {
            assert_eq!(bytes(n), text);
        }
        assert_eq!(bytes(i64::MAX).rsplit(' ').next(), Some("TiB"));
        for (us, text) in
            [(85, "85 µs"), (4_250, "4.2 ms"), (420_000, "420 ms"), (3_200_000, "3.2 s")]
        {
            assert_eq!(duration_us(us), text);
        }
    }

    #[test]
    fn relative_times_look_both_ways() {
        let now = Utc.with_ymd_and_hms(2026, 1, 1, 12, 0, 0).unwrap();
        assert_eq!(relative(now, now), "just now");
        assert_eq!(relative(now - Duration::minutes(4), now), "4 min ago");
        assert_eq!(relative(now + Duration::seconds(30), now), "in 30 s");
    }

    #[test]
    fn counts_are_grouped_and_texts_cut_by_characters() {
        assert_eq!(count(1_234_567), "1\u{2009}234\u{2009}567");
        assert_eq!(count(-12), "−12");
        assert_eq!(shorten("übergrößenträger", 5), "über…");
        assert_eq!(plural(1, "job", "jobs"), "1 job");
    }
}
