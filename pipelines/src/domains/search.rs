//! Searching posts, and what becomes of those found: what discovery and backfill share.

use chrono::NaiveDate;
use signalbox_engine::jobs::enqueue;
use signalbox_engine::jobs::{JobContext, JobError};
use sqlx::PgConnection;

use crate::domains::jobs::harvesting;
use crate::domains::provider::{Posts, SEARCH, SearchResult};
use crate::domains::store;
use crate::egress;

/// What is searched for when nobody says otherwise.
const DEFAULT_QUERY: &str = "short video posts with links in their comments";

/// A search that has more pages than this has gone wrong.
pub(super) const PAGES: usize = 100;

/// What is sent to the provider: `query`, or the default one, for one day if any.
pub(super) fn query(query: Option<&str>, day: Option<NaiveDate>) -> String {
    let query = query.unwrap_or(DEFAULT_QUERY);
    match day.and_then(|day| day.succ_opt().map(|next| (day, next))) {
        Some((day, next)) => format!("{query} after:{day} before:{next}"),
        None => query.to_owned(),
    }
}

/// One page of a search, counted from 0, and of that at most `wanted` posts. None: past the last.
pub(super) async fn page(
    cx: &JobContext,
    posts: &Posts,
    query: &str,
    page: usize,
    wanted: usize,
) -> Result<Vec<SearchResult>, JobError> {
    let results = cx.call(SEARCH, posts.search(query, page)).await?.organic;
    Ok(results.into_iter().take(wanted).collect())
}

/// Stores the posts found, and enqueues the harvesting of each, once a day. Not those whose address
/// leads to a private network: the provider would go there for us.
pub(super) async fn keep(
    tx: &mut PgConnection,
    cx: &JobContext,
    found: &[SearchResult],
) -> Result<(), sqlx::Error> {
    let now = cx.now();
    let outside = found.iter().filter(|post| egress::found(&post.link).is_ok());
    let outside: Vec<_> = outside.cloned().collect();
    let ids = store::save_posts(tx, &outside, now).await?;
    let today = now.date_naive();
    let jobs = ids.iter().map(|id| harvesting(*id).with_key(format!("harvest:{id}:{today}")));
    enqueue::insert(tx, &cx.registry, jobs.collect(), now).await.map(drop)
}
