//! The roles as processes of their own: started in any order, stopped in any order.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use signalbox_engine::clock::SystemClock;
use signalbox_engine::jobs::enqueue;
use signalbox_engine::testing::TestDb;
use signalbox_engine::vault::Vault;
use signalbox_engine::{Ctx, PgPool};
use signalbox_model::actor::Actor;
use signalbox_model::job::NewJob;
use signalbox_pipelines::{ProviderConfig, registry};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::{TcpListener, UnixStream};
use tokio::process::{Child, Command};

const PATIENCE: Duration = Duration::from_secs(60);

fn start(role: &str, database_url: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_signalbox"))
        .env_clear()
        .arg(role)
        .env("SIGNALBOX_ADDR", "127.0.0.1:0")
        .env("DATABASE_URL", database_url)
        .env("SIGNALBOX_DATA_DIR", env!("CARGO_TARGET_TMPDIR"))
        .env("RUST_LOG", "info")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Returns once the process has logged `words`.
async fn until_logged(process: &mut Child, words: &str) {
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let logged = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(words) {
                return;
            }
        }
        panic!("it ended before it logged: {words}");
    };
    tokio::time::timeout(PATIENCE, logged).await.expect(words);
    // Whoever writes into a pipe that nobody reads stops.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
}

async fn terminate(process: &Child) {
    let id = process.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
}

async fn ended_well(mut process: Child, within: Duration) {
    let status = tokio::time::timeout(within, process.wait()).await.expect("it ends").unwrap();
    assert!(status.success(), "{status}");
}

async fn sleeps(db: &PgPool, jobs: usize, ms: u64) {
    let none =
        ProviderConfig { mcp_base_url: None, mcp_api_key: None, mcp_timeout: Duration::ZERO };
    let ctx = Ctx::new(db.clone(), SystemClock::shared(), Actor::system("test"));
    let jobs = vec![NewJob::new("system.sleep", json!({ "ms": ms })); jobs];
    enqueue::enqueue_batch(&ctx, &registry(none, &Vault::default()).unwrap(), jobs).await.unwrap();
}

async fn count(db: &PgPool, what: &'static str) -> i64 {
    sqlx::query_scalar(what).fetch_one(db).await.unwrap()
}

/// Returns once the query counts at least so many.
async fn until(db: &PgPool, what: &'static str, at_least: i64) {
    let watch = async {
        while count(db, what).await < at_least {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, watch).await.expect(what);
}

const RUNNING: &str = "SELECT count(*) FROM jobs_running";
const FINISHED: &str = "SELECT count(*) FROM jobs_finished WHERE kind = 'system.sleep'";
const READY_UNSPENT: &str =
    "SELECT count(*) FROM jobs_ready WHERE kind = 'system.sleep' AND attempt = 0";

#[tokio::test]
async fn st_1_a_role_waits_for_its_database() {
    let db = TestDb::new().await;
    // A port that nobody listens on yet, and behind it, later, the test's own server.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let (address, query) = db.url.split_once('?').unwrap();
    let name = address.rsplit_once('/').unwrap().1;
    let mut worker = start("worker", &format!("postgres://postgres@127.0.0.1:{port}/{name}"));
    until_logged(&mut worker, "waiting for the database").await;

    let directory = query.strip_prefix("host=").unwrap().replace("%2F", "/");
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let socket = format!("{directory}/.s.PGSQL.5432");
            tokio::spawn(async move {
                let mut to = UnixStream::connect(socket).await.unwrap();
                tokio::io::copy_bidirectional(&mut from, &mut to).await.ok();
            });
        }
    });
    sleeps(&db.pool, 1, 1).await;
    until(&db.pool, FINISHED, 1).await;
    terminate(&worker).await;
    ended_well(worker, PATIENCE).await;
}

#[tokio::test]
async fn st_1_roles_start_in_any_order_and_stop_in_reverse_with_nothing_lost() {
    let db = TestDb::new().await;
    let mut running = Vec::new();
    for role in ["worker", "scheduler", "web"] {
        let mut process = start(role, &db.url);
        tokio::spawn({
            let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
            async move { while let Ok(Some(_)) = lines.next_line().await {} }
        });
        running.push(process);
    }
    sleeps(&db.pool, 2000, 50).await;
    until(&db.pool, FINISHED, 100).await;
    while let Some(process) = running.pop() {
        terminate(&process).await;
        ended_well(process, Duration::from_secs(30)).await;
    }
    assert_eq!(count(&db.pool, RUNNING).await, 0);
    let (finished, ready) = (count(&db.pool, FINISHED).await, count(&db.pool, READY_UNSPENT).await);
    assert_eq!(finished + ready, 2000, "{finished} finished, {ready} wait");
}

#[tokio::test]
async fn st_1_a_second_signal_hands_running_jobs_back_at_once() {
    let db = TestDb::new().await;
    let mut worker = start("worker", &db.url);
    sleeps(&db.pool, 3, 600_000).await;
    until(&db.pool, RUNNING, 3).await;
    terminate(&worker).await;
    until_logged(&mut worker, "a second signal").await;
    terminate(&worker).await;
    // Well before the 25 s that running jobs are given after the first.
    ended_well(worker, Duration::from_secs(12)).await;
    assert_eq!(count(&db.pool, RUNNING).await, 0);
    assert_eq!(count(&db.pool, READY_UNSPENT).await, 3);
}
