//! The JSON the tools answer with, field by field as the original names them.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::corpus::{Comment, Post};

/// A title as a search engine would cut it.
const TITLE_CHARS: usize = 60;

/// A page of search results. `next_cursor` is ours: the original has none and lets the client count pages.
pub(super) fn search_page(posts: &[&Post], next_cursor: Option<usize>) -> Value {
    let organic: Vec<Value> = posts.iter().map(|post| search_result(post)).collect();
    json!({"organic": organic, "next_cursor": next_cursor.map(|page| page.to_string())})
}

fn search_result(post: &Post) -> Value {
    let caption: String = post.description.chars().take(TITLE_CHARS).collect();
    json!({
        "link": post.url,
        "title": format!("{} (@{}) on TikTok", caption.trim_end(), post.username),
        "description": post.description,
    })
}

pub(super) fn post(post: &Post, started_at: DateTime<Utc>) -> Value {
    json!({
        "post_id": post.id,
        "url": post.url,
        "profile_username": post.username,
        "profile_url": profile_url(&post.username),
        "description": post.description,
        "create_time": date(started_at, post.age),
        "digg_count": post.likes,
        "share_count": post.shares,
        "comment_count": post.comments.len(),
        "play_count": post.plays,
    })
}

pub(super) fn comment(comment: &Comment, post: &Post, started_at: DateTime<Utc>) -> Value {
    json!({
        "comment_id": comment.id,
        "comment_text": comment.text,
        "date_created": date(started_at, comment.age),
        "commenter_user_name": comment.username,
        "commenter_url": profile_url(&comment.username),
        "num_likes": comment.likes,
        "post_url": post.url,
        "post_id": post.id,
    })
}

/// The post's page: who, the caption, and what else stands there.
pub(super) fn page(post: &Post) -> String {
    let mut page = format!(
        "# @{user} on TikTok\n\n[@{user}]({url})\n\n{text}\n",
        user = post.username,
        url = profile_url(&post.username),
        text = post.description
    );
    if !post.page_lines.is_empty() {
        page.push_str("\n## Links\n\n");
        for line in &post.page_lines {
            page.push_str(&format!("- {line}\n"));
        }
    }
    page
}

fn profile_url(username: &str) -> String {
    format!("https://www.tiktok.com/@{username}")
}

/// ISO 8601 in UTC with milliseconds.
fn date(started_at: DateTime<Utc>, age: Duration) -> String {
    let age = TimeDelta::from_std(age).unwrap_or_default();
    (started_at - age).to_rfc3339_opts(SecondsFormat::Millis, true)
}
