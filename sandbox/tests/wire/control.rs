//! The control routes: the dial, the counts, health.

use super::*;
use signalbox_sandbox::{CallCounts, CallResult, FaultMode, Provider};

async fn put_fault(sandbox: &Sandbox, provider: &str, body: &str) -> (u16, String, Value) {
    let url = format!("{}/_faults/{provider}", sandbox.base_url());
    let response = http().put(url).body(body.to_owned()).send().await.unwrap();
    let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    (status, kind.unwrap_or_default(), response.json().await.unwrap_or_default())
}

async fn get(sandbox: &Sandbox, path: &str) -> (u16, Value) {
    let response = http().get(format!("{}{path}", sandbox.base_url())).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn the_dial_is_turned_and_read_over_http() {
    let sandbox = sandbox().await;
    let body = r#"{"mode":"rate_limit","rate":1,"retryAfterS":3,"operation":"search_engine"}"#;
    assert_eq!(put_fault(&sandbox, "mcp", body).await.0, 204);
    assert_eq!(sandbox.fault(Provider::Mcp).mode, FaultMode::RateLimit);
    let (status, fault) = get(&sandbox, "/_faults/mcp").await;
    assert_eq!(
        (status, &fault["mode"], &fault["retryAfterS"]),
        (200, &json!("rate_limit"), &json!(3))
    );
    assert_eq!(raw_search(&sandbox).send().await.unwrap().status(), 429);
    assert_eq!(put_fault(&sandbox, "mcp", r#"{"mode":"none"}"#).await.0, 204);
    assert_eq!(raw_search(&sandbox).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_bad_setting_is_refused_with_what_is_allowed_and_changes_nothing() {
    let sandbox = sandbox().await;
    let (status, kind, problem) =
        put_fault(&sandbox, "mcp", r#"{"mode":"explode","rate":2}"#).await;
    assert_eq!((status, kind.as_str()), (422, "application/problem+json"));
    assert_eq!(problem["errors"][0]["field"], "mode");
    for (name, _) in FaultMode::ALL {
        assert!(problem["errors"][0]["message"].as_str().unwrap().contains(name), "{problem}");
    }
    assert_eq!(problem["errors"][1]["field"], "rate");
    assert_eq!(put_fault(&sandbox, "mcp", "not json").await.0, 400);
    assert_eq!(put_fault(&sandbox, "mcp", "[]").await.0, 422);
    assert_eq!(sandbox.fault(Provider::Mcp).mode, FaultMode::None);
}

#[tokio::test]
async fn an_unknown_provider_is_404_and_names_the_known_ones() {
    let sandbox = sandbox().await;
    let (status, _, problem) = put_fault(&sandbox, "telegraph", r#"{"mode":"none"}"#).await;
    assert_eq!(status, 404);
    assert!(problem["detail"].as_str().unwrap().contains("mcp"), "{problem}");
    assert_eq!(get(&sandbox, "/_calls/telegraph").await.0, 404);
    assert_eq!(get(&sandbox, "/nowhere").await.0, 404);
}

#[tokio::test]
async fn calls_are_counted_by_operation_and_result_until_reset() {
    let sandbox = sandbox().await;
    let client = connect(&sandbox).await;
    for _ in 0..3 {
        ask(&client, "search_engine", json!({"query": "lamps"})).await;
    }
    let (_, body) = get(&sandbox, "/_calls/mcp?windowMs=3600000").await;
    assert_eq!(body["operations"]["search_engine"]["ok"], 3);
    assert_eq!(body["operations"]["search_engine"]["error"], 0);
    assert_eq!(body["operations"]["search_engine"]["maxInWindow"], 3);
    assert_eq!(body["operations"]["initialize"]["ok"], 1);
    let counts: CallCounts = serde_json::from_value(body).unwrap();
    assert_eq!(
        counts.total,
        counts.operations.keys().map(|operation| counts.ended(operation)).sum::<u64>()
    );
    let (_, body) = get(&sandbox, "/_calls/mcp").await;
    assert!(body["operations"]["search_engine"].get("maxInWindow").is_none());

    let reset = http().delete(format!("{}/_calls/mcp", sandbox.base_url())).send().await.unwrap();
    assert_eq!(reset.status(), 204);
    assert_eq!(get(&sandbox, "/_calls/mcp").await.1, json!({"total": 0, "operations": {}}));
    assert_eq!(sandbox.calls(Provider::Mcp).of("search_engine", CallResult::Ok), 0);
}

#[tokio::test]
async fn a_limit_is_counted_told_in_headers_refused_beyond_and_lifted() {
    let sandbox = sandbox().await;
    let url = format!("{}/_limits/mcp", sandbox.base_url());
    let put = async |body: &'static str| http().put(&url).body(body).send().await.unwrap();
    assert_eq!(get(&sandbox, "/_limits/mcp").await, (200, Value::Null));
    assert_eq!(put(r#"{"perMinute":0}"#).await.status(), 422);
    assert_eq!(put(r#"{"perMinute":2}"#).await.status(), 204);
    for (status, remaining) in [(200, "1"), (200, "0"), (429, "0")] {
        let answer = raw_search(&sandbox).send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["ratelimit-limit"], "2");
        assert_eq!(answer.headers()["ratelimit-remaining"], remaining);
        let reset_s: u64 = answer.headers()["ratelimit-reset"].to_str().unwrap().parse().unwrap();
        assert!((50..=60).contains(&reset_s), "{reset_s}");
        assert_eq!(answer.headers().contains_key("retry-after"), status == 429);
    }
    assert_eq!(sandbox.calls(Provider::Mcp).of("search_engine", CallResult::RateLimit), 1);
    sandbox.advance_limit(Provider::Mcp, std::time::Duration::from_secs(60));
    assert_eq!(raw_search(&sandbox).send().await.unwrap().status(), 200);
    assert_eq!(get(&sandbox, "/_limits/mcp").await.1["remaining"], 1);
    assert_eq!(http().delete(&url).send().await.unwrap().status(), 204);
    let answer = raw_search(&sandbox).send().await.unwrap();
    assert!(!answer.headers().contains_key("ratelimit-limit"));
}

#[tokio::test]
async fn a_window_that_is_no_window_is_refused() {
    let sandbox = sandbox().await;
    for window in ["0", "-5", "soon", ""] {
        let (status, problem) = get(&sandbox, &format!("/_calls/mcp?windowMs={window}")).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("windowMs")));
    }
}

#[tokio::test]
async fn health_says_what_it_answers_with() {
    let sandbox = sandbox().await;
    let (status, body) = get(&sandbox, "/healthz").await;
    assert_eq!((status, body), (200, json!({"status": "ok", "corpus": "fixture", "posts": 45})));
}

#[tokio::test]
async fn a_stopped_sandbox_lets_go_of_its_port() {
    let sandbox = sandbox().await;
    let addr = sandbox.addr();
    sandbox.stop().await;
    tokio::net::TcpListener::bind(addr).await.expect("the port is free again");
}
