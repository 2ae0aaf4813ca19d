//! The client against servers that behave and servers that do not.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt;
use http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use super::stub::{Call, KEY, Stub, client_of, plain};
use super::{ApiKey, McpConfig, McpError};

const SHORT: Duration = Duration::from_millis(300);

/// Calls a tool of a stub that answers each call with `answer`.
async fn outcome_of(answer: fn(Call) -> Response) -> Result<String, McpError> {
    let stub = Stub::start(move |call| async move { answer(call) }).await;
    stub.client().call_tool("search", json!({"query": "rust"})).await.map(|answer| answer.text)
}

async fn failure_of(answer: fn(Call) -> Response) -> McpError {
    outcome_of(answer).await.expect_err("the call fails")
}

fn assert_bad_answer(error: &McpError, expected: &str) {
    let McpError::BadAnswer { detail } = error else { panic!("{error:?}") };
    assert!(detail.contains(expected), "{detail:?} lacks {expected:?}");
    assert!(error.is_availability());
}

#[tokio::test]
async fn a_json_answer_gives_text_and_structured_content() {
    let stub = Stub::start(|call| async move {
        let content = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
        call.result(json!({"content": content, "structuredContent": call.message["params"]}))
    })
    .await;
    let answer = stub.client().call_tool("search", json!({"n": 3})).await.unwrap();
    assert_eq!(answer.text, "a\nb");
    assert_eq!(answer.json::<Value>().unwrap(), json!({"name": "search", "arguments": {"n": 3}}));
}

#[tokio::test]
async fn the_text_is_read_as_json_where_there_is_no_structured_content() {
    let stub = Stub::start(|call| async move { call.text("[1, 2]") }).await;
    let answer = stub.client().call_tool("search", Value::Null).await.unwrap();
    assert_eq!(answer.json::<Vec<u32>>().unwrap(), [1, 2]);
    assert_bad_answer(&answer.json::<Vec<String>>().unwrap_err(), "expected JSON");
}

#[tokio::test]
async fn an_event_stream_is_read_up_to_the_reply_and_a_ping_in_it_is_answered() {
    let stub = Stub::start(|call| async move {
        if call.method().is_empty() {
            return plain(202, "text/plain", "");
        }
        let note = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {}});
        let ping = json!({"jsonrpc": "2.0", "id": "p1", "method": "ping"});
        let content = json!({"content": [{"type": "text", "text": "héllo"}]});
        let reply = json!({"jsonrpc": "2.0", "id": call.message["id"], "result": content});
        let events = format!(
            ": hi\n\ndata:\n\ndata: {note}\n\ndata: {ping}\n\nevent: message\ndata: {reply}\n\n"
        );
        // The stream stays open after the reply: the client must not wait for its end.
        let open = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from(events))])
            .chain(futures::stream::pending());
        plain(200, "text/event-stream", Body::from_stream(open))
    })
    .await;
    let answer = stub.client().call_tool("search", json!({})).await.unwrap();
    assert_eq!(answer.text, "héllo");
    let pongs = stub.calls("");
    assert_eq!(pongs.len(), 1);
    assert_eq!(pongs[0].message, json!({"jsonrpc": "2.0", "id": "p1", "result": {}}));
}

#[tokio::test]
async fn every_request_carries_the_key_and_after_initialize_the_session_and_the_version() {
    let stub = Stub::start(|call| async move { call.text("ok") }).await;
    let client = stub.client();
    client.call_tool("a", json!({})).await.unwrap();
    client.call_tool("b", json!({})).await.unwrap();
    let calls = stub.all_calls();
    let methods: Vec<&str> = calls.iter().map(Call::method).collect();
    assert_eq!(methods, ["initialize", "notifications/initialized", "tools/call", "tools/call"]);
    for call in &calls {
        assert_eq!(call.http_method, Method::POST);
        assert_eq!(call.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    }
    assert_eq!(calls[0].header("mcp-session-id"), None);
    for call in &calls[1..] {
        assert_eq!(call.header("mcp-session-id"), Some("session-0"));
        assert_eq!(call.header("mcp-protocol-version"), Some("2025-11-25"));
    }
}

#[tokio::test]
async fn concurrent_calls_share_one_session() {
    let barrier = Arc::new(tokio::sync::Barrier::new(8));
    let stub = Stub::start(move |call| {
        let barrier = barrier.clone();
        async move {
            // No call is answered before all have arrived.
            barrier.wait().await;
            call.text(call.message["params"]["arguments"]["n"].to_string().as_str())
        }
    })
    .await;
    let client = stub.client();
    let calls = (0..8).map(|n| {
        let client = client.clone();
        async move { client.call_tool("search", json!({"n": n})).await.unwrap().text }
    });
    let texts = futures::future::join_all(calls).await;
    assert_eq!(texts, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!(stub.calls("initialize").len(), 1);
}

#[tokio::test]
async fn a_hung_call_ends_at_the_deadline_its_connection_is_dropped_and_the_next_call_starts_afresh()
 {
    struct Hung(mpsc::UnboundedSender<()>);
    impl Drop for Hung {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (dropped, mut was_dropped) = mpsc::unbounded_channel();
    let stub = Stub::start(move |call| {
        let hung = (call.nth == 0).then(|| Hung(dropped.clone()));
        async move {
            if hung.is_some() {
                std::future::pending::<()>().await;
            }
            call.text("back")
        }
    })
    .await;
    let client = stub.client_with(|config| config.timeout = SHORT);
    let error = client.call_tool("search", json!({})).await.unwrap_err();
    assert_eq!(error, McpError::Timeout { after: SHORT });
    assert!(error.is_availability());
    let noticed = tokio::time::timeout(Duration::from_secs(10), was_dropped.recv()).await;
    assert_eq!(noticed.expect("the server sees the connection close"), Some(()));
    assert_eq!(client.call_tool("search", json!({})).await.unwrap().text, "back");
    assert_eq!(stub.calls("initialize").len(), 2);
}

#[tokio::test]
async fn the_deadline_covers_initialize() {
    let stub = Stub::start_rude(|_| std::future::pending::<Response>()).await;
    let client = stub.client_with(|config| config.timeout = SHORT);
    assert_eq!(client.list_tools().await, Err(McpError::Timeout { after: SHORT }));
}

#[tokio::test]
async fn a_dribbling_body_ends_at_the_deadline() {
    let stub = Stub::start(|_| async {
        let dribble = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{"))])
            .chain(futures::stream::pending());
        plain(200, "application/json", Body::from_stream(dribble))
    })
    .await;
    let client = stub.client_with(|config| config.timeout = SHORT);
    assert_eq!(
        client.call_tool("search", json!({})).await,
        Err(McpError::Timeout { after: SHORT })
    );
}

#[tokio::test]
async fn a_rate_limit_keeps_retry_after() {
    let retry_after = |seconds| Some(Duration::from_secs(seconds));
    let error = failure_of(|_| {
        Response::builder().status(429).header("retry-after", "17").body(Body::empty()).unwrap()
    })
    .await;
    assert_eq!(error, McpError::RateLimited { retry_after: retry_after(17) });
    assert!(error.is_availability());

    let error = failure_of(|_| {
        let past = "Sun, 06 Nov 1994 08:49:37 GMT";
        Response::builder().status(429).header("retry-after", past).body(Body::empty()).unwrap()
    })
    .await;
    assert_eq!(error, McpError::RateLimited { retry_after: retry_after(0) });

    let error = failure_of(|call| call.error(429, -32000, "slow down")).await;
    assert_eq!(error, McpError::RateLimited { retry_after: None });
}

#[tokio::test]
async fn a_rate_limit_at_initialize_keeps_retry_after() {
    let stub = Stub::start_rude(|_| async {
        Response::builder().status(429).header("retry-after", "3").body(Body::empty()).unwrap()
    })
    .await;
    let error = stub.client().call_tool("search", json!({})).await.unwrap_err();
    assert_eq!(error, McpError::RateLimited { retry_after: Some(Duration::from_secs(3)) });
}

#[tokio::test]
async fn a_server_error_keeps_its_status_and_the_beginning_of_its_words() {
    let error = failure_of(|_| plain(503, "text/html", "<h1>down\n  for repairs</h1>")).await;
    assert_eq!(error, McpError::Status { status: 503, detail: "<h1>down for repairs</h1>".into() });
    assert!(error.is_availability());
}

#[tokio::test]
async fn refused_credentials_are_told_apart() {
    assert_eq!(
        failure_of(|_| plain(401, "text/plain", "no")).await,
        McpError::Credentials { status: 401 }
    );
    assert_eq!(
        failure_of(|c| c.error(403, -32602, "no")).await,
        McpError::Credentials { status: 403 }
    );
}

#[tokio::test]
async fn malformed_answers_are_bad_answers() {
    assert_bad_answer(
        &failure_of(|_| plain(200, "application/json", "{\"jsonrpc\": ")).await,
        "not a JSON-RPC",
    );
    assert_bad_answer(
        &failure_of(|_| plain(200, "application/json", "[]")).await,
        "not a JSON-RPC",
    );
    assert_bad_answer(
        &failure_of(|_| plain(200, "application/json", "{}")).await,
        "does not reply",
    );
    assert_bad_answer(&failure_of(|_| plain(200, "text/html", "<p>")).await, "text/html");
    assert_bad_answer(
        &failure_of(|_| plain(202, "text/plain", "")).await,
        "neither JSON nor events",
    );
    assert_bad_answer(
        &failure_of(|_| plain(200, "text/event-stream", "data: {]\n\n")).await,
        "not a JSON-RPC",
    );
    assert_bad_answer(
        &failure_of(|_| plain(200, "text/event-stream", ": bye\n\n")).await,
        "before the reply",
    );
    assert_bad_answer(
        &failure_of(|call| call.result(json!({"content": 5}))).await,
        "unexpected result",
    );
    assert_bad_answer(&failure_of(|_| plain(418, "text/plain", "teapot")).await, "teapot");
    let error = failure_of(|mut call| {
        call.message["id"] = json!(999_999);
        call.text("someone else's")
    })
    .await;
    assert_bad_answer(&error, "does not reply");
}

#[tokio::test]
async fn an_unknown_protocol_version_is_a_bad_answer() {
    let stub = Stub::start_rude(|call| async move {
        call.result(json!({
            "protocolVersion": "1999-01-01", "capabilities": {}, "serverInfo": {"name": "x", "version": "1"},
        }))
    })
    .await;
    assert_bad_answer(&stub.client().list_tools().await.unwrap_err(), "1999-01-01");
}

#[tokio::test]
async fn a_huge_body_is_refused_without_being_read() {
    for content_type in ["application/json", "text/event-stream"] {
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = sent.clone();
        let stub = Stub::start(move |_| {
            let counter = counter.clone();
            async move {
                let chunk = Bytes::from(vec![b' '; 64 * 1024]);
                let chunks = futures::stream::iter(0..1024).map(move |_| {
                    counter.fetch_add(chunk.len(), Ordering::Relaxed);
                    Ok::<_, std::io::Error>(chunk.clone())
                });
                plain(200, content_type, Body::from_stream(chunks))
            }
        })
        .await;
        let client = stub.client_with(|config| config.max_body_bytes = 1024 * 1024);
        assert_bad_answer(
            &client.call_tool("search", json!({})).await.unwrap_err(),
            "more than 1048576 bytes",
        );
        // What went beyond the bound is what the socket buffers took.
        assert!(
            sent.load(Ordering::Relaxed) < 32 * 1024 * 1024,
            "{content_type}: {sent:?} bytes were sent"
        );
    }
}

#[tokio::test]
async fn a_huge_announced_body_is_refused_by_its_length() {
    let error = failure_of(|_| plain(200, "application/json", vec![b' '; 64 * 1024 * 1024])).await;
    assert_bad_answer(&error, "more than 8388608 bytes");
}

#[tokio::test]
async fn a_failed_tool_speaks_of_the_call_not_of_the_provider() {
    let failed =
        |message: &str| McpError::ToolFailed { tool: "search".into(), message: message.into() };
    let error = failure_of(|call| {
        call.result(json!({"content": [{"type": "text", "text": "no such post"}], "isError": true}))
    })
    .await;
    assert_eq!(error, failed("no such post"));
    assert!(!error.is_availability());
    assert_eq!(failure_of(|c| c.error(200, -32602, "n is missing")).await, failed("n is missing"));
    assert_eq!(failure_of(|c| c.error(400, -32602, "n is missing")).await, failed("n is missing"));
    assert_eq!(failure_of(|c| c.error(200, -32601, "unknown tool")).await, failed("unknown tool"));
    assert_bad_answer(&failure_of(|c| c.error(200, -32603, "oops")).await, "-32603: oops");
}

#[tokio::test]
async fn arguments_that_are_no_object_are_refused_before_anything_is_sent() {
    let stub = Stub::start(|call| async move { call.text("ok") }).await;
    let error = stub.client().call_tool("search", json!([1])).await.unwrap_err();
    assert!(matches!(error, McpError::ToolFailed { .. }), "{error:?}");
    assert!(stub.all_calls().is_empty());
}

#[tokio::test]
async fn a_forgotten_session_is_renewed_once_unnoticed() {
    for forgotten in
        [(|_| plain(404, "text/plain", "session not found")) as fn(Call) -> Response, |call| {
            call.error(400, -32000, "Bad Request: No valid session ID provided")
        }]
    {
        let stub = Stub::start(move |call| async move {
            let is_known = call.header("mcp-session-id") == Some("session-1");
            if is_known { call.text("ok") } else { forgotten(call) }
        })
        .await;
        assert_eq!(stub.client().call_tool("search", json!({})).await.unwrap().text, "ok");
        assert_eq!(stub.calls("initialize").len(), 2);
        assert_eq!(stub.calls("tools/call").len(), 2);
    }
}

#[tokio::test]
async fn a_server_that_forgets_every_session_is_not_asked_for_ever() {
    let stub = Stub::start(|_| async { plain(404, "text/plain", "") }).await;
    assert_bad_answer(&stub.client().call_tool("search", json!({})).await.unwrap_err(), "session");
    assert_eq!(stub.calls("tools/call").len(), 2);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let stub = Stub::start(|call| async move {
        if call.path == "/elsewhere" {
            return call.text("followed");
        }
        Response::builder()
            .status(307)
            .header("location", "/elsewhere")
            .body(Body::empty())
            .unwrap()
    })
    .await;
    assert_bad_answer(&stub.client().call_tool("search", json!({})).await.unwrap_err(), "redirect");
    assert!(stub.all_calls().iter().all(|call| call.path == "/mcp"));
}

#[tokio::test]
async fn tools_are_listed_over_all_pages() {
    let stub = Stub::start(|call| async move {
        let tool = |name: &str| json!({"name": name, "inputSchema": {"type": "object"}});
        match call.message["params"]["cursor"].as_str() {
            None => call.result(json!({"tools": [tool("a"), tool("b")], "nextCursor": "2"})),
            Some(_) => call.result(json!({"tools": [tool("c")]})),
        }
    })
    .await;
    assert_eq!(stub.client().list_tools().await.unwrap(), ["a", "b", "c"]);
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = client_of(&format!("http://{address}/mcp?token=secret-in-query"), |_| {});
    let error = client.call_tool("search", json!({})).await.unwrap_err();
    assert!(matches!(error, McpError::Unreachable { .. }), "{error:?}");
    assert!(error.is_availability());
    assert!(!format!("{error} {error:?}").contains("secret-in-query"));
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let _ = socket.read(&mut [0; 4096]).await;
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
            let _ = socket.write_all(head.as_bytes()).await;
        }
    });
    let error = client_of(&url, |_| {}).list_tools().await.unwrap_err();
    assert!(matches!(error, McpError::Unreachable { .. }), "{error:?}");
    server.abort();
}

#[tokio::test]
async fn no_error_and_no_debug_output_shows_a_secret() {
    let stub = Stub::start(|call| async move {
        let echo =
            format!("denied: {:?} {}", call.header("authorization"), "token=secret-in-query");
        plain(500, "text/plain", echo)
    })
    .await;
    let url = format!("http://{}/mcp?token=secret-in-query", stub.address());
    let client = client_of(&url, |_| {});
    let error = client.call_tool("search", json!({})).await.unwrap_err();
    let config = McpConfig {
        base_url: url.parse().unwrap(),
        api_key: Some(ApiKey::new(KEY)),
        timeout: SHORT,
        max_body_bytes: 1,
    };
    let shown = format!("{error} {error:?} {client:?} {config:?}");
    assert!(shown.contains("denied") && shown.contains("[redacted]"), "{shown}");
    assert!(!shown.contains(KEY) && !shown.contains("secret-in-query"), "{shown}");
}
