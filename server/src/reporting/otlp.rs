//! Traces by OTLP over HTTP, as <https://opentelemetry.io/docs/specs/otlp/> has it. What is not said
//! here (headers, sampling, batches), the environment's other `OTEL_…` variables say.

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use signalbox_engine::spans;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;

use super::Listener;
use crate::config::ConfigError;

/// What sends traces; sends the last ones when it is dropped.
pub struct Traces(SdkTracerProvider);

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// Collects spans and sends them to the collector at `endpoint`, by a thread of its own.
///
/// # Errors
/// When the endpoint or another of the environment's `OTEL_…` variables cannot be used.
pub fn start(endpoint: &str, environment: &str) -> Result<(Listener, Traces), ConfigError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        // The variable names the collector: each kind of signal has its path there.
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .map_err(|_| ConfigError {
            variable: "OTEL_EXPORTER_OTLP_ENDPOINT",
            value: "(hidden)".to_owned(),
            allowed: "it must be a collector's http or https URL, such as \
                      http://collector.example.com:4318; other OTEL_ variables must fit to it",
        })?;
    let resource = Resource::builder()
        .with_service_name("signalbox")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("deployment.environment.name", environment.to_owned()))
        .build();
    let provider =
        SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("signalbox"));
    let ours = Targets::new().with_target(spans::TARGET, LevelFilter::TRACE);
    Ok((layer.with_filter(ours).boxed(), Traces(provider)))
}
