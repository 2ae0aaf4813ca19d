//! Open pages are told of changes, and how the whole did over time is told by API (OP-8).

use std::time::Duration;

use futures::FutureExt as _;
use reqwest::Response;
use serde_json::json;
use signalbox_engine::changes::Changes;

use crate::support::{Console, json_of, problem};

/// What the stream says next; none when it has ended.
async fn next(stream: &mut Response) -> Option<String> {
    let said = tokio::time::timeout(Duration::from_secs(10), stream.chunk()).await;
    let said = said.expect("a word within 10 s").unwrap()?;
    Some(String::from_utf8(said.to_vec()).unwrap())
}

#[tokio::test]
async fn an_open_page_is_told_of_a_change_without_its_facts_until_the_console_stops() {
    let mut changes: Option<Changes> = None;
    let console = Console::start_with(|parts| changes = Some(parts.changes.clone())).await;
    let changes = changes.unwrap();
    let admin = console.admin().await;
    let mut stream = admin.get("/api/admin/changes").await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");

    // Whatever happened before somebody listens is not told: enqueue until it is.
    let enqueue = async {
        loop {
            admin.post("/api/jobs", json!({ "kind": "system.noop" })).await;
        }
    };
    let told = tokio::select! {
        told = next(&mut stream) => told,
        () = enqueue => unreachable!("it never ends"),
    };
    assert_eq!(told.as_deref(), Some("data: changed\n\n"));

    let told_again = changes.from_now_on().next().now_or_never();
    assert_eq!(told_again, None, "a page that is opened now has read that change already");

    changes.end();
    while next(&mut stream).await.is_some() {}
}

#[tokio::test]
async fn op_8_the_trends_come_by_api_and_an_unknown_span_is_named() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let trends = json_of(admin.get("/api/admin/trends?span=6h").await, 200).await;
    assert_eq!(trends["span"], "6h");
    assert_eq!(trends["points"].as_array().unwrap().len(), 72);
    assert_eq!(trends["points"][0]["completed"], 0);
    let refused = problem(admin.get("/api/admin/trends?span=1y").await, 400).await;
    assert!(refused["detail"].as_str().unwrap().contains("1y"), "{refused}");
}
