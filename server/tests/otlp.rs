//! Traces reach a collector (AV-10): the binary with the feature `otlp`, and a stand-in that takes
//! what OTLP sends over HTTP. Needs `DATABASE_URL`, and `--features otlp`.
#![cfg(feature = "otlp")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Stdio;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use http::HeaderMap;
use signalbox_engine::testing::TestDb;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::mpsc;

#[tokio::test]
async fn av_10_requests_and_runs_of_jobs_reach_the_collector_before_the_process_has_ended() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (send, mut sent) = mpsc::unbounded_channel();
    let take = move |headers: HeaderMap, body: Bytes| async move {
        let _ = send.send((headers, body));
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let collector = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/v1/traces", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

    let db = TestDb::new().await;
    let job: i64 = sqlx::query_scalar(
        "INSERT INTO jobs_ready (kind, queue, priority, payload, max_attempts, created_at, run_at)
         VALUES ('system.noop', 'system', 5, '{}', 3, now(), now()) RETURNING id",
    )
    .fetch_one(&db.pool)
    .await
    .unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_signalbox"))
        .env_clear()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{collector}/"))
        .args(["--addr", "127.0.0.1:0", "--database-url", &db.url, "--environment", "trial"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let url = loop {
        let line = lines.next_line().await.unwrap().expect("it starts");
        if let Some((_, url)) = line.split_once("URL       ") {
            break url.trim().to_owned();
        }
    };
    reqwest::get(format!("{url}/api/auth/me")).await.unwrap();
    let finished = async {
        let count = "SELECT count(*) FROM jobs_finished WHERE id = $1";
        while sqlx::query_scalar::<_, i64>(count).bind(job).fetch_one(&db.pool).await.unwrap() == 0
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), finished).await.expect("the job runs");
    let id = process.id().unwrap().to_string();
    Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
    tokio::time::timeout(Duration::from_secs(45), process.wait()).await.expect("it ends").unwrap();

    let mut traces = Vec::new();
    while let Ok((headers, body)) = sent.try_recv() {
        assert_eq!(headers["content-type"], "application/x-protobuf");
        traces.extend_from_slice(&body);
    }
    // Names and texts stand in protobuf as they are.
    let has = |text: &str| traces.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    for text in ["signalbox", "trial", "/api/auth/me", "system.noop", "job.ending", "completed"] {
        assert!(has(text), "{text} was not sent in {} bytes", traces.len());
    }
}
