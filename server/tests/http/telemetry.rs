//! AV-3, AV-4, ST-2, ST-3: who learns how everything stands, and what they learn.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use signalbox_server::AppParts;
use signalbox_server::network::Networks;

use crate::support::{ADMIN, Console, json_of, problem};

fn allow_listed(parts: &mut AppParts) {
    parts.health_allowlist = Networks::parse("127.0.0.0/8").unwrap();
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

async fn open_breaker(console: &Console) {
    sqlx::query(
        "INSERT INTO circuit_breakers (provider, state, failures, opened_at, retry_at, last_error)
         VALUES ('mcp', 'open', 5, now(), now() + interval '60 s', 'HTTP 500')",
    )
    .execute(&console.db.pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn st_2_a_stranger_learns_that_we_are_here_and_nothing_else() {
    let console = Console::start().await;
    open_breaker(&console).await;
    for path in ["/health", "/api/health"] {
        let health = json_of(console.visitor().get(path).await, 200).await;
        assert_eq!(health, json!({ "status": "ok" }), "{path}");
    }
    let admin = console.admin().await;
    console.set_role("technician").await;
    assert_eq!(json_of(admin.get("/health").await, 200).await, json!({ "status": "ok" }));
}

#[tokio::test]
async fn st_2_signed_in_or_allow_listed_callers_learn_how_the_providers_are() {
    let console = Console::start_with(allow_listed).await;
    open_breaker(&console).await;
    let health = json_of(console.visitor().get("/api/health").await, 200).await;
    assert_eq!(health["status"], "degraded");
    let issue = &health["ingestion"]["issues"][0];
    assert_eq!(keys(issue), ["last_error", "operation", "reason", "source"]);
    assert_eq!((&issue["source"], &issue["reason"]), (&json!("mcp"), &json!("circuit_open")));
    assert_eq!(issue["last_error"], "HTTP 500");
    let mcp = &health["ingestion"]["sources"]["mcp"];
    assert_eq!(mcp["circuit_state"], "open");
    let left = mcp["remaining_cooldown_s"].as_f64().unwrap();
    assert!(left > 50.0 && left <= 60.0, "{left}");
    assert_eq!(
        mcp["operations"]["discovery"],
        json!({ "failed": 0, "limited": 0, "ok": 0, "refused": 0 })
    );
    let admin = console.admin().await;
    assert_eq!(json_of(admin.get("/health").await, 200).await["status"], "degraded");
}

#[tokio::test]
async fn st_2_whoever_is_forwarded_is_not_the_proxy_that_forwards_him() {
    let console = Console::start_with(allow_listed).await;
    let claims = ["127.0.0.1", "10.0.0.1", "127.0.0.1, 127.0.0.1"];
    for claim in claims {
        let request = console.visitor().request(Method::GET, "/health");
        let health = request.header("x-forwarded-for", claim).send().await.unwrap();
        assert_eq!(json_of(health, 200).await, json!({ "status": "ok" }), "{claim}");
    }
    let trusting = Console::start_with(|parts| {
        parts.health_allowlist = Networks::parse("192.0.2.0/24").unwrap();
        parts.proxies = Networks::parse("127.0.0.1").unwrap();
    })
    .await;
    for (client, knows) in
        [("192.0.2.9", true), ("198.51.100.1", false), ("192.0.2.9, 8.8.8.8", false)]
    {
        let request = trusting.visitor().request(Method::GET, "/health");
        let health = request.header("x-forwarded-for", client).send().await.unwrap();
        let health = json_of(health, 200).await;
        assert_eq!(health.get("ingestion").is_some(), knows, "{client}: {health}");
    }
}

#[tokio::test]
async fn a_reading_is_shared_however_many_ask() {
    let console = Console::start_with(allow_listed).await;
    let visitor = console.visitor();
    let reads = (0..40).map(|_| async { json_of(visitor.get("/health").await, 200).await });
    let times: BTreeSet<_> = futures::future::join_all(reads)
        .await
        .into_iter()
        .map(|health| health["as_of"].as_str().unwrap().to_owned())
        .collect();
    // One a second; a slow machine may take more than one.
    assert!(times.len() <= 5, "{} readings for 40 requests", times.len());
}

#[tokio::test]
async fn av_3_the_system_has_the_runbooks_shape() {
    let console = Console::start().await;
    let system =
        json_of(console.admin().await.get("/v1/admin/system").await, 200).await["system"].take();
    assert!(system["uptime"].as_i64().unwrap() >= 0);
    for field in ["used", "total"] {
        assert!(system["memory"][field].as_str().unwrap().ends_with("MB"), "{system}");
    }
    let database = &system["database"];
    assert!(database["connections"].as_i64().unwrap() >= 1);
    assert_eq!(database["maxConnections"], 12);
    for field in ["waiting", "active", "completed"] {
        assert_eq!(system["queues"]["system"][field], 0, "{system}");
    }
    assert_eq!(system["providers"]["mcp"]["status"], "healthy");
    let limit = system["providers"]["mcp"]["rateLimit"].as_str().unwrap();
    let (left, of) = limit.split_once('/').unwrap();
    assert!(left.parse::<i64>().unwrap() > 0 && left == of, "{limit}");
    assert_eq!(system["rateLimits"]["discovery"]["limit"], 30);
    problem(console.visitor().get("/v1/admin/system").await, 401).await;
    problem(console.visitor().get("/v1/nothing").await, 404).await;
}

#[tokio::test]
async fn st_3_the_triage_has_the_runbooks_shape_and_keeps_to_its_list() {
    let console = Console::start_with(|parts| {
        parts.ops_admin_emails = vec!["chief@example.com".to_owned(), ADMIN.to_owned()];
    })
    .await;
    let admin = console.admin().await;
    let triage = json_of(admin.get("/api/ops/queues").await, 200).await;
    assert_eq!(triage["status"], "offline", "no worker is at work");
    assert_eq!(triage["issues"], json!(["no worker takes jobs", "no scheduler leads"]));
    let queue = &triage["queues"]["system"];
    for field in ["size", "deferred", "scheduled", "started", "failed"] {
        assert_eq!(queue[field], 0, "{triage}");
    }
    assert_eq!(triage["workers"], json!([]));
    assert!(triage["scheduler"]["scheduled_jobs"].is_i64());
    assert_eq!(triage["vault"]["status"], "ok");

    let strict = Console::start_with(|parts| {
        parts.ops_admin_emails = vec!["chief@example.com".to_owned()];
    })
    .await;
    let refused = problem(strict.admin().await.get("/api/ops/queues").await, 403).await;
    assert!(refused["detail"].as_str().unwrap().contains("OPS_ADMIN_EMAILS"));
    problem(strict.visitor().get("/api/ops/queues").await, 401).await;
}

/// The figures of a page, which must be as Prometheus wants them.
fn figures(text: &str) -> Vec<(String, f64)> {
    let mut figures = Vec::new();
    let mut family = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().unwrap().to_owned();
        } else if !line.starts_with('#') {
            assert!(line.starts_with(&family), "{line} stands under {family}");
            let (name, value) = line.rsplit_once(' ').unwrap();
            figures.push((name.to_owned(), value.parse().unwrap()));
        }
    }
    let names: BTreeSet<_> = figures.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), figures.len(), "a figure stands twice: {text}");
    figures
}

#[tokio::test]
async fn av_4_metrics_are_prometheus_text_for_those_who_may_read_them() {
    let console = Console::start_with(allow_listed).await;
    open_breaker(&console).await;
    let visitor = console.visitor();
    for n in 0..3 {
        visitor.get(&format!("/nothing/{n}")).await;
        visitor.get(&format!("/api/jobs/{n}")).await;
    }
    let response = visitor.get("/metrics").await;
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = response.text().await.unwrap();
    let figures = figures(&text);
    for name in [
        "http_requests_total",
        "http_request_duration_seconds_bucket",
        "queue_jobs_total",
        "provider_api_calls_total",
        "database_connections_active",
        "signalbox_queue_oldest_seconds",
        "signalbox_workers",
        "process_resident_memory_bytes",
    ] {
        assert!(figures.iter().any(|(figure, _)| figure.split('{').next() == Some(name)), "{name}");
    }
    let value =
        |name: &str| figures.iter().find(|(figure, _)| figure == name).map(|(_, value)| *value);
    assert_eq!(
        value(r#"http_requests_total{method="GET",route="/api/jobs/{id}",status="401"}"#),
        Some(3.0)
    );
    assert_eq!(value(r#"http_requests_total{method="GET",route="none",status="404"}"#), Some(3.0));
    assert_eq!(value(r#"signalbox_breaker_state{provider="mcp",state="open"}"#), Some(1.0));
    assert!(!text.contains("/nothing/"), "what was asked for is no label");

    let closed = Console::start().await;
    problem(closed.visitor().get("/metrics").await, 401).await;
    let admin = closed.admin().await;
    assert_eq!(admin.get("/metrics").await.status(), 200);
    closed.set_role("technician").await;
    problem(admin.get("/metrics").await, 403).await;
}

#[tokio::test]
async fn without_its_database_health_says_so_and_metrics_are_those_of_the_process() {
    let console = Console::start_with(allow_listed).await;
    console.db.pool.close().await;
    let visitor = console.visitor();
    let health = json_of(visitor.get("/health").await, 503).await;
    assert_eq!(health, json!({ "status": "unavailable" }));
    let text = visitor.get("/metrics").await.text().await.unwrap();
    assert!(text.contains("\nsignalbox_database_up 0\n"), "{text}");
    assert!(text.contains("process_start_time_seconds"));
}
