//! The client: sessions, deadlines, and the two methods the pipelines need.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderValue;
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, Implementation,
    InitializeRequestParams, InitializeResult, ListToolsResult, PaginatedRequestParams,
    ProtocolVersion,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::http::{Failure, Http, Session};
use super::message::{Reply, Request, RpcError};
use super::{McpConfig, McpConfigError, McpError, ToolAnswer};

/// The most pages of a tool list that are read.
const MAX_TOOL_PAGES: usize = 50;

/// A client of one MCP server. Cheap to make and to clone: clones share the session and the connections, and may
/// call concurrently. It connects at the first call, and anew after a failure.
#[derive(Clone)]
pub struct McpClient {
    inner: Arc<Inner>,
}

struct Inner {
    http: Http,
    timeout: Duration,
    /// Held while `initialize` is under way, so that concurrent calls share one session.
    session: Mutex<Option<Arc<Session>>>,
    next_id: AtomicU64,
}

impl fmt::Debug for McpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpClient").field("timeout", &self.inner.timeout).finish_non_exhaustive()
    }
}

impl McpClient {
    /// Makes a client; does not connect. The process must have installed its rustls crypto provider.
    ///
    /// # Errors
    /// [`McpConfigError`] if the URL or the key cannot be used.
    pub fn new(config: McpConfig) -> Result<Self, McpConfigError> {
        let inner = Inner {
            http: Http::new(&config)?,
            timeout: config.timeout,
            session: Mutex::new(None),
            next_id: AtomicU64::new(1),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Begins a session, if none is under way: nothing but what it takes to be let in.
    ///
    /// # Errors
    /// See [`McpError`]; all of it happens within the configured timeout.
    pub async fn connect(&self) -> Result<(), McpError> {
        self.within_deadline(async { self.session().await.map(drop) }).await
    }

    /// Calls a tool. `arguments` is a JSON object, or null for none. Dropping the future closes its connection.
    ///
    /// # Errors
    /// See [`McpError`]; all of it happens within the configured timeout.
    pub async fn call_tool(&self, tool: &str, arguments: Value) -> Result<ToolAnswer, McpError> {
        let mut params = CallToolRequestParams::new(tool.to_owned());
        params.arguments = match arguments {
            Value::Object(arguments) => Some(arguments),
            Value::Null => None,
            _ => return Err(self.tool_failed(tool, "the arguments must be a JSON object")),
        };
        let result: CallToolResult =
            self.within_deadline(self.request(tool, "tools/call", &params)).await?;
        let failed = result.is_error == Some(true);
        let answer = ToolAnswer::from(result);
        if failed { Err(self.tool_failed(tool, &answer.text)) } else { Ok(answer) }
    }

    /// The names of the server's tools.
    ///
    /// # Errors
    /// See [`McpError`]; all of it happens within the configured timeout.
    pub async fn list_tools(&self) -> Result<Vec<String>, McpError> {
        self.within_deadline(self.all_tool_pages()).await
    }

    async fn all_tool_pages(&self) -> Result<Vec<String>, McpError> {
        let mut names = Vec::new();
        let mut params = PaginatedRequestParams::default();
        for _ in 0..MAX_TOOL_PAGES {
            let page: ListToolsResult = self.request("tools/list", "tools/list", &params).await?;
            names.extend(page.tools.into_iter().map(|tool| tool.name.into_owned()));
            if page.next_cursor.is_none() {
                return Ok(names);
            }
            params = params.with_cursor(page.next_cursor);
        }
        Err(McpError::bad_answer("a tool list without an end"))
    }

    /// Bounds a call as a whole, and makes the next one start afresh if this one met trouble.
    async fn within_deadline<T>(
        &self,
        call: impl Future<Output = Result<T, McpError>>,
    ) -> Result<T, McpError> {
        let after = self.inner.timeout;
        let outcome =
            tokio::time::timeout(after, call).await.unwrap_or(Err(McpError::Timeout { after }));
        if let Err(error) = &outcome
            && !matches!(error, McpError::ToolFailed { .. } | McpError::RateLimited { .. })
            // Locked: another call is at `initialize` already.
            && let Ok(mut session) = self.inner.session.try_lock()
        {
            *session = None;
        }
        outcome
    }

    /// One request in the session, which is renewed once if the server has forgotten it.
    async fn request<R: DeserializeOwned>(
        &self,
        tool: &str,
        method: &'static str,
        params: &impl Serialize,
    ) -> Result<R, McpError> {
        let request = self.make_request(method, params)?;
        let session = self.session().await?;
        let reply = match self.inner.http.exchange(&request, Some(&session)).await {
            Err(Failure::SessionExpired) => {
                tracing::debug!(method, "the MCP session expired, starting another");
                self.forget(&session).await;
                let session = self.session().await?;
                self.inner.http.exchange(&request, Some(&session)).await
            }
            other => other,
        };
        match reply.map_err(give_up)?.0 {
            Ok(result) => self.parse_result(result),
            Err(error) => Err(self.rpc_failure(tool, &error)),
        }
    }

    /// The session under way, or a new one.
    async fn session(&self) -> Result<Arc<Session>, McpError> {
        let mut current = self.inner.session.lock().await;
        if let Some(session) = &*current {
            return Ok(session.clone());
        }
        let session = Arc::new(self.initialize().await.map_err(give_up)?);
        *current = Some(session.clone());
        Ok(session)
    }

    async fn forget(&self, stale: &Arc<Session>) {
        let mut current = self.inner.session.lock().await;
        if current.as_ref().is_some_and(|session| Arc::ptr_eq(session, stale)) {
            *current = None;
        }
    }

    async fn initialize(&self) -> Result<Session, Failure> {
        let us = Implementation::new("signalbox", env!("CARGO_PKG_VERSION"));
        let params = InitializeRequestParams::new(ClientCapabilities::default(), us)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE);
        let request = self.make_request("initialize", &params)?;
        let (reply, id) = self.inner.http.exchange(&request, None).await?;
        let protocol_version = self.agreed_version(reply)?;
        let session = Session { id, protocol_version };
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        self.inner.http.notify(&initialized, &session).await?;
        Ok(session)
    }

    fn agreed_version(&self, reply: Reply) -> Result<HeaderValue, McpError> {
        let result = reply.map_err(|error| {
            let words = format!("initialize was refused: {} ({})", error.message, error.code);
            McpError::bad_answer(self.inner.http.tame(&words))
        })?;
        let version = self.parse_result::<InitializeResult>(result)?.protocol_version;
        if !ProtocolVersion::KNOWN_VERSIONS.contains(&version) {
            let words = format!("the protocol version {} is unknown", version.as_str());
            return Err(McpError::bad_answer(self.inner.http.tame(&words)));
        }
        HeaderValue::from_str(version.as_str())
            .map_err(|_| McpError::bad_answer("a malformed protocol version"))
    }

    fn make_request(
        &self,
        method: &'static str,
        params: &impl Serialize,
    ) -> Result<Request, McpError> {
        let id = self.inner.next_id.fetch_add(1, Ordering::Relaxed);
        let params = serde_json::to_value(params).map_err(|error| {
            self.tool_failed(method, &format!("the request is no JSON: {error}"))
        })?;
        Ok(Request::new(id, method, params))
    }

    fn parse_result<R: DeserializeOwned>(&self, result: Value) -> Result<R, McpError> {
        serde_json::from_value(result).map_err(|error| {
            let words = format!("an unexpected result: {error}");
            McpError::bad_answer(self.inner.http.tame(&words))
        })
    }

    fn rpc_failure(&self, tool: &str, error: &RpcError) -> McpError {
        if error.blames_the_call() {
            self.tool_failed(tool, &error.message)
        } else {
            let words = format!("JSON-RPC error {}: {}", error.code, error.message);
            McpError::bad_answer(self.inner.http.tame(&words))
        }
    }

    fn tool_failed(&self, tool: &str, message: &str) -> McpError {
        McpError::ToolFailed { tool: tool.to_owned(), message: self.inner.http.tame(message) }
    }
}

fn give_up(failure: Failure) -> McpError {
    match failure {
        Failure::SessionExpired => {
            McpError::bad_answer("a session just begun was unknown to the server")
        }
        Failure::Mcp(error) => error,
    }
}
