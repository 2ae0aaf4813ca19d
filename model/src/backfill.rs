//! Backfills: searching the posts of past days (OP-11).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::job::Job;
use crate::problem::FieldError;

/// The longest backfill, in days.
pub const DAYS_BOUND: i64 = 90;
/// The days of one that names none.
pub const DAYS_DEFAULT: i64 = 7;
/// The most posts of one day, or of one discovery.
pub const LIMIT_BOUND: i64 = 1000;
/// The posts of a day when nobody names another number.
pub const LIMIT_DEFAULT: i64 = 100;

/// How many posts a search brings, as far as that can be told before.
const POSTS_PER_SEARCH: i64 = 10;

/// What is wrong with `value` for `field`, which may be 1 to `bound`.
///
/// # Errors
/// The field, with what is allowed.
pub fn within(field: &str, value: i64, bound: i64) -> Result<(), FieldError> {
    if (1..=bound).contains(&value) {
        return Ok(());
    }
    Err(FieldError::new(field, format!("must be a whole number from 1 to {bound}")))
}

/// What a backfill costs, as far as that can be told before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// How many searches go out.
    pub searches: i64,
    /// How long they take at least, in milliseconds: nothing else may search meanwhile.
    pub least_ms: i64,
}

impl Estimate {
    /// What a backfill of `days` days with at most `limit` posts each costs at `rpm` searches a
    /// minute.
    pub fn of(days: i64, limit: i64, rpm: i64) -> Estimate {
        let per_day = limit.div_euclid(POSTS_PER_SEARCH) + (limit % POSTS_PER_SEARCH).signum();
        let searches = days.saturating_mul(per_day);
        Estimate { searches, least_ms: searches.saturating_mul(60_000) / rpm.max(1) }
    }
}

/// What the page of the backfills shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backfills {
    /// Those that wait, run, or have ended lately; the newest first.
    pub backfills: Vec<Job>,
    /// How many searches may go out in a minute: `discovery_rpm`.
    pub searches_per_minute: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn op_11_the_estimate_counts_searches_and_the_time_at_the_rate() {
        let week = Estimate::of(7, 100, 30);
        assert_eq!(week, Estimate { searches: 70, least_ms: 140_000 });
        assert_eq!(Estimate::of(1, 11, 60).searches, 2);
        assert_eq!(Estimate::of(3, 1, 60).searches, 3);
    }

    #[test]
    fn op_11_what_is_out_of_range_is_named_with_its_range() {
        assert_eq!(within("days", 90, DAYS_BOUND), Ok(()));
        for days in [0, -1, 91] {
            let error = within("days", days, DAYS_BOUND).unwrap_err();
            assert_eq!((error.field.as_str(), error.detail.contains("1 to 90")), ("days", true));
        }
    }
}
