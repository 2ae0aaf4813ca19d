//! What can go wrong with a private cluster. Each message ends with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// The oldest PostgreSQL we run on.
pub(crate) const MIN_VERSION: u32 = 15;

/// Why a private cluster cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// No server of a supported version is installed.
    #[error(
        "no PostgreSQL server of version {MIN_VERSION} or newer is installed ({found}). {}, or set SIGNALBOX_PG_BIN to the folder \
         of `initdb`, or set DATABASE_URL to use a database server of your own",
        install_hint()
    )]
    NoBinaries {
        /// What was found instead.
        found: String,
    },

    /// The cluster was written by a version that is not installed.
    #[error(
        "the cluster in {} was written by PostgreSQL {written_by}, and installed is {installed}. Install PostgreSQL {written_by} \
         ({MIN_VERSION} or newer), or bring the data over with pg_upgrade, or move the folder away to begin with an empty one",
        .path.display()
    )]
    Version {
        /// The cluster.
        path: PathBuf,
        /// The major version in its `PG_VERSION`.
        written_by: u32,
        /// The versions at hand.
        installed: String,
    },

    /// The folder is not a cluster and not empty.
    #[error(
        "{} holds files but is no PostgreSQL cluster. Move it away, or set SIGNALBOX_DATA_DIR to another folder",
        .path.display()
    )]
    NotACluster {
        /// The folder.
        path: PathBuf,
    },

    /// The disk is full.
    #[error("the disk of {} is full ({detail}). Free some space and start again; nothing is lost", .path.display())]
    DiskFull {
        /// Where there was no room.
        path: PathBuf,
        /// What the system or the server said.
        detail: String,
    },

    /// Somebody else's cluster.
    #[error(
        "{} belongs to user id {owner}, and this process runs as {user}. Run as its owner, or hand it over with `chown -R`, or set \
         SIGNALBOX_DATA_DIR to another folder",
        .path.display()
    )]
    WrongOwner {
        /// The folder.
        path: PathBuf,
        /// Its owner's user id.
        owner: u32,
        /// Our own user id.
        user: u32,
    },

    /// Started as root, with nobody to run the server as.
    #[error(
        "PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody`. Create one \
         (`useradd --system postgres`), or start as an ordinary user, or set DATABASE_URL"
    )]
    NoAccount,

    /// The server's user cannot reach the cluster.
    #[error(
        "user id {user}, which PostgreSQL runs as, cannot enter {}. Let others pass through the folders above it (`chmod o+x`), or \
         set SIGNALBOX_DATA_DIR to another folder",
        .path.display()
    )]
    Unreachable {
        /// The folder.
        path: PathBuf,
        /// The server's user id.
        user: u32,
    },

    /// `initdb` failed.
    #[error("PostgreSQL could not create a cluster in {}: {detail}", .path.display())]
    Init {
        /// The folder.
        path: PathBuf,
        /// What `initdb` said.
        detail: String,
    },

    /// The server ended while it started, or did not answer in time.
    #[error("PostgreSQL did not start: {detail}. Its log is {}", .log.display())]
    Start {
        /// The last lines of its log, or how long was waited.
        detail: String,
        /// The log.
        log: PathBuf,
    },

    /// The server runs no more, or does not answer.
    #[error("PostgreSQL does not answer: {detail}. Its log is {}", .log.display())]
    Unhealthy {
        /// What came instead of an answer.
        detail: String,
        /// The log.
        log: PathBuf,
    },

    /// The server did not end, however it was asked.
    #[error("PostgreSQL (process {pid}) does not stop. End it with `kill -QUIT {pid}`")]
    WontStop {
        /// The postmaster.
        pid: i32,
    },

    /// Another process has been starting or stopping the cluster for too long.
    #[error(
        "another process has been starting or stopping the cluster in {} for {waited_s} s. Wait for it, or end it",
        .path.display()
    )]
    Busy {
        /// The data directory.
        path: PathBuf,
        /// Seconds waited.
        waited_s: u64,
    },

    /// A file or a program could not be used.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl ClusterError {
    /// For `map_err`: an I/O error with what was tried on which path; a full disk is told apart.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path, detail: source.to_string() }
            }
            _ => Self::Io { action, path, source },
        }
    }

    /// Whether PostgreSQL's own words tell of a full disk.
    pub(crate) fn tells_of_full_disk(said: &str) -> bool {
        said.contains("No space left on device") || said.contains("Disk quota exceeded")
    }
}

fn install_hint() -> &'static str {
    if cfg!(target_os = "macos") {
        "Install one with `brew install postgresql@17`"
    } else {
        "Install one with `apt-get install postgresql` (Debian, Ubuntu) or `dnf install postgresql-server` (Fedora)"
    }
}
