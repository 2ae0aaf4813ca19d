//! AV-1, AV-2, and what every response carries.

use chrono::{DateTime, Utc};
use clap::Parser as _;
use reqwest::Method;
use signalbox_server::cli::Cli;
use signalbox_server::run;
use tokio::net::TcpListener;

use crate::support::{Console, json_of, problem};

#[tokio::test]
async fn av_1_healthz_says_that_the_process_is_alive() {
    let console = Console::start().await;
    let health = json_of(console.visitor().get("/healthz").await, 200).await;
    assert_eq!(health["status"], "ok");
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert!(health["uptime"].as_i64().unwrap() >= 0);
    assert!(health["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn av_2_readyz_names_the_failing_part() {
    let console = Console::start().await;
    let person = console.visitor();
    let ready = json_of(person.get("/readyz").await, 200).await;
    assert_eq!(ready["status"], "ready");
    assert_eq!((&ready["database"], &ready["queues"]), (&"connected".into(), &"healthy".into()));

    console.readiness.stop();
    assert_eq!(json_of(person.get("/readyz").await, 503).await["status"], "stopping");
    console.db.pool.close().await;
    let down = json_of(person.get("/readyz").await, 503).await;
    assert_eq!(down["database"], "unreachable");
}

#[tokio::test]
async fn av_2_signalbox_health_says_whether_the_console_is_ready() {
    let console = Console::start().await;
    let addr = console.base.trim_start_matches("http://");
    let health = || run(Cli::try_parse_from(["signalbox", "health", "--addr", addr]).unwrap());
    health().await.unwrap();
    console.readiness.stop();
    let error = health().await.unwrap_err().to_string();
    assert!(error.contains(addr) && error.contains("stopping"), "{error}");
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let cli = Cli::try_parse_from(["signalbox", "health", "--addr", &gone]).unwrap();
    assert!(run(cli).await.is_err());
}

#[tokio::test]
async fn security_txt_names_whom_to_tell_where_somebody_is_named() {
    let path = "/.well-known/security.txt";
    let nobody = Console::start().await;
    assert_eq!(nobody.visitor().get(path).await.status(), 404);
    let contact = "mailto:security@example.com".to_owned();
    let console = Console::start_with(|parts| {
        parts.security_contact = Some(contact);
        parts.outside.url = Some("https://ops.example.com".to_owned());
    })
    .await;
    let answer = console.visitor().get(path).await;
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    let text = answer.text().await.unwrap();
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    assert_eq!(line("Contact: "), "mailto:security@example.com");
    assert_eq!(line("Canonical: "), format!("https://ops.example.com{path}"));
    let expires: DateTime<Utc> = line("Expires: ").parse().unwrap();
    let days = (expires - console.system.now()).num_days();
    assert!((1..365).contains(&days), "RFC 9116: less than a year ahead");
}

#[tokio::test]
async fn every_response_carries_its_request_id() {
    let console = Console::start().await;
    let person = console.visitor();
    for path in ["/healthz", "/login", "/nothing", "/api/nothing", "/admin"] {
        let id = person.get(path).await.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert!(!id.is_empty(), "{path}");
    }
    let with =
        |id: &'static str| person.request(Method::GET, "/healthz").header("x-request-id", id);
    let kept = with("abc-123").send().await.unwrap();
    assert_eq!(kept.headers()["x-request-id"], "abc-123");
    let replaced = with("<script>").send().await.unwrap();
    assert_ne!(replaced.headers()["x-request-id"], "<script>");
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_in_the_api_and_a_page_elsewhere() {
    let console = Console::start().await;
    let person = console.visitor();
    problem(person.get("/api/nothing").await, 404).await;
    problem(person.get("/api/fn/nothing").await, 404).await;
    let response = person.request(Method::PUT, "/api/auth/login").send().await.unwrap();
    assert_eq!(response.headers()["allow"], "POST");
    problem(response, 405).await;
    let page = person.get("/nothing").await;
    assert_eq!(page.status(), 404);
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
}

#[tokio::test]
async fn browsers_are_told_what_they_may_do() {
    let console = Console::start().await;
    let response = console.visitor().get("/login").await;
    let headers = response.headers().clone();
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("'wasm-unsafe-eval'"));
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    let again = console.visitor().get("/login").await;
    assert!(!again.headers()["content-security-policy"].to_str().unwrap().contains(nonce));
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["referrer-policy"], "same-origin");
    assert_eq!(headers["cache-control"], "no-store");
    assert!(headers.contains_key("permissions-policy"));
    assert!(headers.contains_key("cross-origin-opener-policy"));
    assert!(!headers.contains_key("strict-transport-security"), "meaningless over plain http");
    assert!(response.text().await.unwrap().contains(nonce), "the page's scripts carry the nonce");
}
