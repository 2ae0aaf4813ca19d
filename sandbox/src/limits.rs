//! A provider's own limit: so many requests in a minute, which begins with the first of them.
//! They are really counted, every answer's headers tell how many are left, and one too many is 429.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;

use crate::problem::FieldError;

/// How long a window is.
const WINDOW: Duration = Duration::from_secs(60);
/// The largest limit.
const MAX_PER_MINUTE: u64 = 1_000_000;

/// How a limit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Requests allowed in a minute.
    pub per_minute: u64,
    /// Requests left of them.
    pub remaining: u64,
    /// When the next minute begins, in whole seconds, rounded up.
    pub resets_in_s: u64,
}

impl Standing {
    /// Tells it in the headers of `response`.
    pub(crate) fn tell(self, response: &mut Response) {
        let headers = response.headers_mut();
        for (name, value) in [
            ("ratelimit-limit", self.per_minute),
            ("ratelimit-remaining", self.remaining),
            ("ratelimit-reset", self.resets_in_s),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
}

/// One provider's limit.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    per_minute: Option<u64>,
    /// When the present window began, and the requests since then.
    window: Option<(Instant, u64)>,
    /// How far this clock is ahead of the machine's.
    ahead: Duration,
}

impl Limiter {
    /// Sets the limit, or lifts it. A new window begins.
    pub(crate) fn set(&self, per_minute: Option<u64>) {
        let mut state = self.lock();
        state.per_minute = per_minute;
        state.window = None;
    }

    /// Moves its clock on.
    pub(crate) fn advance(&self, by: Duration) {
        self.lock().ahead += by;
    }

    /// How the limit stands, if there is one.
    pub(crate) fn standing(&self) -> Option<Standing> {
        self.lock().standing(Instant::now()).map(|(standing, _)| standing)
    }

    /// Counts one request. The error is for one too many: how the limit stands.
    pub(crate) fn count(&self) -> Result<Option<Standing>, Standing> {
        let mut state = self.lock();
        let machine = Instant::now();
        let Some((before, began)) = state.standing(machine) else { return Ok(None) };
        if before.remaining == 0 {
            return Err(before);
        }
        let remaining = before.remaining - 1;
        state.window = Some((began, before.per_minute - remaining));
        Ok(Some(Standing { remaining, ..before }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How the limit stands, and when its window began: at once, if none is under way.
    fn standing(&self, machine: Instant) -> Option<(Standing, Instant)> {
        let per_minute = self.per_minute?;
        let now = machine + self.ahead;
        let (began, used) =
            self.window.filter(|(began, _)| now < *began + WINDOW).unwrap_or((now, 0));
        let left = (began + WINDOW).saturating_duration_since(now);
        let resets_in_s = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        let remaining = per_minute.saturating_sub(used);
        Some((Standing { per_minute, remaining, resets_in_s }, began))
    }
}

/// Reads `{"perMinute": 60}`.
///
/// # Errors
/// One entry for every field that is missing, unknown or out of range.
pub(crate) fn parse(body: &Value) -> Result<u64, Vec<FieldError>> {
    let fields = body.as_object().into_iter().flat_map(|object| object.keys());
    let mut errors: Vec<_> = fields
        .filter(|field| *field != "perMinute")
        .map(|field| FieldError {
            field: field.clone(),
            message: "unknown field, allowed: perMinute".to_owned(),
        })
        .collect();
    let per_minute = body["perMinute"].as_u64().filter(|n| (1..=MAX_PER_MINUTE).contains(n));
    if per_minute.is_none() {
        errors.push(FieldError {
            field: "perMinute".to_owned(),
            message: format!("required, a whole number from 1 to {MAX_PER_MINUTE}"),
        });
    }
    per_minute.filter(|_| errors.is_empty()).ok_or(errors)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_minute_has_its_requests_and_then_none_until_the_next() {
        let limiter = Limiter::default();
        assert_eq!(limiter.count(), Ok(None), "no limit");
        limiter.set(Some(3));
        let left = || limiter.count().map(|standing| standing.unwrap().remaining);
        assert_eq!((left(), left(), left()), (Ok(2), Ok(1), Ok(0)));
        let refused = left().unwrap_err();
        assert_eq!((refused.remaining, refused.per_minute), (0, 3));
        assert!((58..=60).contains(&refused.resets_in_s), "{refused:?}");
        limiter.advance(Duration::from_secs(refused.resets_in_s));
        assert_eq!(left(), Ok(2));
        limiter.set(None);
        assert_eq!((limiter.count(), limiter.standing()), (Ok(None), None));
    }

    #[test]
    fn each_wrong_field_is_named() {
        assert_eq!(parse(&json!({ "perMinute": 60 })).unwrap(), 60);
        for body in [json!({}), json!([]), json!({ "perMinute": 0 }), json!({ "perMinute": "6" })] {
            assert_eq!(parse(&body).unwrap_err()[0].field, "perMinute", "{body}");
        }
        let unknown = parse(&json!({ "perMinute": 60, "perHour": 1 })).unwrap_err();
        assert_eq!(unknown[0].field, "perHour");
    }
}
