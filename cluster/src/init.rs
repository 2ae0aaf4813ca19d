//! Creating a cluster.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::SUPERUSER;
use crate::account::Account;
use crate::binaries::Binaries;
use crate::error::ClusterError;
use crate::layout::Layout;

/// Creates the cluster if there is none. It is made beside its place and renamed, so that one that is there is whole.
pub(crate) async fn create_if_missing(
    layout: &Layout,
    account: &Account,
    binaries: &Binaries,
) -> Result<(), ClusterError> {
    if layout.data_version()?.is_some() {
        return Ok(());
    }
    if std::fs::read_dir(&layout.pgdata).is_ok_and(|mut files| files.next().is_some()) {
        return Err(ClusterError::NotACluster { path: layout.pgdata.clone() });
    }
    tracing::info!(cluster = %layout.pgdata.display(), version = binaries.version, "creating a PostgreSQL cluster");
    let unfinished = unfinished(&layout.pgdata);
    let result = initdb(&unfinished, account, binaries).await;
    if result.is_ok() {
        return std::fs::rename(&unfinished, &layout.pgdata)
            .map_err(ClusterError::io("rename", &unfinished));
    }
    let _ = std::fs::remove_dir_all(&unfinished);
    result
}

fn unfinished(pgdata: &Path) -> PathBuf {
    let mut name = pgdata.as_os_str().to_owned();
    name.push(".unfinished");
    PathBuf::from(name)
}

async fn initdb(pgdata: &Path, account: &Account, binaries: &Binaries) -> Result<(), ClusterError> {
    let _ = std::fs::remove_dir_all(pgdata); // left by one that was killed
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(pgdata)
        .map_err(ClusterError::io("create", pgdata))?;
    account.own(pgdata)?;
    let program = binaries.initdb();
    let output = account
        .command(&program)
        .arg("--pgdata")
        .arg(pgdata)
        .args(["--username", SUPERUSER, "--encoding", "UTF8"])
        .args(locale(binaries.version))
        .args(["--auth-local", "trust", "--auth-host", "reject"])
        .arg("--data-checksums")
        .output()
        .await
        .map_err(ClusterError::io("run", &program))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let path = pgdata.to_path_buf();
    Err(if ClusterError::tells_of_full_disk(&said) {
        ClusterError::DiskFull { path, detail: said }
    } else {
        ClusterError::Init { path, detail: said }
    })
}

/// Unicode letters, and the order of code points: the same on every system, and never changed by an upgrade of its C library.
fn locale(version: u32) -> &'static [&'static str] {
    if version >= 17 {
        &["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    } else if cfg!(target_os = "macos") {
        &["--locale=C", "--lc-ctype=UTF-8"]
    } else {
        &["--locale=C.UTF-8"]
    }
}
