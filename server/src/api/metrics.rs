//! `GET /metrics` (AV-4).

use axum::extract::State;
use axum::response::IntoResponse as _;
use http::header::CONTENT_TYPE;

use super::output::Plain;
use super::watcher::Watcher;
use crate::memory::memory;
use crate::metrics::page;
use crate::metrics::text::Text;
use crate::problem::Answer;
use crate::state::AppState;

/// The media type of Prometheus's text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /metrics`: figures for Prometheus. For those who may see the console, and for addresses on
/// `HEALTH_ALLOWLIST`. While the database does not answer, the figures of this process alone.
pub async fn metrics(State(state): State<AppState>, watcher: Watcher) -> Answer<Plain> {
    watcher.demand_trusted()?;
    let mut text = Text::default();
    let health = state.telemetry.read().await;
    let up = f64::from(u8::from(health.is_some()));
    text.gauge("signalbox_database_up", "1 while the database answers.", up);
    state.http_metrics.write(&mut text);
    if let Some(health) = health {
        page::write(&mut text, &health, state.parts.system.now());
    }
    if let Some(memory) = memory() {
        let help = "Memory that this process holds.";
        text.gauge("process_resident_memory_bytes", help, memory.used as f64);
    }
    let started = state.started_at.timestamp() as f64;
    text.gauge("process_start_time_seconds", "When this process started, since 1970.", started);
    Ok(Plain(([(CONTENT_TYPE, TEXT)], text.into_string()).into_response()))
}
