//! The tools, by the names and arguments of Bright Data's MCP server. Like the original they answer with text alone.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{Implementation, ServerCapabilities, ServerConfig};
use rmcp::{ServerHandler, schemars, tool, tool_handler, tool_router};
use serde::Deserialize;

use super::shapes;
use crate::corpus::{COMMENTS_PAGE_SIZE, Corpus, Post};

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct SearchArgs {
    /// What to look for.
    query: String,
    /// Page of results counted from 0, as in `next_cursor`.
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct UrlArgs {
    /// The post's address.
    url: String,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct CommentsArgs {
    /// The post's address.
    url: String,
    /// Page of comments counted from 1, 20 a page.
    page: Option<usize>,
}

/// The server that one request is answered by; clones share the corpus.
#[derive(Clone)]
pub(super) struct Tools {
    corpus: Arc<Corpus>,
    started_at: DateTime<Utc>,
    tool_router: ToolRouter<Self>,
}

// What a tool cannot do is an error the caller reads in the result, not one of the protocol.
#[tool_router]
impl Tools {
    pub(super) fn new(corpus: Arc<Corpus>, started_at: DateTime<Utc>) -> Self {
        Self { corpus, started_at, tool_router: Self::tool_router() }
    }

    #[tool(
        description = "Search for short-video posts. Returns JSON with link, title and description of each result."
    )]
    async fn search_engine(
        &self,
        Parameters(args): Parameters<SearchArgs>,
    ) -> Result<String, String> {
        let page = match args.cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
            Some(cursor) => cursor
                .parse()
                .map_err(|_| format!("cursor must be a page number, not {cursor:?}"))?,
            None => 0_usize,
        };
        let (posts, more) = self.corpus.search(&args.query, page);
        Ok(shapes::search_page(&posts, more.then(|| page + 1)).to_string())
    }

    #[tool(
        description = "Read structured data of a TikTok post. Requires a valid TikTok post URL."
    )]
    async fn web_data_tiktok_posts(
        &self,
        Parameters(args): Parameters<UrlArgs>,
    ) -> Result<String, String> {
        let post = self.post(&args.url)?;
        Ok(serde_json::Value::from(vec![shapes::post(post, self.started_at)]).to_string())
    }

    #[tool(
        description = "Read structured comments of a TikTok post. Requires a valid TikTok video URL."
    )]
    async fn web_data_tiktok_comments(
        &self,
        Parameters(args): Parameters<CommentsArgs>,
    ) -> Result<String, String> {
        let post = self.post(&args.url)?;
        let page = args.page.unwrap_or(1).checked_sub(1).ok_or("page is counted from 1")?;
        let from = page.saturating_mul(COMMENTS_PAGE_SIZE);
        let comments = post.comments.iter().skip(from).take(COMMENTS_PAGE_SIZE);
        let comments: Vec<_> =
            comments.map(|comment| shapes::comment(comment, post, self.started_at)).collect();
        Ok(serde_json::Value::from(comments).to_string())
    }

    #[tool(description = "Scrape a single webpage and get it back as Markdown.")]
    async fn scrape_as_markdown(
        &self,
        Parameters(args): Parameters<UrlArgs>,
    ) -> Result<String, String> {
        self.post(&args.url).map(shapes::page)
    }

    fn post(&self, url: &str) -> Result<&Post, String> {
        self.corpus.post(url).ok_or_else(|| format!("no post at {url}"))
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("signalbox-sandbox", env!("CARGO_PKG_VERSION")))
    }
}
