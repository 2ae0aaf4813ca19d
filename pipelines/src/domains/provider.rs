//! The provider of posts: an MCP server with the tools of Bright Data's.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use signalbox_engine::breaker::store::MCP;
use signalbox_engine::provider::{CallFailure, Operation};
use signalbox_model::Timestamp;
use url::Url;

use crate::mcp::{DEFAULT_MAX_BODY_BYTES, McpClient, McpConfig, McpError};
use crate::{ProviderConfig, ProviderConfigError};

/// Searching.
pub const SEARCH: Operation = Operation { provider: MCP, rate: "discovery_rpm" };
/// Reading a post and its comments.
pub const COMMENTS: Operation = Operation { provider: MCP, rate: "comments_rpm" };
/// Reading a page.
pub const PAGES: Operation = Operation { provider: MCP, rate: "http_enrich_rpm" };

/// The longest text of one comment, post or page that is kept, in bytes.
const TEXT_BYTES_BOUND: usize = 256 * 1024;

/// One page of search results.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SearchPage {
    /// The results.
    pub organic: Vec<SearchResult>,
}

/// One search result.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SearchResult {
    /// The post's address.
    pub link: String,
    /// What it says about itself.
    #[serde(default)]
    pub description: Option<String>,
}

/// A post.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Post {
    /// Who wrote it.
    #[serde(default, rename = "profile_username")]
    pub author: Option<String>,
    /// Its text.
    #[serde(default)]
    pub description: Option<String>,
    /// When it was published.
    #[serde(default, rename = "create_time", deserialize_with = "lenient_time")]
    pub published_at: Option<Timestamp>,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Comment {
    /// Its id at the provider.
    #[serde(rename = "comment_id")]
    pub external_id: String,
    /// Its text.
    #[serde(rename = "comment_text")]
    pub body: String,
    /// Who wrote it.
    #[serde(default, rename = "commenter_user_name")]
    pub author: Option<String>,
    /// When it was published.
    #[serde(default, rename = "date_created", deserialize_with = "lenient_time")]
    pub published_at: Option<Timestamp>,
}

/// A time that cannot be read is no time: it must not cost us the text.
fn lenient_time<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(d)?;
    Ok(text
        .and_then(|text| DateTime::parse_from_rfc3339(&text).ok())
        .map(|time| time.with_timezone(&Utc)))
}

/// The client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Posts {
    client: Option<McpClient>,
}

impl Posts {
    /// A client of the server that `config` names.
    ///
    /// # Errors
    /// When the address makes no sense.
    pub fn new(config: &ProviderConfig) -> Result<Posts, ProviderConfigError> {
        let Some(base_url) = &config.mcp_base_url else { return Ok(Posts { client: None }) };
        let mcp = McpConfig {
            base_url: Url::parse(base_url)?,
            api_key: config.mcp_api_key.clone(),
            timeout: config.mcp_timeout,
            max_body_bytes: DEFAULT_MAX_BODY_BYTES,
        };
        Ok(Posts { client: Some(McpClient::new(mcp)?) })
    }

    /// The posts that match `query`, one page, counted from 0. A page without results is past the
    /// last one.
    ///
    /// # Errors
    /// See [`CallFailure`].
    pub async fn search(&self, query: &str, page: usize) -> Result<SearchPage, CallFailure> {
        let mut arguments = json!({ "query": query });
        if page > 0 {
            arguments["cursor"] = Value::from(page.to_string());
        }
        self.call("search_engine", arguments).await?.json().map_err(failure)
    }

    /// The post at `url`.
    ///
    /// # Errors
    /// See [`CallFailure`]; a post that is gone is `Rejected`.
    pub async fn post(&self, url: &str) -> Result<Post, CallFailure> {
        let posts: Vec<Post> = self
            .call("web_data_tiktok_posts", json!({ "url": url }))
            .await?
            .json()
            .map_err(failure)?;
        let mut post = posts
            .into_iter()
            .next()
            .ok_or_else(|| CallFailure::Rejected(format!("there is no post at {url}")))?;
        post.description = post.description.map(clean);
        Ok(post)
    }

    /// One page (from 1) of the comments under the post at `url`; empty past the last one.
    ///
    /// # Errors
    /// See [`CallFailure`].
    pub async fn comments(&self, url: &str, page: u32) -> Result<Vec<Comment>, CallFailure> {
        let mut arguments = json!({ "url": url });
        if page > 1 {
            arguments["page"] = Value::from(page);
        }
        let answer = match self.call("web_data_tiktok_comments", arguments).await {
            // A server that knows no pages has given all its comments with the first.
            Err(CallFailure::Rejected(_)) if page > 1 => return Ok(Vec::new()),
            answer => answer?,
        };
        let mut comments: Vec<Comment> = answer.json().map_err(failure)?;
        for comment in &mut comments {
            comment.body = clean(std::mem::take(&mut comment.body));
        }
        Ok(comments)
    }

    /// The page at `url`, as Markdown.
    ///
    /// # Errors
    /// See [`CallFailure`].
    pub async fn page(&self, url: &str) -> Result<String, CallFailure> {
        Ok(clean(self.call("scrape_as_markdown", json!({ "url": url })).await?.text))
    }

    async fn call(
        &self,
        tool: &str,
        arguments: Value,
    ) -> Result<crate::mcp::ToolAnswer, CallFailure> {
        match &self.client {
            Some(client) => client.call_tool(tool, arguments).await.map_err(failure),
            None => Err(CallFailure::NotConfigured(
                "no MCP server is configured: set MCP_BASE_URL".into(),
            )),
        }
    }
}

fn failure(error: McpError) -> CallFailure {
    let message = error.to_string();
    match error {
        McpError::RateLimited { retry_after } => CallFailure::RateLimited { retry_after, message },
        McpError::Credentials { .. } => CallFailure::Credentials(message),
        McpError::ToolFailed { .. } => CallFailure::Rejected(message),
        McpError::Unreachable { .. }
        | McpError::Timeout { .. }
        | McpError::Status { .. }
        | McpError::BadAnswer { .. } => CallFailure::Unavailable(message),
    }
}

/// What PostgreSQL can store and we want to: no NUL, and bounded.
fn clean(mut text: String) -> String {
    if text.len() > TEXT_BYTES_BOUND {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_BOUND));
    }
    if text.contains('\0') { text.replace('\0', "") } else { text }
}
