//! Each fault as a client meets it.

use std::time::Duration;

use super::*;
use signalbox_sandbox::{CallResult, Fault, FaultMode, Provider};

/// Longer than any answer takes; only a broken test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

async fn faulty(fault: Fault) -> Sandbox {
    let sandbox = sandbox().await;
    sandbox.set_fault(Provider::Mcp, fault);
    sandbox
}

fn search_calls(sandbox: &Sandbox, result: CallResult) -> u64 {
    sandbox.calls(Provider::Mcp).of("search_engine", result)
}

#[tokio::test]
async fn an_error_has_its_status_and_a_json_body() {
    let sandbox = faulty(Fault::new(FaultMode::Error).status(503)).await;
    let response = raw_search(&sandbox).send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.json::<Value>().await.unwrap()["error"]["message"].is_string());
    assert_eq!(search_calls(&sandbox, CallResult::Error), 1);
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back() {
    let sandbox = faulty(Fault::new(FaultMode::RateLimit).retry_after_s(17)).await;
    let response = raw_search(&sandbox).send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "17");
    assert_eq!(search_calls(&sandbox, CallResult::RateLimit), 1);
}

#[tokio::test]
async fn a_bad_key_is_401() {
    let sandbox = faulty(Fault::new(FaultMode::BadKey)).await;
    assert_eq!(raw_search(&sandbox).send().await.unwrap().status(), 401);
    assert_eq!(search_calls(&sandbox, CallResult::BadKey), 1);
}

#[tokio::test]
async fn bad_json_is_200_and_breaks_off() {
    let sandbox = faulty(Fault::new(FaultMode::BadJson)).await;
    let response = raw_search(&sandbox).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(serde_json::from_str::<Value>(&response.text().await.unwrap()).is_err());
    assert_eq!(search_calls(&sandbox, CallResult::BadJson), 1);
}

#[tokio::test]
async fn a_huge_body_is_64_mib_of_valid_json() {
    let sandbox = faulty(Fault::new(FaultMode::Huge)).await;
    let body = raw_search(&sandbox).send().await.unwrap().bytes().await.unwrap();
    assert!((64 << 20..65 << 20).contains(&body.len()), "{}", body.len());
    assert!(body.starts_with(b"{\"jsonrpc\"") && body.ends_with(b"}]}}"));
    assert_eq!(search_calls(&sandbox, CallResult::Huge), 1);
}

#[tokio::test]
async fn a_slow_answer_is_the_right_one_after_its_latency() {
    let sandbox = faulty(Fault::new(FaultMode::Slow).latency_ms(150)).await;
    let start = std::time::Instant::now();
    let answer: Value = raw_search(&sandbox).send().await.unwrap().json().await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(150));
    assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains("organic"));
    assert_eq!(search_calls(&sandbox, CallResult::Slow), 1);
}

#[tokio::test]
async fn a_hanging_request_is_let_go_when_the_dial_is_turned() {
    let sandbox = faulty(Fault::new(FaultMode::Hang)).await;
    let request = tokio::spawn(raw_search(&sandbox).send());
    sandbox.until_calls(Provider::Mcp, 1).await;
    assert_eq!(search_calls(&sandbox, CallResult::Hang), 1);
    assert!(!request.is_finished());
    sandbox.set_fault(Provider::Mcp, Fault::none());
    let response = tokio::time::timeout(PATIENCE, request).await.expect("let go").unwrap().unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_hanging_request_does_not_keep_the_sandbox_from_stopping() {
    let sandbox = faulty(Fault::new(FaultMode::Hang)).await;
    let request = tokio::spawn(raw_search(&sandbox).send());
    sandbox.until_calls(Provider::Mcp, 1).await;
    tokio::time::timeout(PATIENCE, sandbox.stop()).await.expect("stops");
    tokio::time::timeout(PATIENCE, request).await.expect("answered or cut off").unwrap().ok();
}

#[tokio::test]
async fn a_tool_error_is_the_tools_and_leaves_the_rest_of_the_protocol_alone() {
    let sandbox = faulty(Fault::new(FaultMode::ToolError).message("the post is private")).await;
    let client = connect(&sandbox).await;
    client.list_all_tools().await.unwrap();
    let result = call(&client, "search_engine", json!({"query": "lamps"})).await.unwrap();
    assert_eq!((result.is_error, text(&result)), (Some(true), "the post is private"));
    assert_eq!(search_calls(&sandbox, CallResult::ToolError), 1);
    assert_eq!(sandbox.calls(Provider::Mcp).of("tools/list", CallResult::Ok), 1);
}

#[tokio::test]
async fn an_mcp_client_sees_an_error_for_every_fault_of_the_provider_and_recovers() {
    let sandbox = sandbox().await;
    let client = connect(&sandbox).await;
    for mode in [
        FaultMode::Error,
        FaultMode::RateLimit,
        FaultMode::BadJson,
        FaultMode::BadKey,
        FaultMode::Huge,
    ] {
        sandbox.set_fault(Provider::Mcp, Fault::new(mode).operation("search_engine"));
        let answer =
            tokio::time::timeout(PATIENCE, call(&client, "search_engine", json!({"query": "x"})))
                .await;
        assert!(answer.expect("answers").is_err(), "{mode:?}");
        sandbox.set_fault(Provider::Mcp, Fault::none());
        let client = connect(&sandbox).await;
        ask(&client, "search_engine", json!({"query": "x"})).await;
    }
}

#[tokio::test]
async fn a_fault_can_be_kept_to_one_tool_or_to_one_post() {
    let sandbox = faulty(Fault::new(FaultMode::Error).operation("scrape_as_markdown")).await;
    let posts = sandbox.corpus().posts();
    let status = async |tool: &str, url: &str| {
        raw_call(&sandbox, tool, json!({"url": url})).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("scrape_as_markdown", &posts[0].url).await, 500);
    assert_eq!(status("web_data_tiktok_posts", &posts[0].url).await, 200);
    sandbox.set_fault(Provider::Mcp, Fault::new(FaultMode::Error).matching(posts[1].id.clone()));
    assert_eq!(status("scrape_as_markdown", &posts[0].url).await, 200);
    assert_eq!(status("scrape_as_markdown", &posts[1].url).await, 500);
}

#[tokio::test]
async fn a_rate_fails_the_same_share_of_calls_with_the_same_seed() {
    let failed = async || {
        let sandbox = faulty(Fault::new(FaultMode::Error).rate(0.4)).await;
        let mut failed = Vec::new();
        for _ in 0..60 {
            failed.push(raw_search(&sandbox).send().await.unwrap().status() == 500);
        }
        failed
    };
    let first = failed().await;
    let share = first.iter().filter(|failed| **failed).count();
    assert!((10..=40).contains(&share), "{share} of 60");
    assert_eq!(first, failed().await);
}
