//! Which of the twins a read comes from.

use signalbox_model::Timestamp;
use signalbox_model::matview::{Freshness, ViewSource};
use sqlx::PgExecutor;

use crate::settings::Settings;

/// Older than this many minutes, the materialized views are not read.
const MAX_AGE: &str = "matview_max_age_minutes";

/// Where the reads of one page come from: all of them from the same source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reads {
    /// How fresh what is read is.
    pub freshness: Freshness,
}

impl Reads {
    /// Reads from the plain views, at `now`.
    pub const fn live(now: Timestamp) -> Reads {
        Reads { freshness: Freshness::live(now) }
    }

    /// The relation to read `view` from: `v_<view>`, or `mv_<view>`.
    pub fn relation(self, view: &'static str) -> String {
        match self.freshness.source {
            ViewSource::Plain => format!("v_{view}"),
            ViewSource::Materialized => format!("mv_{view}"),
        }
    }
}

/// Decides where reads come from at `now`: from the materialized views if they are on and none is
/// older than the setting `matview_max_age_minutes`, from the plain ones otherwise.
///
/// # Errors
/// When the database does not answer.
pub async fn reads<'c>(
    db: impl PgExecutor<'c> + Copy,
    now: Timestamp,
) -> Result<Reads, sqlx::Error> {
    let (enabled, refreshed_at): (bool, Option<Timestamp>) = sqlx::query_as(
        "SELECT enabled, (SELECT CASE WHEN bool_and(refreshed_at IS NOT NULL) THEN min(refreshed_at) END
                          FROM matviews)
         FROM matviews_control",
    )
    .fetch_one(db)
    .await?;
    if !enabled {
        return Ok(Reads::live(now));
    }
    let max_age = chrono::Duration::minutes(max_age_minutes(&Settings::read(db, now).await?));
    let freshness = match refreshed_at.filter(|at| now - *at <= max_age) {
        Some(as_of) => Freshness { source: ViewSource::Materialized, as_of, fell_back: false },
        None => Freshness { fell_back: true, ..Freshness::live(now) },
    };
    Ok(Reads { freshness })
}

pub(super) fn max_age_minutes(settings: &Settings) -> i64 {
    settings.get(MAX_AGE)
}
