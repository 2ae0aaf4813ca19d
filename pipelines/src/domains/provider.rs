//! The provider of posts: an MCP server with the tools of Bright Data's.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use signalbox_engine::breaker::store::MCP;
use signalbox_engine::provider::key::Key;
use signalbox_engine::provider::{CallFailure, Operation, ProviderSpec};
use signalbox_engine::vault::Vault;
use signalbox_model::Timestamp;
use url::Url;

use crate::mcp::McpProvider;
use crate::{ProviderConfig, ProviderConfigError};

const SPEC: ProviderSpec = ProviderSpec {
    name: MCP,
    label: "Posts, over MCP",
    address_variable: "MCP_BASE_URL",
    key_variable: "MCP_API_KEY",
};

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

/// The server, as a provider with a key of its own.
///
/// # Errors
/// When its address or the environment's key makes no sense.
pub fn server(config: &ProviderConfig, vault: &Vault) -> Result<McpProvider, ProviderConfigError> {
    let address = config.mcp_base_url.as_deref().map(Url::parse).transpose()?;
    let environment = config.mcp_api_key.clone().map(SecretString::from);
    let key = Key::new(SPEC.name, vault, environment);
    Ok(McpProvider::new(SPEC, address, key, config.mcp_timeout)?)
}

/// The client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Posts {
    server: McpProvider,
}

impl Posts {
    /// A client of `server`.
    pub fn new(server: McpProvider) -> Posts {
        Posts { server }
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
        self.call("search_engine", arguments).await?.json().map_err(CallFailure::from)
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
            .map_err(CallFailure::from)?;
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
        let mut comments: Vec<Comment> = answer.json().map_err(CallFailure::from)?;
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
        Ok(self.server.client().await?.call_tool(tool, arguments).await?)
    }
}

/// What PostgreSQL can store and we want to: no NUL, and bounded.
fn clean(mut text: String) -> String {
    if text.len() > TEXT_BYTES_BOUND {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_BOUND));
    }
    if text.contains('\0') { text.replace('\0', "") } else { text }
}
