//! Secrets reach neither the database nor the logs (Done 4): planted everywhere, said back by a
//! provider, and searched for in a dump of everything and in all that the process has said.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use signalbox_engine::testing::{TestDb, dump};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

const PATIENCE: Duration = Duration::from_secs(60);
const ADMIN: &str = "ada@example.com";
/// What the process is given, and must keep to itself. All begin so.
const PLANTED: &str = "planted";
const PASSWORD: &str = "planted-password-1b7e";
const WRONG_PASSWORD: &str = "planted-wrong-password-2c8f";
const ENVIRONMENT_KEY: &str = "planted-environment-key-3d90";
const VAULT_KEY: &str = "planted-vault-key-4ea1";
const WEBHOOK_SECRET: &str = "planted-webhook-secret-5fb2";
const WEBHOOK_PATH: &str = "planted-webhook-path-60c3";
/// `planted-master-key-0123456789ab!` in base64.
const MASTER_KEY: &str = "cGxhbnRlZC1tYXN0ZXIta2V5LTAxMjM0NTY3ODlhYiE=";

/// A server that says every key back that it is sent: an MCP provider, and what alerts are posted to.
async fn parrot() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

async fn answer(headers: HeaderMap, body: String) -> Response {
    let heard = format!("{headers:?} {body}");
    let message: Value = serde_json::from_str(&body).unwrap_or_default();
    let result = |result: Value| {
        axum::Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }))
            .into_response()
    };
    let outage = || (StatusCode::INTERNAL_SERVER_ERROR, heard.clone()).into_response();
    match message["method"].as_str() {
        Some("initialize") => result(json!({
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "parrot", "version": "1" },
        })),
        Some("notifications/initialized") => StatusCode::ACCEPTED.into_response(),
        Some("tools/call") if body.contains("rejected") => {
            let content = json!([{ "type": "text", "text": format!("you sent {heard}") }]);
            result(json!({ "content": content, "isError": true }))
        }
        _ => outage(),
    }
}

/// Everything that is said there, as it comes.
fn listen_to(said: impl AsyncRead + Unpin + Send + 'static) -> Arc<Mutex<String>> {
    let heard = Arc::new(Mutex::new(String::new()));
    let into = heard.clone();
    tokio::spawn(async move {
        let mut lines = BufReader::new(said).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            *into.lock().unwrap() += &format!("{line}\n");
        }
    });
    heard
}

/// Looks until `look` finds something.
async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect(what)
}

fn start(db: &TestDb, parrot: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_signalbox"))
        .env_clear()
        .args(["--addr", "127.0.0.1:0", "--database-url", &db.url])
        .env("RUST_LOG", "trace")
        .env("ADMIN_EMAIL", ADMIN)
        .env("ADMIN_PASSWORD", PASSWORD)
        .env("SIGNALBOX_VAULT_KEY", MASTER_KEY)
        .env("MCP_BASE_URL", format!("{parrot}/mcp"))
        .env("MCP_API_KEY", ENVIRONMENT_KEY)
        .env("ALERT_WEBHOOK_URL", format!("{parrot}/{WEBHOOK_PATH}"))
        .env("ALERT_WEBHOOK_SECRET", WEBHOOK_SECRET)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Calls the provider with whatever key there is, so that it says it back: a job that it rejects, and
/// one that it fails.
async fn call(client: &reqwest::Client, base: &str) {
    for query in ["rejected", "failed"] {
        let payload = json!({ "limit": 1, "query": query });
        let job = json!({ "kind": "domains.discovery", "payload": payload, "maxAttempts": 1 });
        let made = client.post(format!("{base}/api/jobs")).json(&job).send().await.unwrap();
        assert_eq!(made.status(), 201);
    }
}

#[tokio::test]
async fn av_7_planted_secrets_are_neither_in_the_database_nor_in_the_logs() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (db, parrot) = (TestDb::new().await, parrot().await);
    let mut process = start(&db, &parrot);
    let said = listen_to(process.stdout.take().unwrap());
    let logged = listen_to(process.stderr.take().unwrap());
    let base = until("the address", async || {
        let said = said.lock().unwrap();
        let line = said.lines().find(|line| line.contains("URL"))?;
        line.split_whitespace().last().map(str::to_owned)
    })
    .await;
    let client = reqwest::Client::builder().cookie_store(true).build().unwrap();
    let post = async |path: &str, body: Value| {
        client.post(format!("{base}{path}")).json(&body).send().await.unwrap()
    };
    let wrong = json!({ "email": ADMIN, "password": WRONG_PASSWORD });
    assert_eq!(post("/api/auth/login", wrong).await.status(), 401);
    let right = json!({ "email": ADMIN, "password": PASSWORD });
    assert_eq!(post("/api/auth/login", right).await.status(), 204);

    let provider = "/api/admin/providers/mcp";
    let letters = async |wanted: usize| {
        let list = client.get(format!("{base}/api/admin/dead-letter-queue"));
        let list: Value = list.send().await.unwrap().json().await.unwrap();
        (list["items"].as_array().unwrap().len() == wanted).then_some(())
    };
    call(&client, &base).await;
    until("the letter of the first key", async || letters(1).await).await;
    let set = post(provider, json!({ "action": "set_key", "key": VAULT_KEY })).await;
    assert_eq!(set.status(), 200);
    call(&client, &base).await;
    until("the letter of the second key", async || letters(2).await).await;
    assert_eq!(post(provider, json!({ "action": "test" })).await.status(), 200);
    assert_eq!(post("/api/admin/test-alert", json!({})).await.status(), 202);
    let outage = async || {
        let breakers = client.get(format!("{base}/api/admin/breakers"));
        let breakers: Value = breakers.send().await.unwrap().json().await.unwrap();
        breakers["breakers"][0]["lastError"].as_str().map(str::to_owned)
    };
    let outage = until("the outage", outage).await;

    let dump = dump(&db.pool).await.unwrap();
    let logs = logged.lock().unwrap().clone() + &said.lock().unwrap();
    // The search would have found them: what was said back is there, without the keys.
    assert!(outage.contains("[redacted]"), "{outage}");
    assert!(dump.contains("you sent") && dump.contains("[redacted]"), "nothing was said back");
    assert!(logs.contains("failed for good") && logs.lines().count() > 100, "nothing was logged");
    for (place, text) in [("the database", &dump), ("the logs", &logs)] {
        for planted in [PLANTED, MASTER_KEY, &hex(PLANTED)] {
            let found = text.lines().find(|line| line.contains(planted));
            assert_eq!(found, None, "{planted} is in {place}");
        }
    }
    process.kill().await.unwrap();
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}
