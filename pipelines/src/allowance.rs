//! What the headers of an answer say of the provider's own limit: `RateLimit-Limit`, `-Remaining`
//! and `-Reset` (the IETF draft up to its sixth edition), or the same with `X-` before them.

use std::time::Duration;

use http::HeaderMap;
use signalbox_engine::provider::Allowance;
use signalbox_model::Timestamp;

/// The window of a limit that does not say when it begins anew.
const USUAL_WINDOW: Duration = Duration::from_secs(60);
/// A window that is announced to be longer is taken as this.
const LONGEST_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
/// A reset from this number on is a point in time, in seconds since 1970; smaller ones are seconds
/// from now.
const FIRST_POINT_IN_TIME: u64 = 1_000_000_000;

/// What `headers`, received at `now`, say; nothing unless they name a limit and what is left of it.
pub(crate) fn allowance(headers: &HeaderMap, now: Timestamp) -> Option<Allowance> {
    ["ratelimit", "x-ratelimit"].iter().find_map(|family| {
        let number = |part: &str| leading_number(headers, &format!("{family}-{part}"));
        let resets_in = number("reset").map_or(USUAL_WINDOW, |reset| from_now(reset, now));
        Some(Allowance { limit: number("limit")?, remaining: number("remaining")?, resets_in })
    })
}

/// The number that a header begins with: `100` in `100, 100;w=60`.
fn leading_number(headers: &HeaderMap, name: &str) -> Option<u64> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

fn from_now(reset: u64, now: Timestamp) -> Duration {
    let wait_s = if reset < FIRST_POINT_IN_TIME {
        reset
    } else {
        reset.saturating_sub(u64::try_from(now.timestamp()).unwrap_or(0))
    };
    Duration::from_secs(wait_s).min(LONGEST_WINDOW)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn said(headers: &[(&'static str, &'static str)]) -> Option<(u64, u64, u64)> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let now = Timestamp::from_timestamp(1_700_000_000, 0).unwrap();
        allowance(&headers, now).map(|a| (a.limit, a.remaining, a.resets_in.as_secs()))
    }

    #[test]
    fn av_9_both_families_of_headers_are_read() {
        let ietf = [
            ("ratelimit-limit", "100, 100;w=60"),
            ("ratelimit-remaining", "15"),
            ("ratelimit-reset", "42"),
            ("x-ratelimit-limit", "7"),
            ("x-ratelimit-remaining", "7"),
        ];
        assert_eq!(said(&ietf), Some((100, 15, 42)));
        let older = [("x-ratelimit-limit", "60"), ("x-ratelimit-remaining", " 9 ")];
        assert_eq!(said(&older), Some((60, 9, 60)), "a window of a minute, where none is said");
    }

    #[test]
    fn av_9_a_reset_may_be_a_point_in_time_and_is_bounded() {
        let reset = |reset| {
            said(&[
                ("x-ratelimit-limit", "60"),
                ("x-ratelimit-remaining", "9"),
                ("x-ratelimit-reset", reset),
            ])
            .map(|(_, _, resets_in_s)| resets_in_s)
        };
        assert_eq!(reset("1700000030"), Some(30));
        assert_eq!(reset("1600000000"), Some(0), "it is over");
        assert_eq!(reset("999999999"), Some(86_400));
        assert_eq!(reset("99999999999999999999999"), Some(60), "no number");
        assert_eq!(reset("soon"), Some(60));
    }

    #[test]
    fn av_9_half_of_it_says_nothing() {
        assert_eq!(said(&[]), None);
        assert_eq!(said(&[("ratelimit-limit", "60")]), None);
        assert_eq!(said(&[("ratelimit-limit", "60"), ("ratelimit-remaining", "-1")]), None);
        assert_eq!(said(&[("ratelimit-limit", "many"), ("ratelimit-remaining", "5")]), None);
    }
}
