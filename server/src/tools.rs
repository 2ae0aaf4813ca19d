//! The commands that do one thing and exit.

use std::io::Write as _;
use std::time::Duration;

use signalbox_engine::auth::users::FirstAdmin;
use signalbox_engine::db;

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

/// `signalbox doctor`: what is configured, and whether it works.
///
/// # Errors
/// When a check fails.
pub async fn doctor(config: &Config) -> Result<(), RunError> {
    let database = match Database::open(config, Duration::ZERO).await {
        Ok(database) => {
            let answer = db::ping(&database.system.db).await.map_err(|error| error.to_string());
            database.close().await;
            answer.map(|()| "answers, schema up to date".to_owned())
        }
        Err(error) => Err(error.to_string()),
    };
    let manifest = config.site_root.join("pkg/manifest.json");
    let files = if manifest.is_file() {
        Ok(config.site_root.display().to_string())
    } else {
        Err(format!("{} is missing: pages work, but nothing moves in them", manifest.display()))
    };
    let provider = match &config.mcp.base_url {
        Some(_) => Ok("MCP_BASE_URL is set".to_owned()),
        None => Err("MCP_BASE_URL is unset: pipeline domains cannot run".to_owned()),
    };
    let checks = [
        ("configuration", Ok("valid".to_owned())),
        ("database", database),
        ("browser files", files),
        ("provider", provider),
    ];
    let failed = checks.iter().filter(|(_, result)| result.is_err()).count();
    for (name, result) in &checks {
        match result {
            Ok(text) => say(&format!("ok    {name}: {text}")),
            Err(text) => say(&format!("FAIL  {name}: {text}")),
        }
    }
    if failed == 0 { Ok(()) } else { Err(RunError::Doctor(failed)) }
}

fn say(line: &str) {
    // Nobody reads a standard output that is closed.
    let _ = writeln!(std::io::stdout(), "{line}");
}
