//! What this process reports of itself to other programs: traces by OTLP, errors to Sentry. Each is a
//! feature of the build, off by default, since it brings in what nobody else needs (AV-10).

#[cfg(feature = "otlp")]
mod otlp;
#[cfg(feature = "sentry")]
mod sentry;

use tracing_subscriber::{Layer, Registry};

use crate::config::{Config, ConfigError, Secret};

/// What hears of spans and events.
pub type Listener = Box<dyn Layer<Registry> + Send + Sync>;

/// What sends reports; it still holds the last ones.
#[derive(Default)]
pub struct Reports {
    #[cfg(feature = "otlp")]
    traces: Option<otlp::Traces>,
    #[cfg(feature = "sentry")]
    errors: Option<::sentry::ClientInitGuard>,
}

impl Reports {
    /// Sends what is left, for a few seconds at most.
    pub async fn end(self) {
        // It waits for the network when it is dropped, and blocks meanwhile.
        let _ = tokio::task::spawn_blocking(move || {
            let _ends_here = self;
        })
        .await;
    }
}

/// What reports as `config` says, added to `listeners`.
///
/// # Errors
/// When a variable cannot be used.
#[cfg_attr(
    not(any(feature = "otlp", feature = "sentry")),
    expect(unused_mut, unused_variables, clippy::unnecessary_wraps, clippy::ptr_arg)
)]
pub fn start(config: &Config, listeners: &mut Vec<Listener>) -> Result<Reports, ConfigError> {
    let mut reports = Reports::default();
    #[cfg(feature = "otlp")]
    if let Some(endpoint) = &config.otlp_endpoint {
        let (listener, traces) = otlp::start(endpoint.expose(), &config.environment)?;
        listeners.push(listener);
        reports.traces = Some(traces);
    }
    #[cfg(feature = "sentry")]
    if let Some(dsn) = &config.sentry_dsn {
        let (listener, guard) = sentry::start(dsn, &config.environment)?;
        listeners.push(listener);
        reports.errors = Some(guard);
    }
    Ok(reports)
}

/// Warns of a variable that is set, while this build lacks what it is for.
pub fn warn_of_missing_features(config: &Config) {
    let warn = |variable: &str, feature: &str, is_there: bool, value: &Option<Secret>| {
        if value.is_some() && !is_there {
            tracing::warn!(
                variable,
                feature,
                "this build does not report there: build it with the feature, or unset the variable"
            );
        }
    };
    warn("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp", cfg!(feature = "otlp"), &config.otlp_endpoint);
    warn("SENTRY_DSN", "sentry", cfg!(feature = "sentry"), &config.sentry_dsn);
}
