//! The server's settings, written anew at every start.

use std::fmt::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use crate::account::Account;
use crate::binaries::Binaries;
use crate::error::ClusterError;
use crate::layout::Layout;

/// Ours. Durability (fsync, synchronous_commit, full_page_writes) is PostgreSQL's default: on.
const SETTINGS: &[(&str, &str)] = &[
    // No TCP port; the socket's directory is open to the server's user only.
    ("listen_addresses", ""),
    ("port", "5432"),
    ("unix_socket_permissions", "0700"),
    ("max_connections", "100"),
    ("shared_buffers", "256MB"),
    ("effective_cache_size", "1GB"),
    ("work_mem", "16MB"),
    ("maintenance_work_mem", "128MB"),
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "15min"),
    ("wal_compression", "on"),
    ("random_page_cost", "1.1"),
    // Short statements: compiling them costs more than it saves.
    ("jit", "off"),
    // Job tables are small and churn.
    ("autovacuum_naptime", "10s"),
    ("track_io_timing", "on"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("datestyle", "iso, ymd"),
    ("log_line_prefix", "%m [%p] "),
    ("log_lock_waits", "on"),
];

/// Writes `postgresql.conf`; `overrides` come last and so win.
pub(crate) async fn write(
    layout: &Layout,
    account: &Account,
    binaries: &Binaries,
    overrides: &[(String, String)],
) -> Result<(), ClusterError> {
    let mut text = String::from(
        "# Written by Signalbox at every start. Change settings with ALTER SYSTEM: those win over these.\n",
    );
    let mut set = |name: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name} = '{}'", value.replace('\'', "''"));
    };
    for (name, value) in SETTINGS {
        set(name, value);
    }
    set("unix_socket_directories", &layout.socket_dir.to_string_lossy());
    if binaries.has_library("pg_stat_statements").await {
        set("shared_preload_libraries", "pg_stat_statements");
    }
    for (name, value) in overrides {
        set(name, value);
    }
    replace(layout, account, &text)
}

/// Replaces the file in one step: a server never reads half of it.
fn replace(layout: &Layout, account: &Account, text: &str) -> Result<(), ClusterError> {
    use std::io::Write as _;
    let target = layout.pgdata.join("postgresql.conf");
    let draft = layout.pgdata.join("postgresql.conf.new");
    let mut file = std::fs::File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&draft)
        .map_err(ClusterError::io("write", &draft))?;
    file.write_all(text.as_bytes()).map_err(ClusterError::io("write", &draft))?;
    account.own(&draft)?;
    std::fs::rename(&draft, &target).map_err(ClusterError::io("write", &target))
}
