//! Structured logs, on standard error, and what reports elsewhere.

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::cli::LogFormat;
use crate::config::{Config, ConfigError};
use crate::reporting::{self, Listener, Reports};

/// Starts logging as configured.
///
/// # Errors
/// When `RUST_LOG`, or a variable of what reports elsewhere, makes no sense.
pub fn start(config: &Config) -> Result<Reports, ConfigError> {
    let filter = EnvFilter::try_new(&config.log).map_err(|_| ConfigError {
        variable: "RUST_LOG",
        value: config.log.clone(),
        allowed: "a level (error, warn, info, debug, trace), or levels by module, such as \
                  info,sqlx=warn",
    })?;
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines: Listener = match config.log_format {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    };
    let mut listeners = vec![lines];
    let reports = reporting::start(config, &mut listeners)?;
    // Only a test that runs two servers in one process finds logging started already.
    let _ = tracing_subscriber::registry().with(listeners).try_init();
    reporting::warn_of_missing_features(config);
    Ok(reports)
}
