//! The runbooks' own commands, typed against a running server. Needs `DATABASE_URL`, `bash`, `curl` and `jq`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Stdio;
use std::time::Duration;

use signalbox_engine::testing::TestDb;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(120);
const EMAIL: &str = "ops@example.com";
const PASSWORD: &str = "correct horse battery staple";

#[tokio::test]
async fn the_runbooks_own_commands_show_what_the_runbooks_say() {
    let db = TestDb::new().await;
    let mut server = Command::new(env!("CARGO_BIN_EXE_signalbox"))
        .env_clear()
        .env("SIGNALBOX_ADDR", "127.0.0.1:0")
        .env("DATABASE_URL", &db.url)
        .env("ADMIN_EMAIL", EMAIL)
        .env("ADMIN_PASSWORD", PASSWORD)
        .env("HEALTH_ALLOWLIST", r#"["127.0.0.1", "::1"]"#)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let url = loop {
        let line = lines.next_line().await.unwrap().expect("the server says where it is");
        if let Some(url) = line.trim().strip_prefix("URL") {
            break url.trim().to_owned();
        }
    };
    let typed = Command::new("bash")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/runbook_commands.sh"))
        .env("BASE_URL", url)
        .env("ADMIN_EMAIL", EMAIL)
        .env("ADMIN_PASSWORD", PASSWORD)
        .kill_on_drop(true)
        .output();
    let typed = tokio::time::timeout(PATIENCE, typed).await.expect("it ends").unwrap();
    let (said, wrong) =
        (String::from_utf8_lossy(&typed.stdout), String::from_utf8_lossy(&typed.stderr));
    assert!(typed.status.success(), "{said}\n{wrong}");
    assert!(said.contains("lines pass"), "{said}");
    server.kill().await.unwrap();
}
