//! OP-7: who may go where.

use reqwest::Method;
use serde_json::json;

use crate::support::{Console, problem};

/// Every guarded API route, and what its body could be.
const API: [(&str, &str); 46] = [
    ("GET", "/api/admin/jobs"),
    ("POST", "/api/admin/jobs"),
    ("GET", "/api/admin/jobs/backfill"),
    ("GET", "/api/admin/config"),
    ("POST", "/api/admin/config"),
    ("GET", "/api/admin/config/preview"),
    ("POST", "/api/admin/config/discovery_rpm/revert"),
    ("POST", "/api/admin/config/discovery_rpm/keep"),
    ("GET", "/api/admin/kill-switch"),
    ("POST", "/api/admin/kill-switch"),
    ("DELETE", "/api/admin/kill-switch"),
    ("GET", "/api/admin/dead-letter-queue"),
    ("POST", "/api/admin/dead-letter-queue"),
    ("DELETE", "/api/admin/dead-letter-queue"),
    ("POST", "/api/admin/dead-letter-queue/groups"),
    ("GET", "/api/admin/breakers"),
    ("GET", "/api/admin/logs"),
    ("GET", "/api/admin/trends"),
    ("GET", "/api/admin/changes"),
    ("GET", "/api/admin/alerts"),
    ("GET", "/api/admin/audit"),
    ("GET", "/api/admin/audit/verify"),
    ("GET", "/api/admin/audit/export"),
    ("GET", "/api/admin/alerts/history"),
    ("POST", "/api/admin/alerts/1/acknowledge"),
    ("GET", "/api/admin/alerts/rules/success-rate"),
    ("POST", "/api/admin/alerts/rules/success-rate"),
    ("POST", "/api/admin/test-alert"),
    ("GET", "/api/admin/runbooks"),
    ("GET", "/api/admin/runbooks/breaker-open"),
    ("POST", "/api/admin/runbooks/breaker-open"),
    ("GET", "/api/admin/runbooks/runs/1"),
    ("GET", "/api/admin/runbooks/runs/1/export"),
    ("GET", "/api/admin/database"),
    ("POST", "/api/admin/database"),
    ("GET", "/api/admin/database/backups"),
    ("GET", "/api/jobs"),
    ("POST", "/api/jobs"),
    ("POST", "/api/jobs/batch"),
    ("POST", "/api/jobs/bulk"),
    ("POST", "/api/jobs/bulk/preview"),
    ("GET", "/api/jobs/1"),
    ("GET", "/api/jobs/1/why"),
    ("POST", "/api/jobs/1/cancel"),
    ("POST", "/api/jobs/1/hold"),
    ("POST", "/api/jobs/1/release"),
];
const EXPORTS: [&str; 2] = ["/api/domains/export", "/api/domains/1/mentions/export"];
const PAGES: [&str; 6] = [
    "/admin",
    "/admin/jobs",
    "/admin/dead-letter-queue",
    "/admin/kill-switch",
    "/admin/exports",
    "/domains",
];

fn method(name: &str) -> Method {
    name.parse().unwrap()
}

#[tokio::test]
async fn op_7_without_a_session_the_api_answers_401_and_pages_lead_to_the_login() {
    let console = Console::start().await;
    let visitor = console.visitor();
    for (name, path) in API {
        problem(visitor.request(method(name), path).json(&json!({})).send().await.unwrap(), 401)
            .await;
    }
    for path in EXPORTS {
        problem(visitor.get(path).await, 401).await;
    }
    for path in PAGES {
        let response = visitor.get(path).await;
        assert_eq!(response.status(), 303, "{path}");
        let login = format!("/login?next={path}");
        assert_eq!(response.headers()["location"], login.as_str());
    }
}

#[tokio::test]
async fn op_7_after_the_login_people_come_back_to_where_they_were() {
    let console = Console::start().await;
    let response = console.visitor().get("/admin/jobs?state=dead&q=a%20b").await;
    let location = response.headers()["location"].to_str().unwrap();
    assert_eq!(location, "/login?next=/admin/jobs%3Fstate%3Ddead%26q%3Da%2520b");
    // Two slashes at the beginning would make it an address on another host.
    let response = console.visitor().get("//admin/jobs").await;
    assert_eq!(response.headers()["location"], "/login?next=/admin/jobs");
    assert_eq!(console.visitor().get("//evil.example/admin").await.status(), 404);
}

#[tokio::test]
async fn op_7_without_the_role_everything_answers_403() {
    let console = Console::start().await;
    let person = console.admin().await;
    for role in ["qa_lead", "technician"] {
        console.set_role(role).await;
        for (name, path) in API {
            let request = person.request(method(name), path).json(&json!({}));
            problem(request.send().await.unwrap(), 403).await;
        }
        let page = person.get("/admin/jobs").await;
        assert_eq!(page.status(), 403, "{role}");
        assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
        let request_id = page.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert!(page.text().await.unwrap().contains(&request_id));
    }
    for path in EXPORTS {
        problem(person.get(path).await, 403).await;
    }
}

#[tokio::test]
async fn a_changed_role_acts_at_once() {
    let console = Console::start().await;
    let person = console.admin().await;
    assert_eq!(person.get("/api/admin/jobs").await.status(), 200);
    console.set_role("qa_lead").await;
    problem(person.get("/api/admin/jobs").await, 403).await;
    assert_eq!(person.get("/api/domains/export").await.status(), 200);
    console.set_role("admin").await;
    assert_eq!(person.get("/api/admin/jobs").await.status(), 200);
}

#[tokio::test]
async fn spelling_the_address_another_way_is_no_way_in() {
    let console = Console::start().await;
    for path in ["//admin", "/%61dmin", "/admin/", "/./admin", "/x/../admin/jobs"] {
        let response = console.visitor().get(path).await;
        assert!(
            response.status() == 303 || response.status() == 404,
            "{path}: {}",
            response.status()
        );
    }
}

#[tokio::test]
async fn with_the_database_gone_guarded_places_answer_503_and_say_nothing_more() {
    let console = Console::start().await;
    let person = console.admin().await;
    console.db.pool.close().await;
    let body = problem(person.get("/api/admin/jobs").await, 503).await;
    assert!(!body.to_string().to_lowercase().contains("pool"), "{body}");
    let page = person.get("/admin").await;
    assert_eq!(page.status(), 503);
    assert!(page.text().await.unwrap().contains("<h1>"));
    assert_eq!(person.get("/healthz").await.status(), 200);
    assert_eq!(person.get("/readyz").await.status(), 503);
}
