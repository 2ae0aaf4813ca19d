//! From the command line to the part that does it.

use std::net::SocketAddr;
use std::path::PathBuf;

use signalbox_cluster::ClusterError;
use signalbox_engine::CommandError;
use signalbox_engine::backups::BackupError;
use signalbox_engine::db::DatabaseError;
use signalbox_pipelines::ProviderConfigError;

use crate::cli::{Cli, Command};
use crate::config::{Config, ConfigError};
use crate::serve::Roles;
use crate::{doctor, logging, serve, tools};

/// Why the program ended in error. Its text is what the person who started it reads.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A variable cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The private cluster does not start.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A provider's address or key cannot be used.
    #[error(transparent)]
    Providers(#[from] ProviderConfigError),
    /// A value from the environment was refused, or the database refused to take it.
    #[error("cannot take the settings from the environment: {0}")]
    Settings(#[source] CommandError),
    /// The first admin cannot be created.
    #[error("cannot create the first admin: {0}")]
    FirstAdmin(String),
    /// The address cannot be listened on.
    #[error("cannot listen on SIGNALBOX_ADDR={addr}: {source}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system refuses to tell of signals.
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] std::io::Error),
    /// Alerts cannot be posted.
    #[error("cannot post alerts: {0}")]
    Webhook(#[source] reqwest::Error),
    /// Alerts cannot be mailed.
    #[error("cannot mail alerts: {0}")]
    Mail(#[source] lettre::transport::smtp::Error),
    /// The audit log cannot be read.
    #[error("cannot verify the audit log: {0}")]
    Audit(#[source] CommandError),
    /// The audit log is not what was written.
    #[error("{0}")]
    AuditBroken(String),
    /// The console is not ready, or not there.
    #[error("the console at {addr} is not ready: {why}")]
    NotReady {
        /// Where it was asked.
        addr: SocketAddr,
        /// What it answered, or why it did not.
        why: String,
    },
    /// The vault cannot be worked on.
    #[error("{0}")]
    Vault(#[source] CommandError),
    /// A new master key cannot be kept.
    #[error("{0}")]
    VaultKey(String),
    /// What the vault holds cannot all be read.
    #[error("{0}")]
    VaultBroken(String),
    /// A backup was not restored.
    #[error("cannot restore {}: {source}. Nothing was changed", file.display())]
    Restore {
        /// The backup's file.
        file: PathBuf,
        /// Why.
        source: BackupError,
    },
    /// A backup was restored, and is not what was backed up.
    #[error("restored, but it is not what was backed up: {0}")]
    RestoredOther(String),
    /// `signalbox doctor` found something.
    #[error("{0} of the checks failed")]
    Doctor(usize),
}

/// Runs the command.
///
/// # Errors
/// A [`RunError`] that says what to do about it.
pub async fn run(cli: Cli) -> Result<(), RunError> {
    let config = Config::new(cli.options)?;
    // One TLS implementation for everything; another call of the same process has set it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let reports = logging::start(&config)?;
    let ended = carry_out(cli.command.unwrap_or(Command::Serve), &config).await;
    reports.end().await;
    ended
}

async fn carry_out(command: Command, config: &Config) -> Result<(), RunError> {
    match command {
        Command::Serve => serve::serve(config, Roles::ALL).await,
        Command::Web => serve::serve(config, Roles { web: true, ..Roles::NONE }).await,
        Command::Worker => serve::serve(config, Roles { worker: true, ..Roles::NONE }).await,
        Command::Scheduler => serve::serve(config, Roles { scheduler: true, ..Roles::NONE }).await,
        Command::Migrate => tools::migrate(config).await,
        Command::CreateAdmin => tools::create_admin(config).await,
        Command::Health => tools::health(config).await,
        Command::Doctor => doctor::doctor(config).await,
        Command::VerifyVault => tools::verify_vault(config).await,
        Command::RotateVaultKey => tools::rotate_vault_key(config).await,
        Command::VerifyAudit => tools::verify_audit(config).await,
        Command::Restore { file } => tools::restore(config, &file).await,
    }
}
