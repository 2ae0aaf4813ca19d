//! `signalbox doctor`, as an operator runs it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use signalbox_engine::clock::SystemClock;
use signalbox_engine::jobs::{Registry, register};
use signalbox_engine::testing::TestDb;
use signalbox_engine::{Ctx, SharedClock, fleet};
use signalbox_model::actor::Actor;
use signalbox_model::fleet::Part;
use tokio::process::Command;

/// Its lines, and whether it found nothing wrong.
async fn doctor(database_url: &str) -> (String, bool) {
    let ran = Command::new(env!("CARGO_BIN_EXE_signalbox"))
        .env_clear()
        .arg("doctor")
        .env("DATABASE_URL", database_url)
        .env("MCP_BASE_URL", "http://127.0.0.1:9/mcp")
        .env("SIGNALBOX_SITE_ROOT", "/nowhere")
        .output()
        .await
        .unwrap();
    (String::from_utf8(ran.stdout).unwrap(), ran.status.success())
}

#[tokio::test]
async fn st_1_the_doctor_says_what_is_wrong_and_who_is_at_work() {
    let database = TestDb::new().await;
    let clock: SharedClock = SystemClock::shared();
    let (said, well) = doctor(&database.url).await;
    assert!(!well, "{said}");
    // The tests' own server throws its data away.
    assert!(said.contains("FAIL  durability: off: fsync, full_page_writes."), "{said}");
    assert!(said.contains("FAIL  browser files: /nowhere/pkg/manifest.json is missing"), "{said}");
    assert!(said.contains("note  workers: none takes jobs"), "{said}");
    assert!(said.contains("note  scheduler: none leads"), "{said}");
    assert!(said.contains("ok    provider: "), "{said}");
    assert!(said.contains("note  last verified backup: there is none"), "{said}");
    assert!(said.contains("ok    backup programs: pg_dump and pg_restore in "), "{said}");

    let registry = Registry::builder().build();
    let lease = Duration::from_secs(60);
    register(&database.pool, &registry, "web-1:7", lease, clock.now()).await.unwrap();
    let ctx = Ctx::new(database.pool.clone(), clock, Actor::system("test"));
    assert!(doctor(&database.url).await.0.contains("ok    workers: 1 takes jobs"));
    fleet::stop(&ctx, &Part::Workers, "new machines").await.unwrap();
    let (said, _) = doctor(&database.url).await;
    assert!(said.contains("note  workers: all stopped by system:test: new machines"), "{said}");
}

#[tokio::test]
async fn st_1_the_doctor_says_that_the_database_does_not_answer() {
    let (said, well) = doctor("postgres://nobody@127.0.0.1:9/nothing").await;
    assert!(!well && said.contains("FAIL  database: cannot connect to the database"), "{said}");
}
