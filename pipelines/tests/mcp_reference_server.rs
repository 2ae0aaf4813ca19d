//! The MCP client against the protocol's reference server, over streamable HTTP. Needs node and npm.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;
use signalbox_pipelines::mcp::{DEFAULT_MAX_BODY_BYTES, McpClient, McpConfig, McpError};
use tokio::process::{Child, Command};

const SERVER: &str = "node_modules/@modelcontextprotocol/server-everything/dist/index.js";
const INSTALL_DEADLINE: Duration = Duration::from_secs(180);
const START_DEADLINE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_reference_server_lists_and_runs_its_tools() {
    let server = ReferenceServer::start().await;
    let client = server.client();

    let tools = client.list_tools().await.unwrap();
    for tool in ["echo", "get-sum"] {
        assert!(tools.iter().any(|name| name == tool), "{tool} is not in {tools:?}");
    }

    let answer = client.call_tool("echo", json!({"message": "blocks clear"})).await.unwrap();
    assert_eq!(answer.text, "Echo: blocks clear");

    let answer = client.call_tool("get-sum", json!({"a": 17, "b": 25})).await.unwrap();
    assert!(answer.text.contains("42"), "{answer:?}");

    let answer =
        client.call_tool("get-structured-content", json!({"location": "Chicago"})).await.unwrap();
    let weather: serde_json::Value = answer.json().unwrap();
    assert!(weather["temperature"].is_number(), "{weather}");

    let error = client.call_tool("get-sum", json!({"a": "seventeen"})).await.unwrap_err();
    assert!(matches!(&error, McpError::ToolFailed { tool, .. } if tool == "get-sum"), "{error:?}");
    assert!(!error.is_availability());

    let error = client.call_tool("no-such-tool", json!({})).await.unwrap_err();
    assert!(matches!(error, McpError::ToolFailed { .. }), "{error:?}");
}

#[tokio::test]
async fn a_call_that_takes_too_long_ends_at_its_deadline() {
    let server = ReferenceServer::start().await;
    let client = server.client_with(Duration::from_secs(2));
    client.list_tools().await.unwrap();
    let began = Instant::now();
    let slow =
        client.call_tool("trigger-long-running-operation", json!({"duration": 60, "steps": 5}));
    assert_eq!(slow.await, Err(McpError::Timeout { after: Duration::from_secs(2) }));
    assert!(began.elapsed() < Duration::from_secs(10));
    client.call_tool("echo", json!({"message": "still there"})).await.unwrap();
}

#[tokio::test]
async fn a_restarted_server_is_used_without_a_failed_call() {
    let server = ReferenceServer::start().await;
    let client = server.client();
    client.list_tools().await.unwrap();
    let port = server.port;
    server.stop().await;
    let _server = ReferenceServer::start_on(port).await;
    let answer = client.call_tool("echo", json!({"message": "again"})).await.unwrap();
    assert_eq!(answer.text, "Echo: again");
}

/// A running reference server; it is killed when dropped.
struct ReferenceServer {
    process: Child,
    port: u16,
}

impl ReferenceServer {
    async fn start() -> Self {
        // Free when asked; another process could take it in between, and the start would then fail clearly.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::start_on(port).await
    }

    async fn start_on(port: u16) -> Self {
        let folder = install().await;
        let process = Command::new("node")
            .args([SERVER, "streamableHttp"])
            .current_dir(&folder)
            .env("PORT", port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .expect("`node` starts: this test needs Node.js on the PATH");
        let mut server = Self { process, port };
        server.wait_until_ready().await;
        server
    }

    /// The server says that it listens on its error output only, and late: ask the port.
    async fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + START_DEADLINE;
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("the reference server ended at once: {status}");
            }
            assert!(
                Instant::now() < deadline,
                "the reference server does not listen on port {}",
                self.port
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn stop(mut self) {
        self.process.kill().await.unwrap();
    }

    fn client(&self) -> McpClient {
        self.client_with(Duration::from_secs(30))
    }

    fn client_with(&self, timeout: Duration) -> McpClient {
        // Another test of the process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        McpClient::new(McpConfig {
            base_url: format!("http://127.0.0.1:{}/mcp", self.port).parse().unwrap(),
            api_key: None,
            timeout,
            max_body_bytes: DEFAULT_MAX_BODY_BYTES,
        })
        .unwrap()
    }
}

/// Installs the server as its lock file says, unless it is there, and returns its folder.
async fn install() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mcp-reference");
    // Tests may run in processes of their own: one installs, the others wait for it.
    let lock = File::create(folder.join(".install.lock")).unwrap();
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await.unwrap();
    let lock = lock.unwrap();
    // npm writes this last.
    if !folder.join("node_modules/.package-lock.json").exists() {
        npm_ci(&folder).await;
    }
    lock.unlock().unwrap();
    folder
}

async fn npm_ci(folder: &Path) {
    let install = Command::new("npm")
        .args(["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(folder)
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(INSTALL_DEADLINE, install)
        .await
        .expect("`npm ci` ends in time")
        .expect("`npm` starts: this test needs Node.js and npm on the PATH");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`npm ci` failed in {}:\n{words}", folder.display());
}
