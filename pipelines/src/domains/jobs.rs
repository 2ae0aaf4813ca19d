//! The kinds of the pipeline. Each run's effects are idempotent: running any of them again adds
//! nothing twice.

use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::json;
use signalbox_engine::jobs::JobContext;
use signalbox_engine::jobs::enqueue;
use signalbox_engine::jobs::handler::{Job, JobError, KindSpec, Timeout};
use signalbox_model::error_class::ErrorClass;
use signalbox_model::job::NewJob;
use signalbox_model::system_log::LogLevel;

use crate::domains::provider::{COMMENTS, PAGES, Posts, SEARCH};
use crate::domains::{QUEUE, search, store};
use crate::egress;

/// At most this many pages of comments are read per post (seed 000).
const COMMENT_PAGES: u32 = 2;

const fn spec(
    name: &'static str,
    timeout: &'static str,
    concurrency: &'static str,
    calls: (signalbox_engine::provider::Operation, u32),
) -> KindSpec {
    KindSpec {
        name,
        queue: QUEUE,
        max_attempts: 5,
        timeout: Timeout::SettingMinutes(timeout),
        concurrency: Some(concurrency),
        calls: Some(calls),
    }
}

/// `domains.discovery`: searches posts, and enqueues the harvesting of each.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discovery {
    /// At most this many posts.
    limit: usize,
    /// What to search for.
    query: Option<String>,
    /// Only posts of this day.
    day: Option<NaiveDate>,
}

impl Job for Discovery {
    type Resources = Posts;
    const SPEC: KindSpec = spec(
        "domains.discovery",
        "discovery_job_timeout_minutes",
        "max_concurrent_discovery_jobs",
        (SEARCH, 1),
    );

    async fn run(self, cx: &JobContext, posts: &Posts) -> Result<(), JobError> {
        let query = search::query(self.query.as_deref(), self.day);
        let mut found = 0;
        for page in 0..search::PAGES {
            let wanted = self.limit.saturating_sub(found);
            if wanted == 0 {
                break;
            }
            let results = search::page(cx, posts, &query, page, wanted).await?;
            if results.is_empty() {
                break;
            }
            found += results.len();
            let mut tx = cx.db.begin().await?;
            search::keep(&mut tx, cx, &results).await?;
            tx.commit().await?;
        }
        cx.log("discovery", LogLevel::Info, format!("Discovery found {found} posts")).await?;
        Ok(())
    }
}

/// The job that harvests the post with this id.
pub(crate) fn harvesting(post_id: i64) -> NewJob {
    NewJob::new("domains.harvesting", json!({ "postId": post_id }))
}

/// `domains.harvesting`: reads a post and its comments, and enqueues the extraction.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Harvesting {
    post_id: i64,
}

impl Job for Harvesting {
    type Resources = Posts;
    const SPEC: KindSpec = spec(
        "domains.harvesting",
        "harvesting_job_timeout_minutes",
        "max_concurrent_harvesting_jobs",
        (COMMENTS, 1 + COMMENT_PAGES),
    );

    async fn run(self, cx: &JobContext, posts: &Posts) -> Result<(), JobError> {
        let url = post_url(cx, self.post_id).await?;
        let post = cx.call(COMMENTS, posts.post(&url)).await?;
        let mut comments = Vec::new();
        for page in 1..=COMMENT_PAGES {
            let read = cx.call(COMMENTS, posts.comments(&url, page)).await?;
            if read.is_empty() {
                break;
            }
            comments.extend(read);
        }
        let mut tx = cx.db.begin().await?;
        store::save_harvest(&mut tx, self.post_id, &post, &comments, cx.now()).await?;
        let extraction = NewJob::new("domains.extraction", json!({ "postId": self.post_id }))
            .with_key(format!("extract:{}:{}", self.post_id, cx.job_id));
        enqueue::insert(&mut tx, &cx.registry, vec![extraction], cx.now()).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// `domains.extraction`: reads the post's page, finds every link in its texts, and stores domains
/// and mentions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Extraction {
    post_id: i64,
}

impl Job for Extraction {
    type Resources = Posts;
    const SPEC: KindSpec = spec(
        "domains.extraction",
        "harvesting_job_timeout_minutes",
        "max_concurrent_extraction_jobs",
        (PAGES, 1),
    );

    async fn run(self, cx: &JobContext, posts: &Posts) -> Result<(), JobError> {
        let url = post_url(cx, self.post_id).await?;
        let page = cx.call(PAGES, posts.page(&url)).await?;
        let mut texts = store::texts(&cx.db, self.post_id).await?;
        texts.push(store::Text::page(page, cx.now()));
        let mentions = store::mentions_in(&texts);
        let mut tx = cx.db.begin().await?;
        store::save_mentions(&mut tx, self.post_id, &mentions, cx.now()).await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn post_url(cx: &JobContext, post_id: i64) -> Result<String, JobError> {
    let url = store::post_url(&cx.db, post_id).await?;
    let url = url.ok_or_else(|| {
        JobError::fail(ErrorClass::NotFound, format!("there is no post {post_id}"))
    })?;
    // The provider would go there for us.
    egress::found(&url).map_err(|refused| {
        let message = format!("the address of post {post_id} is not gone to: {refused}");
        JobError::fail(ErrorClass::InvalidInput, message)
    })?;
    Ok(url)
}
