//! The commands that do one thing and exit.

use std::io::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

use reqwest::Client;
use signalbox_engine::auth::users::FirstAdmin;
use signalbox_engine::backups::{self, Restored};
use signalbox_engine::vault::{health, rotate};
use signalbox_engine::{audit, db};
use signalbox_model::format::plural;
use signalbox_model::secret::VaultStatus;

use crate::config::Config;
use crate::database::Database;
use crate::run::RunError;
use crate::serve::first_admin;

/// How long the console may take to say whether it is ready.
const HEALTH_PATIENCE: Duration = Duration::from_secs(5);

/// `signalbox migrate`.
///
/// # Errors
/// When the database cannot be used.
pub async fn migrate(config: &Config) -> Result<(), RunError> {
    Database::open(config, Duration::ZERO).await?.close().await;
    say("The database schema is up to date.");
    Ok(())
}

/// `signalbox create-admin`.
///
/// # Errors
/// When the database cannot be used or the admin is refused.
pub async fn create_admin(config: &Config) -> Result<(), RunError> {
    let database = Database::open(config, Duration::ZERO).await?;
    let admin = first_admin(config, &database.system).await;
    database.close().await;
    match admin? {
        FirstAdmin::AlreadyThere => say("There are users already. Nothing was changed."),
        FirstAdmin::FromEnvironment { email } => say(&format!("Created the admin {email}.")),
        FirstAdmin::OneTimePassword { email, password } => {
            say(&format!("Created the admin {email}.\nOne-time password: {password}"));
        }
    }
    Ok(())
}

/// `signalbox verify-audit`.
///
/// # Errors
/// When the database cannot be used, or the audit log is not what was written.
pub async fn verify_audit(config: &Config) -> Result<(), RunError> {
    let database = Database::open(config, Duration::ZERO).await?;
    let verdict = audit::verify(&database.system, None).await;
    database.close().await;
    let verdict = verdict.map_err(RunError::Audit)?;
    if !verdict.is_intact() {
        return Err(RunError::AuditBroken(verdict.words()));
    }
    say(&verdict.words());
    Ok(())
}

/// `signalbox health`: what a container's health check runs, where there is no other program.
///
/// # Errors
/// When the console is not ready (AV-2), or does not answer in time.
pub async fn health(config: &Config) -> Result<(), RunError> {
    let mut addr = config.addr;
    if addr.ip().is_unspecified() {
        // It listens everywhere, and so on the loopback address too.
        addr.set_ip(if addr.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    let not_ready = |why: String| RunError::NotReady { addr, why };
    // A proxy of the environment is for what is outside.
    let client = Client::builder().timeout(HEALTH_PATIENCE).no_proxy().build();
    let client = client.map_err(|error| not_ready(error.to_string()))?;
    let answer = client.get(format!("http://{addr}/readyz")).send().await;
    let answer = answer.map_err(|error| not_ready(error.to_string()))?;
    let ready = answer.status().is_success();
    let text = answer.text().await.map_err(|error| not_ready(error.to_string()))?;
    if !ready {
        return Err(not_ready(text));
    }
    say(&text);
    Ok(())
}

/// `signalbox verify-vault`.
///
/// # Errors
/// When the database cannot be used, or a key in the vault cannot be read.
pub async fn verify_vault(config: &Config) -> Result<(), RunError> {
    let database = Database::open(config, Duration::ZERO).await?;
    let vault = config.vault(database.system.db.clone());
    let found = health::health(&database.system, &vault).await;
    database.close().await;
    let found = found.map_err(RunError::Vault)?;
    if found.status != VaultStatus::Ok {
        return Err(RunError::VaultBroken(found.words()));
    }
    say(&found.words());
    Ok(())
}

/// `signalbox rotate-vault-key`: with the master key that the environment has now, or a new one in the
/// data directory.
///
/// # Errors
/// When the database cannot be used, the new key cannot be kept, or a key in the vault cannot be read.
pub async fn rotate_vault_key(config: &Config) -> Result<(), RunError> {
    let database = Database::open(config, Duration::ZERO).await?;
    let vault = config.vault(database.system.db.clone()).with_a_key();
    let rotated = match vault.add_master_key() {
        Ok(()) => rotate::rotate(&database.system, &vault).await.map_err(RunError::Vault),
        Err(why) => Err(RunError::VaultKey(why)),
    };
    database.close().await;
    let (sealed, key_id) = rotated?;
    let sealed = plural(sealed, "key was", "keys were");
    say(&format!("{sealed} encrypted anew, with the master key {key_id}. Older ones can go."));
    Ok(())
}

/// `signalbox restore`.
///
/// # Errors
/// When the database is not empty or cannot be used, the file is not what was written, or what was
/// restored is not what was backed up.
pub async fn restore(config: &Config, file: &Path) -> Result<(), RunError> {
    let database = Database::connect(config, Duration::ZERO).await?;
    let restored = restore_into(config, &database, file).await;
    database.close().await;
    let Restored { tables, rows, differences } = restored?;
    let what = format!(
        "{} with {}",
        plural(i64::try_from(tables).unwrap_or(i64::MAX), "table", "tables"),
        plural(rows, "row", "rows")
    );
    match differences.as_deref() {
        Some([]) => say(&format!("Restored and verified: {what}, each as it was backed up.")),
        Some(differences) => return Err(RunError::RestoredOther(differences.join("; "))),
        None => say(&format!(
            "Restored: {what}. Nothing stood beside the file ({}.json), so that nobody knows \
             whether that is all.",
            file.display()
        )),
    }
    Ok(())
}

async fn restore_into(
    config: &Config,
    database: &Database,
    file: &Path,
) -> Result<Restored, RunError> {
    let failed = |source| RunError::Restore { file: file.to_path_buf(), source };
    let db = &database.system.db;
    let restored = backups::restore(db, &config.backups(), file).await.map_err(failed)?;
    db::migrate(db).await?;
    // It is restored, whether or not that can be written down.
    if let Err(error) = backups::note(&database.system, file, &restored).await {
        tracing::warn!(%error, "the audit log does not tell of the restore");
    }
    Ok(restored)
}

/// A line for whoever started it.
pub(crate) fn say(line: &str) {
    // Nobody reads a standard output that is closed.
    let _ = writeln!(std::io::stdout(), "{line}");
}
