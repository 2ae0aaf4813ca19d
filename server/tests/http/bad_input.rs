//! Bad input: each gets the contract's answer, and nothing changes.

use reqwest::Method;
use serde_json::json;

use crate::support::{Console, about, problem};

#[tokio::test]
async fn op_3_an_unknown_key_and_a_bad_value_name_what_is_allowed() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let path = "/api/admin/config";
    let unknown =
        problem(admin.post(path, json!({ "key": "max_cats", "value": 1 })).await, 422).await;
    assert!(about(&unknown, "key").contains("discovery_rpm"));
    let range =
        problem(admin.post(path, json!({ "key": "discovery_rpm", "value": 0 })).await, 422).await;
    assert!(about(&range, "value").contains("from 1 to 100000"));
    let text =
        problem(admin.post(path, json!({ "key": "discovery_rpm", "value": "9" })).await, 422).await;
    about(&text, "value");
    assert_eq!(
        console.number("SELECT count(*) FROM system_config WHERE updated_by LIKE '%@%'").await,
        0
    );
}

#[tokio::test]
async fn op_3_a_preview_and_an_expiry_that_make_no_sense_are_refused_by_field() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let preview = async |query: &str, status| {
        problem(admin.get(&format!("/api/admin/config/preview?{query}")).await, status).await
    };
    assert!(about(&preview("key=max_cats&value=1", 422).await, "key").contains("discovery_rpm"));
    assert!(about(&preview("key=discovery_rpm&value=0", 422).await, "value").contains("from 1"));
    let no_limit = preview("key=mcp_cb_cooldown_ms&value=1000", 422).await;
    assert!(about(&no_limit, "key").contains("bounds no throughput"));
    preview("key=discovery_rpm", 400).await;
    preview("key=discovery_rpm&value=many", 400).await;
    for minutes in [0, 10_081] {
        let change = json!({ "key": "discovery_rpm", "value": 60, "expiresInMinutes": minutes });
        let refused = problem(admin.post("/api/admin/config", change).await, 422).await;
        about(&refused, "expiresInMinutes");
    }
    problem(admin.post("/api/admin/config/max_cats/revert", json!({})).await, 404).await;
    assert_eq!(console.number("SELECT count(*) FROM temporary_settings").await, 0);
}

#[tokio::test]
async fn malformed_json_is_400_and_other_media_types_are_415() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let send = async |media_type: &str, body: &'static str| {
        let request =
            admin.request(Method::POST, "/api/admin/config").header("content-type", media_type);
        request.body(body).send().await.unwrap()
    };
    problem(send("application/json", "{\"key\":").await, 400).await;
    problem(send("application/json", "").await, 400).await;
    problem(send("application/json", "\u{feff}{}").await, 400).await;
    problem(send("text/plain", "{}").await, 415).await;
    problem(send("application/x-www-form-urlencoded", "key=a").await, 415).await;
}

#[tokio::test]
async fn a_10_mb_body_is_413() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let json = |bytes: Vec<u8>| {
        admin
            .request(Method::POST, "/api/jobs")
            .header("content-type", "application/json")
            .body(bytes)
    };
    problem(json(vec![b' '; 10 * 1024 * 1024]).send().await.unwrap(), 413).await;
    let chunks =
        futures::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(vec![b' '; 64 * 1024])));
    let unannounced = admin
        .request(Method::POST, "/api/jobs")
        .header("content-type", "application/json")
        .body(reqwest::Body::wrap_stream(chunks));
    problem(unannounced.send().await.unwrap(), 413).await;
    let form = admin.request(Method::POST, "/api/fn/sign_in").body(vec![b'a'; 10 * 1024 * 1024]);
    assert_eq!(form.send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn op_6_an_unknown_dead_letter_is_404() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let path = "/api/admin/dead-letter-queue";
    problem(admin.post(path, json!({ "dlqId": 4711 })).await, 404).await;
    problem(admin.delete(path, json!({ "dlqId": 4711 })).await, 404).await;
    about(&problem(admin.post(path, json!({})).await, 422).await, "dlqId");
    about(&problem(admin.post(path, json!({ "dlqId": "x" })).await, 422).await, "dlqId");
}

#[tokio::test]
async fn op_7_a_foreign_requested_by_is_403_everywhere() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let other = "someone.else@example.com";
    let switch = "/api/admin/kill-switch";
    let letters = "/api/admin/dead-letter-queue";
    let reason = json!({ "reason": "because", "requestedBy": other });
    problem(admin.post(switch, reason.clone()).await, 403).await;
    problem(admin.delete(switch, reason).await, 403).await;
    problem(admin.post(letters, json!({ "dlqId": 1, "requestedBy": other })).await, 403).await;
    problem(admin.delete(letters, json!({ "dlqId": 1, "requestedBy": other })).await, 403).await;
    let discovery = json!({ "action": "trigger_discovery", "requestedBy": other });
    problem(admin.post("/api/admin/jobs", discovery).await, 403).await;
    let setting = json!({ "key": "discovery_rpm", "value": 9, "requestedBy": other });
    problem(admin.post("/api/admin/config", setting).await, 403).await;
}

#[tokio::test]
async fn op_4_a_missing_reason_is_422_and_the_switch_stays() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let path = "/api/admin/kill-switch";
    for body in [
        json!({}),
        json!({ "reason": "" }),
        json!({ "reason": "  \n" }),
        json!({ "reason": "x".repeat(501) }),
    ] {
        about(&problem(admin.post(path, body).await, 422).await, "reason");
    }
    assert_eq!(console.number("SELECT count(*) FROM kill_switch WHERE active").await, 0);
}

#[tokio::test]
async fn hostile_queries_are_answered_with_400_or_an_empty_page() {
    let console = Console::start().await;
    let admin = console.admin().await;
    problem(admin.get("/api/jobs?state=lost").await, 400).await;
    problem(admin.get("/api/jobs?limit=ten").await, 400).await;
    problem(admin.get("/api/jobs?cursor=99999999999999999999").await, 400).await;
    for query in ["q=%00", "q=%27%3B--", "kind=%F0%9F%92%A5", "limit=-1", "cursor=-1", "q=%FF"] {
        let status = admin.get(&format!("/api/jobs?{query}")).await.status().as_u16();
        assert!(status < 500, "{query}: {status}");
    }
}
