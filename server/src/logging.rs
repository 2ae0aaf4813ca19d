//! Structured logs, on standard error.

use tracing_subscriber::EnvFilter;

use crate::cli::LogFormat;
use crate::config::{Config, ConfigError};

/// Starts logging as configured.
///
/// # Errors
/// When `RUST_LOG` makes no sense.
pub fn start(config: &Config) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(&config.log).map_err(|_| ConfigError {
        variable: "RUST_LOG",
        value: config.log.clone(),
        allowed: "a level (error, warn, info, debug, trace), or levels by module, such as \
                  info,sqlx=warn",
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Only a test that runs two servers in one process finds logging started already.
    let _ = match config.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}
