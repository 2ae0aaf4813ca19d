//! The stand-in for Bright Data's MCP server, over streamable HTTP.

mod shapes;
mod tools;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use chrono::{DateTime, Utc};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use crate::bearer::bearer;
use crate::corpus::Corpus;
use crate::faults::bad_key;
use tools::Tools;

/// The routes of `/mcp`. `started_at` is what the corpus's ages count back from.
///
/// Stateless: each request stands alone, so clients may come, go and return as they like and nothing is kept for them.
pub(crate) fn routes(corpus: Arc<Corpus>, started_at: DateTime<Utc>) -> Router {
    let tools = Tools::new(corpus, started_at);
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        // It guards nothing, and runs under whatever host name a test network gives it.
        .disable_allowed_hosts();
    let service = StreamableHttpService::new(
        move || Ok(tools.clone()),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    Router::new()
        .route_service("/mcp", service.clone())
        .route_service("/mcp/", service)
        .layer(middleware::from_fn(require_key))
}

/// Any key will do, but there must be one: `Authorization: Bearer <key>` or `?token=<key>`.
async fn require_key(request: Request, next: Next) -> Response {
    if has_bearer(&request) || has_token(&request) { next.run(request).await } else { bad_key() }
}

fn has_bearer(request: &Request) -> bool {
    bearer(request.headers()).is_some()
}

fn has_token(request: &Request) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .any(|(name, value)| name == "token" && !value.is_empty())
}
