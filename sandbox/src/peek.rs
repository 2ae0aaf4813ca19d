//! Looks into a request for what it asks, without taking it from the provider.

use axum::http::Method;
use serde::Deserialize;
use serde_json::Value;

/// Longer names are cut: they come from outside and are kept as keys.
const MAX_NAME_CHARS: usize = 80;

/// What a JSON-RPC request asks for, as far as it can be told.
#[derive(Debug)]
pub(crate) struct Peek {
    id: Value,
    method: String,
    tool: Option<String>,
    key: Option<String>,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    id: Value,
    method: Option<String>,
    #[serde(default)]
    params: Value,
}

impl Peek {
    /// A POST is told by its body, anything else by its HTTP method.
    pub(crate) fn of(method: &Method, body: &[u8]) -> Self {
        if method == Method::POST {
            Self::of_body(body)
        } else {
            Self { id: Value::Null, method: method.to_string(), tool: None, key: None }
        }
    }

    pub(crate) fn of_body(body: &[u8]) -> Self {
        let Ok(envelope) = serde_json::from_slice::<Envelope>(body) else {
            return Self {
                id: Value::Null,
                method: "unreadable".to_owned(),
                tool: None,
                key: None,
            };
        };
        // A message without a method is the client's answer to a request of ours.
        let method = envelope.method.unwrap_or_else(|| "response".to_owned());
        let tool =
            if method == "tools/call" { envelope.params["name"].as_str().map(short) } else { None };
        Self { id: envelope.id, method: short(&method), tool, key: None }
    }

    /// The same of a request that bears this key.
    pub(crate) fn bearing(mut self, key: Option<&str>) -> Self {
        self.key = key.map(str::to_owned);
        self
    }

    /// The key that the request bears in its header.
    pub(crate) fn key(&self) -> Option<&String> {
        self.key.as_ref()
    }

    /// The tool's name for a tool call, else the method.
    pub(crate) fn operation(&self) -> String {
        self.tool.clone().unwrap_or_else(|| self.method.clone())
    }

    pub(crate) fn is_tool_call(&self) -> bool {
        self.tool.is_some()
    }

    /// The request's JSON-RPC id, `null` if it has none.
    pub(crate) fn id(&self) -> &Value {
        &self.id
    }
}

fn short(name: &str) -> String {
    name.chars().take(MAX_NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn an_operation_is_the_tool_or_the_method() {
        let of = |body: &str| Peek::of_body(body.as_bytes()).operation();
        assert_eq!(
            of(r#"{"id":1,"method":"tools/call","params":{"name":"search_engine"}}"#),
            "search_engine"
        );
        assert_eq!(of(r#"{"id":1,"method":"tools/call"}"#), "tools/call");
        assert_eq!(of(r#"{"id":1,"method":"initialize","params":{"name":"x"}}"#), "initialize");
        assert_eq!(of(r#"{"id":1,"result":{}}"#), "response");
        assert_eq!(of("nonsense"), "unreadable");
        assert_eq!(of(&format!(r#"{{"method":"{}"}}"#, "m".repeat(500))).len(), MAX_NAME_CHARS);
        assert_eq!(Peek::of(&Method::GET, b"").operation(), "GET");
    }
}
