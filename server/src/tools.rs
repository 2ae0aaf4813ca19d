//! The commands that do one thing and exit.

use std::io::Write as _;
use std::time::Duration;

use signalbox_engine::audit;
use signalbox_engine::auth::users::FirstAdmin;

use crate::config::Config;
use crate::database::Database;
use crate::run::RunError;
use crate::serve::first_admin;

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

/// A line for whoever started it.
pub(crate) fn say(line: &str) {
    // Nobody reads a standard output that is closed.
    let _ = writeln!(std::io::stdout(), "{line}");
}
