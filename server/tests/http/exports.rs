//! OP-12: CSV exports.

use reqwest::Method;

use crate::support::{Console, about, problem};

#[tokio::test]
async fn op_12_domains_come_as_a_csv_file_named_after_filter_and_time() {
    let console = Console::start().await;
    let admin = console.admin().await;
    for filter in ["all", "today", "week", "month"] {
        let response = admin.get(&format!("/api/domains/export?dateFilter={filter}")).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
        let disposition = response.headers()["content-disposition"].to_str().unwrap().to_owned();
        assert!(
            disposition.starts_with(&format!("attachment; filename=\"domains_{filter}_20")),
            "{disposition}"
        );
        assert!(disposition.ends_with("Z.csv\""), "{disposition}");
        let text = response.text().await.unwrap();
        assert!(text.ends_with("\r\n") && text.lines().count() == 1, "a header line: {text:?}");
    }
}

#[tokio::test]
async fn op_12_a_bad_filter_says_what_is_allowed_and_is_no_empty_file() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let bad = problem(admin.get("/api/domains/export?dateFilter=yesterday").await, 400).await;
    assert!(about(&bad, "dateFilter").contains("all, today, week, month"));
    about(
        &problem(admin.get("/api/domains/export?datefilter=week").await, 400).await,
        "datefilter",
    );
    let bad = problem(admin.get("/api/domains/1/mentions/export?since=yesterday").await, 400).await;
    assert!(about(&bad, "since").contains("ISO 8601"));
}

#[tokio::test]
async fn op_12_mentions_of_an_unknown_domain_are_404() {
    let console = Console::start().await;
    let admin = console.admin().await;
    problem(admin.get("/api/domains/4711/mentions/export?since=2026-01-01").await, 404).await;
}

/// Half of a download must not be the answer to whoever uses its connection next.
#[tokio::test]
async fn op_12_a_download_that_nobody_reads_to_its_end_spoils_no_connection() {
    let console = Console::start().await;
    let admin = console.admin().await;
    sqlx::query(
        "INSERT INTO domains (name, display_name, first_seen_at, last_seen_at)
         SELECT n || '.example', n || '.example', now(), now() FROM generate_series(1, 2000) n",
    )
    .execute(&console.db.pool)
    .await
    .unwrap();
    for _ in 0..12 {
        let path = "/api/domains/export";
        assert_eq!(admin.request(Method::HEAD, path).send().await.unwrap().status(), 200);
        drop(admin.get(path).await);
        let asked = (0..4).map(|_| admin.get("/api/auth/me"));
        for answer in futures::future::join_all(asked).await {
            assert_eq!(answer.status(), 200);
        }
    }
}
