//! The sandbox over real HTTP, asked by an MCP client and by a plain one.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod control;
mod faults;
mod tools;

use rmcp::model::{CallToolRequestParams, CallToolResult};
use rmcp::service::{RunningService, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{RoleClient, ServiceExt};
use serde_json::{Value, json};
use signalbox_sandbox::{Sandbox, SandboxOptions};

type McpClient = RunningService<RoleClient, ()>;

/// A sandbox on the committed corpus, with few enough posts to look at all of them.
async fn sandbox() -> Sandbox {
    seeded(1).await
}

async fn seeded(seed: u64) -> Sandbox {
    Sandbox::start(SandboxOptions { seed, posts: 45, ..SandboxOptions::default() }).await.unwrap()
}

/// A plain HTTP client; TLS is never used, but the client insists on a provider for it.
fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

async fn connect(sandbox: &Sandbox) -> McpClient {
    http();
    let config =
        StreamableHttpClientTransportConfig::with_uri(sandbox.mcp_url()).auth_header("any-key");
    ().serve(StreamableHttpClientTransport::from_config(config)).await.unwrap()
}

async fn call(
    client: &McpClient,
    tool: &'static str,
    args: Value,
) -> Result<CallToolResult, ServiceError> {
    let args = args.as_object().cloned().unwrap();
    client.call_tool(CallToolRequestParams::new(tool).with_arguments(args)).await
}

fn text(result: &CallToolResult) -> &str {
    &result.content[0].as_text().unwrap().text
}

/// The JSON a tool answers with; the tool must not have failed.
async fn ask(client: &McpClient, tool: &'static str, args: Value) -> Value {
    let result = call(client, tool, args).await.unwrap();
    assert_ne!(result.is_error, Some(true), "{}", text(&result));
    serde_json::from_str(text(&result)).unwrap()
}

/// A tool call as a plain request, for what an MCP client would hide.
fn raw_call(sandbox: &Sandbox, tool: &str, args: Value) -> reqwest::RequestBuilder {
    let params = json!({"name": tool, "arguments": args});
    http()
        .post(sandbox.mcp_url())
        .bearer_auth("any-key")
        .header("accept", "application/json, text/event-stream")
        .json(&json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}))
}

fn raw_search(sandbox: &Sandbox) -> reqwest::RequestBuilder {
    raw_call(sandbox, "search_engine", json!({"query": "lamps"}))
}
