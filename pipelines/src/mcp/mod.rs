//! A client for MCP (the Model Context Protocol) over streamable HTTP.
//!
//! The messages are those of the `rmcp` SDK; the HTTP exchange is our own. The SDK's transport reports a stream that
//! broke, grew too large or was refused as text, while the breaker and the retry policy act on the kind of failure,
//! the HTTP status and `Retry-After`: here each failure keeps them, and every call is one future, so that dropping it
//! closes its connection.
//!
//! What it speaks: `initialize`, `tools/list`, `tools/call`; answers as JSON or as an event stream; sessions, which
//! are renewed once when the server has forgotten them. It offers no client capabilities, opens no standing GET
//! stream, and does not resume a broken stream: the call fails and the job's retry policy decides.

mod answer;
mod body;
mod client;
mod config;
mod error;
mod http;
mod message;
mod provider;

#[cfg(test)]
mod stub;
#[cfg(test)]
mod tests;

pub use answer::ToolAnswer;
pub use client::McpClient;
pub use config::{ApiKey, DEFAULT_MAX_BODY_BYTES, McpConfig, McpConfigError};
pub use error::McpError;
pub use provider::McpProvider;
