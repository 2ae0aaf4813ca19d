//! Why a backup was not taken, verified or restored.

use std::path::{Path, PathBuf};

use signalbox_model::error_class::ErrorClass;

use crate::jobs::JobError;

/// Why a backup was not taken, verified or restored; each says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// This process was not told where backups go.
    #[error("this process keeps no backups: it was started without SIGNALBOX_BACKUP_DIR")]
    NoPlace,
    /// Nothing is installed that makes one.
    #[error(
        "pg_dump and pg_restore are not installed here. Install the client programs of PostgreSQL \
         {server} (Debian: postgresql-client-{server}), or set SIGNALBOX_PG_BIN to their folder"
    )]
    NoPrograms {
        /// The server's version.
        server: u32,
    },
    /// What is installed cannot read this server.
    #[error(
        "pg_dump is of PostgreSQL {found}, which is older than the server ({server}). Install the \
         client programs of PostgreSQL {server} (Debian: postgresql-client-{server}), or set \
         SIGNALBOX_PG_BIN to their folder"
    )]
    TooOld {
        /// The newest version there is.
        found: u32,
        /// The server's.
        server: u32,
    },
    /// A program ended in error.
    #[error("{program} failed: {said}")]
    Program {
        /// Which.
        program: &'static str,
        /// Its last words.
        said: String,
    },
    /// A file could not be used.
    #[error("cannot {act} {}: {source}", path.display())]
    File {
        /// What was tried.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not on this machine.
    #[error(
        "{} is not here. Workers on several machines need SIGNALBOX_BACKUP_DIR on a disk that they \
         share",
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file has changed since it was written.
    #[error("{} is not what was written: its SHA-256 is {found} instead of {expected}", path.display())]
    Tampered {
        /// The file.
        path: PathBuf,
        /// What it was.
        expected: String,
        /// What it is.
        found: String,
    },
    /// What stands beside the file cannot be read.
    #[error("{} is not a manifest: {source}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// There is something in the database that a restore would mix with.
    #[error(
        "the database holds {tables} tables. Restore into an empty one: create it with createdb, \
         and set DATABASE_URL to it, or SIGNALBOX_DATA_DIR to a folder that is not there yet"
    )]
    NotEmpty {
        /// How many.
        tables: i64,
    },
    /// The role may not make the database that a backup is restored into to be compared.
    #[error(
        "the role {role} may not create databases, and a backup is verified in one of its own: run \
         ALTER ROLE {role} CREATEDB"
    )]
    NoCreateDb {
        /// The role, quoted as in SQL.
        role: String,
    },
    /// Another backup or verification is under way.
    #[error("another backup or verification is under way")]
    Busy,
    /// The job was asked to stop.
    #[error("asked to stop")]
    Stopped,
    /// The database did not answer, or refused.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
}

impl BackupError {
    /// For `map_err`: `act` on `path` failed.
    pub(super) fn file(
        act: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> BackupError + use<> {
        let path = path.to_path_buf();
        move |source| BackupError::File { act, path, source }
    }

    /// What becomes of the job: trying again helps where the database or another job is in the way.
    pub(super) fn decided(self) -> JobError {
        match self {
            BackupError::Database(error) => error.into(),
            BackupError::Stopped => JobError::stopped(),
            BackupError::Busy => {
                JobError::snooze(std::time::Duration::from_secs(30), self.to_string())
            }
            BackupError::Program { .. } | BackupError::File { .. } => {
                JobError::retry(ErrorClass::Internal, self.to_string())
            }
            BackupError::Missing { .. } => JobError::fail(ErrorClass::NotFound, self.to_string()),
            _ => JobError::fail(ErrorClass::Rejected, self.to_string()),
        }
    }
}
