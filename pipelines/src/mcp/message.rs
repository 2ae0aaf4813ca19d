//! The JSON-RPC 2.0 envelope.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// JSON-RPC: no such method.
pub(super) const METHOD_NOT_FOUND: i64 = -32601;
/// JSON-RPC: the parameters are refused.
pub(super) const INVALID_PARAMS: i64 = -32602;

/// A request of ours, which wants a reply with the same id.
#[derive(Debug, Serialize)]
pub(super) struct Request {
    jsonrpc: &'static str,
    pub(super) id: u64,
    method: &'static str,
    params: Value,
}

impl Request {
    pub(super) fn new(id: u64, method: &'static str, params: Value) -> Self {
        Self { jsonrpc: "2.0", id, method, params }
    }
}

/// Anything a server may send: a reply, or a request or notification of its own.
#[derive(Debug, Deserialize)]
pub(super) struct Incoming {
    id: Option<Value>,
    method: Option<String>,
    result: Option<Value>,
    error: Option<RpcError>,
}

/// A JSON-RPC error.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct RpcError {
    pub(super) code: i64,
    #[serde(default)]
    pub(super) message: String,
}

impl RpcError {
    /// Whether the call is at fault rather than the server.
    pub(super) fn blames_the_call(&self) -> bool {
        matches!(self.code, METHOD_NOT_FOUND | INVALID_PARAMS)
    }

    /// Some servers refuse a forgotten session with an error of their own instead of HTTP 404.
    pub(super) fn is_unknown_session(&self) -> bool {
        self.code == -32000 && self.message.to_ascii_lowercase().contains("session")
    }
}

/// The reply to a request.
pub(super) type Reply = Result<Value, RpcError>;

/// What an incoming message means to the request with a given id.
#[derive(Debug)]
pub(super) enum Meaning {
    /// The reply to it.
    Reply(Reply),
    /// A request of the server's, and what to answer.
    Asked(Value),
    /// A notification, or a reply to something else.
    Other,
}

impl Incoming {
    pub(super) fn meaning_for(self, request_id: u64) -> Meaning {
        if let Some(method) = self.method {
            return match self.id {
                Some(id) => Meaning::Asked(answer_to(&method, id)),
                None => Meaning::Other,
            };
        }
        let is_ours = match &self.id {
            Some(Value::Number(id)) => id.as_u64() == Some(request_id),
            Some(Value::String(id)) => id.parse() == Ok(request_id),
            _ => false,
        };
        match (is_ours, self.error, self.result) {
            (true, Some(error), _) => Meaning::Reply(Err(error)),
            (true, None, Some(result)) => Meaning::Reply(Ok(result)),
            _ => Meaning::Other,
        }
    }

    /// The error of an HTTP refusal, whose id is often missing.
    pub(super) fn into_error(self) -> Option<RpcError> {
        self.error
    }
}

/// We offer no capabilities, so a server may only ping.
fn answer_to(method: &str, id: Value) -> Value {
    if method == "ping" {
        json!({"jsonrpc": "2.0", "id": id, "result": {}})
    } else {
        let error = json!({"code": METHOD_NOT_FOUND, "message": "not supported by this client"});
        json!({"jsonrpc": "2.0", "id": id, "error": error})
    }
}
