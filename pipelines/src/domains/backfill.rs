//! `domains.backfill`: searches the posts of past days, the newest day first (OP-11). It may work
//! for hours, and be stopped at any moment: it goes on after the last page that it has stored.

use std::time::Duration;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use signalbox_engine::jobs::handler::{Job, Timeout};
use signalbox_engine::jobs::{JobContext, JobError, KindSpec};
use signalbox_model::backfill::{DAYS_BOUND, LIMIT_BOUND, within};
use signalbox_model::format::plural;
use signalbox_model::system_log::LogLevel;

use crate::domains::provider::{Posts, SEARCH};
use crate::domains::{QUEUE, search};

/// The kind's name.
pub const KIND: &str = "domains.backfill";

/// It gives up its place after this long and comes back, so that no run comes near the time-out.
const SHIFT: chrono::Duration = chrono::Duration::minutes(10);

const TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// The payload.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Asked")]
pub struct Backfill {
    days: u32,
    limit: usize,
}

/// The payload as it was sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// How many days, today included.
    days: i64,
    /// At most this many posts of each.
    limit: i64,
}

impl TryFrom<Asked> for Backfill {
    type Error = String;

    fn try_from(asked: Asked) -> Result<Backfill, String> {
        let checked = |field, value, bound| {
            within(field, value, bound).map_err(|e| format!("{} {}", e.field, e.detail))?;
            u32::try_from(value).map_err(|e| e.to_string())
        };
        let days = checked("days", asked.days, DAYS_BOUND)?;
        let limit = checked("limit", asked.limit, LIMIT_BOUND)?;
        Ok(Backfill { days, limit: limit as usize })
    }
}

/// How far it has come: its checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The newest day: the one on which it began.
    newest: NaiveDate,
    /// Days that were searched to their end.
    days_done: u32,
    /// The next page of the day after those.
    page: usize,
    /// Posts of that day so far.
    found_of_day: usize,
    /// Posts of all days so far.
    found: usize,
}

impl Place {
    fn first(newest: NaiveDate) -> Place {
        Place { newest, days_done: 0, page: 0, found_of_day: 0, found: 0 }
    }

    /// The day that is to be searched.
    fn day(&self) -> Option<NaiveDate> {
        self.newest.checked_sub_days(Days::new(self.days_done.into()))
    }

    /// After a page with `found` posts, of a day of which at most `limit` are wanted.
    fn after_page(self, found: usize, limit: usize) -> Place {
        let next = Place {
            page: self.page + 1,
            found_of_day: self.found_of_day + found,
            found: self.found + found,
            ..self
        };
        let day_is_done = found == 0 || next.found_of_day >= limit || next.page >= search::PAGES;
        if !day_is_done {
            return next;
        }
        Place { days_done: self.days_done + 1, page: 0, found_of_day: 0, ..next }
    }
}

impl Job for Backfill {
    type Resources = Posts;
    const SPEC: KindSpec = KindSpec {
        name: KIND,
        queue: QUEUE,
        max_attempts: 5,
        timeout: Timeout::Fixed(TIMEOUT),
        concurrency: None,
        calls: Some((SEARCH, 1)),
    };

    async fn run(self, cx: &JobContext, posts: &Posts) -> Result<(), JobError> {
        let shift_ends = cx.now() + SHIFT;
        let mut place = cx.restore().await?.unwrap_or_else(|| Place::first(cx.now().date_naive()));
        while place.days_done < self.days {
            self.report(cx, &place).await;
            cx.check_stop()?;
            if cx.now() >= shift_ends {
                return Err(JobError::snooze(Duration::ZERO, "more days to search"));
            }
            place = self.search_page(cx, posts, place).await?;
        }
        self.report(cx, &place).await;
        let message = format!("Backfill searched {}", self.words(&place));
        cx.log("backfill", LogLevel::Info, message).await?;
        Ok(())
    }
}

impl Backfill {
    /// Searches the next page, and stores what it found together with where to go on.
    async fn search_page(
        &self,
        cx: &JobContext,
        posts: &Posts,
        place: Place,
    ) -> Result<Place, JobError> {
        let query = search::query(None, place.day());
        let wanted = self.limit - place.found_of_day;
        let found = search::page(cx, posts, &query, place.page, wanted).await?;
        let place = place.after_page(found.len(), self.limit);
        let mut tx = cx.db.begin().await?;
        search::keep(&mut tx, cx, &found).await?;
        cx.checkpoint(&mut tx, &place).await?;
        tx.commit().await?;
        Ok(place)
    }

    async fn report(&self, cx: &JobContext, place: &Place) {
        cx.progress(place.days_done.into(), i64::from(self.days), self.words(place)).await;
    }

    /// `3 of 7 days, 41 posts`.
    fn words(&self, place: &Place) -> String {
        let days = plural(self.days.into(), "day", "days");
        let posts = plural(i64::try_from(place.found).unwrap_or(i64::MAX), "post", "posts");
        format!("{} of {days}, {posts}", place.days_done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 1).unwrap()
    }

    #[test]
    fn op_11_a_day_ends_with_an_empty_page_or_with_its_limit() {
        let first = Place::first(newest());
        let second_page = first.after_page(10, 25);
        assert_eq!((second_page.days_done, second_page.page, second_page.found), (0, 1, 10));
        let full = second_page.after_page(10, 25).after_page(5, 25);
        assert_eq!((full.days_done, full.page, full.found_of_day, full.found), (1, 0, 0, 25));
        let empty = second_page.after_page(0, 25);
        assert_eq!((empty.days_done, empty.page, empty.found), (1, 0, 10));
    }

    #[test]
    fn op_11_days_go_back_from_the_one_on_which_it_began() {
        let day = Place { days_done: 1, ..Place::first(newest()) }.day().unwrap();
        assert_eq!(day.to_string(), "2026-02-28");
        let query = search::query(None, Some(day));
        assert!(query.ends_with(" after:2026-02-28 before:2026-03-01"), "{query}");
    }

    #[test]
    fn op_11_a_payload_out_of_range_is_refused_by_field() {
        let read = |json| serde_json::from_value::<Backfill>(json).map_err(|e| e.to_string());
        let good = read(serde_json::json!({ "days": 7, "limit": 100 })).unwrap();
        assert_eq!((good.days, good.limit), (7, 100));
        let error = read(serde_json::json!({ "days": 91, "limit": 100 })).unwrap_err();
        assert!(error.contains("days must be a whole number from 1 to 90"), "{error}");
        assert!(read(serde_json::json!({ "days": 1, "limit": 0 })).is_err());
        assert!(read(serde_json::json!({ "days": 1, "limit": 1, "x": 1 })).is_err());
    }
}
