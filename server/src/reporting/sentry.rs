//! Errors to Sentry: what is logged as an error, and panics. Neither addresses nor people are sent.

use ::sentry::integrations::tracing::ErrorLayer;
use ::sentry::types::Dsn;
use ::sentry::{ClientInitGuard, ClientOptions};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;

use super::Listener;
use crate::config::{ConfigError, Secret};

/// Sends errors to where `dsn` says.
///
/// # Errors
/// When the DSN is none.
pub fn start(dsn: &Secret, environment: &str) -> Result<(Listener, ClientInitGuard), ConfigError> {
    let parsed: Result<Dsn, _> = dsn.expose().parse();
    if parsed.is_err() {
        let allowed = "it must be a project's DSN, such as https://key@sentry.example.com/1";
        let value = "(hidden)".to_owned();
        return Err(ConfigError { variable: "SENTRY_DSN", value, allowed });
    }
    let mut options = ClientOptions::new()
        .release(concat!("signalbox@", env!("CARGO_PKG_VERSION")))
        .environment(environment.to_owned());
    options.dsn = parsed.ok();
    let layer = ErrorLayer::new().with_filter(LevelFilter::ERROR);
    Ok((layer.boxed(), ::sentry::init(options)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn av_10_a_dsn_that_is_none_is_refused_without_showing_it() {
        let dsn = Secret::from("https://hunter2.example.com/not-a-project".to_owned());
        let error = start(&dsn, "test").err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("SENTRY_DSN") && !error.contains("hunter2"), "{error}");
    }
}
