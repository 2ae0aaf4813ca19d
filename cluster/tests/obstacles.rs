//! What stands in the way of a start, and what the operator is told about it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use signalbox_cluster::{Cluster, ClusterError, Options};
use support::{Scratch, is_root, sql};

#[tokio::test]
async fn missing_binaries_name_the_remedies() {
    let scratch = Scratch::new("no-binaries");
    let options = Options { bin_dir: Some("/nowhere/at/all".into()), ..Options::default() };
    let error = Cluster::start_with(scratch.path(), options).await.unwrap_err();
    assert!(matches!(error, ClusterError::NoBinaries { .. }), "{error:?}");
    let said = error.to_string();
    for part in ["/nowhere/at/all", "install", "SIGNALBOX_PG_BIN", "DATABASE_URL"] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
}

#[tokio::test]
async fn a_cluster_of_another_version_is_left_alone() {
    let scratch = Scratch::new("version");
    scratch.write("postgres/PG_VERSION", "9.6\n");
    let error = Cluster::start(scratch.path()).await.unwrap_err();
    assert!(matches!(error, ClusterError::Version { written_by: 9, .. }), "{error:?}");
    assert!(error.to_string().contains("pg_upgrade"), "{error}");
    assert_eq!(scratch.read("postgres/PG_VERSION"), "9.6\n");
}

#[tokio::test]
async fn a_folder_of_other_files_is_left_alone() {
    let scratch = Scratch::new("not-a-cluster");
    scratch.write("postgres/diary.txt", "dear");
    let error = Cluster::start(scratch.path()).await.unwrap_err();
    assert!(matches!(error, ClusterError::NotACluster { .. }), "{error:?}");
    assert_eq!(scratch.read("postgres/diary.txt"), "dear");
}

#[tokio::test]
async fn a_first_start_that_was_killed_half_way_is_begun_again() {
    let scratch = Scratch::new("half-way");
    scratch.write("postgres.unfinished/PG_VERSION", "15\n");
    let cluster = Cluster::start(scratch.path()).await.unwrap();
    cluster.health().await.unwrap();
    assert!(!scratch.path().join("postgres.unfinished").exists());
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_its_socket_elsewhere() {
    let scratch = Scratch::new(&"long".repeat(30));
    let cluster = Cluster::start(scratch.path()).await.unwrap();
    assert!(
        cluster.url("postgres").contains("host=%2Ftmp%2Fsignalbox-"),
        "{}",
        cluster.url("postgres")
    );
    assert_eq!(sql(&cluster, "select 1").unwrap(), "1");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_setting_that_the_server_refuses_is_shown_in_its_own_words() {
    let scratch = Scratch::new("bad-setting");
    let options = Options {
        settings: vec![("max_connections".into(), "it's many".into())],
        ..Options::default()
    };
    let error = Cluster::start_with(scratch.path(), options).await.unwrap_err();
    assert!(matches!(error, ClusterError::Start { .. }), "{error:?}");
    assert!(error.to_string().contains("max_connections"), "{error}");
    // The next start is not hurt by it.
    Cluster::start(scratch.path()).await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn root_may_keep_its_data_where_the_servers_user_cannot_go() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new("closed");
    std::fs::set_permissions(scratch.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let data_dir = scratch.path().join("data");
    let cluster = Cluster::start(&data_dir).await.unwrap();
    sql(&cluster, "create table kept as select 3 as id").unwrap();
    cluster.stop().await.unwrap();
    let cluster_dir = std::fs::read_link(data_dir.join("postgres")).unwrap();
    assert!(cluster_dir.starts_with("/var/lib/signalbox"), "{}", cluster_dir.display());

    let cluster = Cluster::start(&data_dir).await.unwrap();
    assert_eq!(sql(&cluster, "select id from kept").unwrap(), "3");
    cluster.stop().await.unwrap();
    std::fs::remove_dir_all(cluster_dir).unwrap();
}

#[tokio::test]
async fn a_full_disk_is_called_a_full_disk() {
    let Some(disk) = support::SmallDisk::mount("full-disk") else {
        return; // only root can make one
    };
    let error = Cluster::start(&disk.path().join("data")).await.unwrap_err();
    assert!(matches!(error, ClusterError::DiskFull { .. }), "{error:?}");
    assert!(error.to_string().contains("Free some space"), "{error}");
    assert!(!disk.path().join("data/postgres").exists(), "no half cluster is left");
}

#[tokio::test]
async fn a_disk_that_is_full_at_the_next_start_is_called_so() {
    let Some(disk) = support::SmallDisk::mount_mib("fills-up", 160) else {
        return;
    };
    let data = disk.path().join("data");
    Cluster::start(&data).await.unwrap().stop().await.unwrap();
    disk.fill();
    let error = Cluster::start(&data).await.unwrap_err();
    assert!(matches!(error, ClusterError::DiskFull { .. }), "{error:?}");
    disk.empty();
    let cluster = Cluster::start(&data).await.unwrap();
    cluster.health().await.unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn the_servers_environment_holds_none_of_our_secrets() {
    let scratch = Scratch::new("environment");
    let cluster = Cluster::start(scratch.path()).await.unwrap();
    if cfg!(target_os = "linux") {
        let pid = scratch.postmaster_pid().unwrap();
        let bytes =
            std::fs::read(Path::new("/proc").join(pid.to_string()).join("environ")).unwrap();
        let names = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!names.contains("CARGO"), "{names}");
    }
    cluster.stop().await.unwrap();
}
