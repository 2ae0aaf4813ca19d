//! A stand-in MCP server whose every answer a test decides.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{ApiKey, DEFAULT_MAX_BODY_BYTES, McpClient, McpConfig};

pub(super) const KEY: &str = "key-4f1d9c27";

/// What a client sent.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) http_method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) message: Value,
    /// How many calls of this JSON-RPC method came before.
    pub(super) nth: usize,
}

impl Call {
    pub(super) fn method(&self) -> &str {
        self.message["method"].as_str().unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The polite answer to the handshake; none to anything else.
    pub(super) fn handshake(&self) -> Option<Response> {
        match self.method() {
            "initialize" => {
                let mut response = self.result(json!({
                    "protocolVersion": self.message["params"]["protocolVersion"],
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "stub", "version": "1"},
                }));
                let session = format!("session-{}", self.nth);
                response.headers_mut().insert("mcp-session-id", session.parse().unwrap());
                Some(response)
            }
            "notifications/initialized" => Some(StatusCode::ACCEPTED.into_response()),
            _ => None,
        }
    }

    pub(super) fn result(&self, result: Value) -> Response {
        axum::Json(json!({"jsonrpc": "2.0", "id": self.message["id"], "result": result}))
            .into_response()
    }

    pub(super) fn error(&self, status: u16, code: i64, message: &str) -> Response {
        let error = json!({"code": code, "message": message});
        let body = json!({"jsonrpc": "2.0", "id": self.message["id"], "error": error});
        (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
    }

    pub(super) fn text(&self, text: &str) -> Response {
        self.result(json!({"content": [{"type": "text", "text": text}]}))
    }
}

pub(super) fn plain(status: u16, content_type: &str, body: impl Into<Body>) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .body(body.into())
        .unwrap()
}

/// A running stub; it stops when dropped.
pub(super) struct Stub {
    address: String,
    seen: Arc<Mutex<Vec<Call>>>,
    server: JoinHandle<()>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Stub {
    /// Starts a stub that shakes hands politely and leaves the rest to `answer`.
    pub(super) async fn start<F, A>(answer: F) -> Self
    where
        F: Fn(Call) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response> + Send,
    {
        Self::start_rude(move |call| {
            let answer = answer.clone();
            async move {
                match call.handshake() {
                    Some(response) => response,
                    None => answer(call).await,
                }
            }
        })
        .await
    }

    /// Starts a stub that leaves everything to `answer`.
    pub(super) async fn start_rude<F, A>(answer: F) -> Self
    where
        F: Fn(Call) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response> + Send,
    {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = seen.clone();
        let router = Router::new().fallback(move |request: Request| {
            let (record, answer) = (record.clone(), answer.clone());
            async move {
                let call = note(request, &record).await;
                answer(call).await
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, seen, server }
    }

    pub(super) fn client(&self) -> McpClient {
        self.client_with(|_| {})
    }

    pub(super) fn client_with(&self, adjust: impl FnOnce(&mut McpConfig)) -> McpClient {
        client_of(&format!("http://{}/mcp", self.address), adjust)
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The calls so far of one JSON-RPC method (empty for answers to the server's own requests).
    pub(super) fn calls(&self, method: &str) -> Vec<Call> {
        self.all_calls().into_iter().filter(|call| call.method() == method).collect()
    }

    pub(super) fn all_calls(&self) -> Vec<Call> {
        self.seen.lock().unwrap().clone()
    }
}

/// A client of any server.
pub(super) fn client_of(url: &str, adjust: impl FnOnce(&mut McpConfig)) -> McpClient {
    // Another test of the process may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut config = McpConfig {
        base_url: url.parse().unwrap(),
        api_key: Some(ApiKey::new(KEY)),
        timeout: Duration::from_secs(20),
        max_body_bytes: DEFAULT_MAX_BODY_BYTES,
    };
    adjust(&mut config);
    McpClient::new(config).unwrap()
}

async fn note(request: Request, seen: &Mutex<Vec<Call>>) -> Call {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut call = Call {
        http_method: parts.method,
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        message: serde_json::from_slice(&body).unwrap_or_default(),
        nth: 0,
    };
    let mut seen = seen.lock().unwrap();
    call.nth = seen.iter().filter(|earlier| earlier.method() == call.method()).count();
    seen.push(call.clone());
    call
}
