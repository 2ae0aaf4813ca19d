//! A private cluster from its first start to its last stop, and through every death in between: real servers, real kills.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use signalbox_cluster::Cluster;
use support::{Scratch, kill9, sql};

#[tokio::test]
async fn it_is_created_answers_and_keeps_its_data() {
    let scratch = Scratch::new("created");
    let cluster = Cluster::start(scratch.path()).await.unwrap();
    cluster.health().await.unwrap();
    sql(&cluster, "create table kept (id int); insert into kept values (7)").unwrap();
    assert!(cluster.stop().await.unwrap(), "the only user stops it");

    let began = Instant::now();
    let cluster = Cluster::start(scratch.path()).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "a second start is quick");
    assert_eq!(sql(&cluster, "select id from kept").unwrap(), "7");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn it_is_durable_private_and_reads_the_same_everywhere() {
    let scratch = Scratch::new("settings");
    let cluster = Cluster::start(scratch.path()).await.unwrap();
    for (setting, expected) in [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("max_connections", "100"),
        ("TimeZone", "UTC"),
    ] {
        let value = sql(&cluster, &format!("show {setting}")).unwrap();
        assert_eq!(value, expected, "{setting}");
    }
    assert_eq!(sql(&cluster, "select lower('ÄÖ')").unwrap(), "äö");
    let socket_dir = std::fs::metadata(scratch.path().join("socket")).unwrap();
    assert_eq!(socket_dir.permissions().mode() & 0o777, 0o700, "nobody else may connect");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn the_last_user_stops_it_and_not_the_first() {
    let scratch = Scratch::new("shared");
    let first = Cluster::start(scratch.path()).await.unwrap();
    let second = Cluster::start(scratch.path()).await.unwrap();
    let started = "select pg_postmaster_start_time()";
    assert_eq!(sql(&first, started), sql(&second, started));
    assert!(!first.stop().await.unwrap(), "others use it");
    second.health().await.unwrap();
    assert!(second.stop().await.unwrap());
    assert!(scratch.postmaster_pid().is_none(), "it is down");
}

#[tokio::test]
async fn two_that_start_at_once_share_one_server() {
    let scratch = Scratch::new("at-once");
    let (a, b) = tokio::join!(Cluster::start(scratch.path()), Cluster::start(scratch.path()));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!(
        sql(&a, "select pg_postmaster_start_time()"),
        sql(&b, "select pg_postmaster_start_time()")
    );
    a.stop().await.unwrap();
    b.stop().await.unwrap();
}

#[tokio::test]
async fn the_server_left_by_a_killed_process_is_joined_and_stopped() {
    let scratch = Scratch::new("orphan");
    let mut holder = support::spawn_holder(scratch.path());
    let orphan = scratch.postmaster_pid().unwrap();
    holder.kill().unwrap();
    holder.wait().unwrap();

    let cluster = Cluster::start(scratch.path()).await.unwrap();
    assert_eq!(scratch.postmaster_pid(), Some(orphan), "no restart");
    cluster.health().await.unwrap();
    assert!(cluster.stop().await.unwrap(), "it is ours to stop now");
    assert!(scratch.postmaster_pid().is_none());
}

/// Run by [`support::spawn_holder`] in a process of its own, to be killed.
#[tokio::test]
#[ignore = "not a test: the process that the_server_left_by_a_killed_process_is_joined_and_stopped kills"]
async fn holds_a_cluster_until_killed() {
    let Some(dir) = std::env::var_os(support::HOLD) else { return };
    let _cluster = Cluster::start(dir.as_ref()).await.unwrap();
    support::say_ready();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_server_is_revived_with_its_data_while_sessions_are_open() {
    let scratch = Scratch::new("revive");
    let mut cluster = Cluster::start(scratch.path()).await.unwrap();
    assert!(!cluster.revive().await.unwrap(), "nothing to do while it runs");
    sql(&cluster, "create table kept as select 1 as id").unwrap();
    let mut session = support::open_session(&cluster);

    kill9(scratch.postmaster_pid().unwrap());
    assert!(cluster.revive().await.unwrap());
    assert_eq!(sql(&cluster, "select id from kept").unwrap(), "1");
    session.kill().unwrap();
    session.wait().unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_lock_with_a_dead_process_id_is_no_obstacle() {
    let scratch = Scratch::new("dead-pid");
    let cluster = Cluster::start(scratch.path()).await.unwrap();
    let lock = scratch.read("postgres/postmaster.pid");
    cluster.stop().await.unwrap();
    scratch.write("postgres/postmaster.pid", &lock);

    let cluster = Cluster::start(scratch.path()).await.unwrap();
    cluster.health().await.unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_lock_whose_process_id_is_a_strangers_by_now_is_no_obstacle_and_the_stranger_lives() {
    let scratch = Scratch::new("stranger");
    let cluster = Cluster::start(scratch.path()).await.unwrap();
    let lock = scratch.read("postgres/postmaster.pid");
    cluster.stop().await.unwrap();
    let mut stranger = support::sleeper();
    let (_, rest) = lock.split_once('\n').unwrap();
    scratch.write("postgres/postmaster.pid", &format!("{}\n{rest}", stranger.id()));
    scratch.write("socket/.s.PGSQL.5432.lock", &format!("{}\n{rest}", stranger.id()));

    let cluster = Cluster::start(scratch.path()).await.unwrap();
    cluster.health().await.unwrap();
    cluster.stop().await.unwrap();
    assert!(stranger.try_wait().unwrap().is_none(), "not ours to kill");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[tokio::test]
async fn dropping_it_asks_the_server_to_stop() {
    let scratch = Scratch::new("dropped");
    drop(Cluster::start(scratch.path()).await.unwrap());
    let deadline = Instant::now() + Duration::from_secs(20);
    while scratch.postmaster_pid().is_some() {
        assert!(Instant::now() < deadline, "still running");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // A start right behind it finds its way, too.
    let cluster = Cluster::start(scratch.path()).await.unwrap();
    drop(cluster);
    let cluster = Cluster::start(scratch.path()).await.unwrap();
    cluster.health().await.unwrap();
    cluster.stop().await.unwrap();
}
