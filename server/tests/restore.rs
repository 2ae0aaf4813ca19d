//! `signalbox restore`, as an operator runs it after a loss (JS-7).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use signalbox_engine::backups::{self, Place};
use signalbox_engine::clock::SystemClock;
use signalbox_engine::jobs::{Registry, enqueue};
use signalbox_engine::testing::{TestDb, TestWorker};
use signalbox_engine::{Ctx, SharedClock};
use signalbox_model::actor::Actor;
use signalbox_model::job::NewJob;
use tokio::process::Command;

/// What it said, and whether it succeeded.
async fn restore(database_url: &str, file: &Path) -> (String, bool) {
    let ran = Command::new(env!("CARGO_BIN_EXE_signalbox"))
        .env_clear()
        .args([Path::new("restore"), file])
        .env("DATABASE_URL", database_url)
        .output()
        .await
        .unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    (String::from_utf8(said).unwrap(), ran.status.success())
}

async fn drop_everything(db: &TestDb) {
    for sql in ["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"] {
        sqlx::query(sql).execute(&db.pool).await.unwrap();
    }
}

/// Contract, Done when 7: backup, destroy, restore; the same rows, verified by the product itself.
#[tokio::test]
async fn js_7_a_database_is_backed_up_destroyed_and_restored_by_the_binary() {
    let dir = std::env::temp_dir().join(format!("signalbox-restore-test-{}", std::process::id()));
    let place = Place::new(dir.clone(), Arc::new(|| Box::pin(signalbox_cluster::program_dirs())));
    let db = TestDb::new().await;
    let clock: SharedClock = SystemClock::shared();
    let registry = Registry::builder().build().with(|kinds| backups::register(kinds, place));
    let worker = TestWorker::new(&db.pool, clock.clone(), &registry).await.unwrap();
    let ctx = Ctx::new(db.pool.clone(), clock, Actor::system("test"));
    for n in 0..20 {
        let job = NewJob::new("system.noop", json!({ "n": n }));
        enqueue::enqueue(&ctx, &registry, job).await.unwrap();
    }
    worker.drain().await.unwrap();
    backups::ask(&ctx, &registry, false, "tonight").await.unwrap();
    worker.drain().await.unwrap();
    let backup = backups::list(&ctx).await.unwrap().backups.remove(0);
    let file = PathBuf::from(backup.file.expect("it was taken"));

    let (said, restored) = restore(&db.url, &file).await;
    assert!(!restored && said.contains("Restore into an empty one"), "{said}");

    drop_everything(&db).await;
    let (said, restored) = restore(&db.url, &file).await;
    assert!(restored && said.contains("Restored and verified: "), "{said}");
    let finished: i64 =
        sqlx::query_scalar("SELECT count(*) FROM jobs_finished WHERE kind = 'system.noop'")
            .fetch_one(&db.pool)
            .await
            .unwrap();
    assert_eq!(finished, 20);
    let told: String =
        sqlx::query_scalar("SELECT subject FROM audit_log WHERE action = 'database.restore'")
            .fetch_one(&db.pool)
            .await
            .unwrap();
    assert_eq!(told, format!("backup {}", file.display()));

    drop_everything(&db).await;
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.push(0);
    std::fs::write(&file, bytes).unwrap();
    let (said, restored) = restore(&db.url, &file).await;
    assert!(!restored && said.contains("is not what was written"), "{said}");
    std::fs::remove_dir_all(dir).unwrap();
}
