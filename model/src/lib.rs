//! The nouns of Signalbox: plain data, its validation and its formatting. No I/O, so that the
//! browser and the server share one definition of everything they talk about.

pub mod actor;
pub mod alert;
pub mod audit;
pub mod backfill;
pub mod backup;
pub mod breaker;
pub mod bulk_operation;
pub mod database;
pub mod dead_letter;
pub mod domain;
pub mod error_class;
pub mod fleet;
pub mod format;
pub mod health;
pub mod hold;
pub mod job;
pub mod job_bulk;
pub mod kill_switch;
pub mod limit_preview;
pub mod matview;
pub mod metrics;
pub mod page;
pub mod problem;
pub mod progress;
pub mod provider;
pub mod queue;
pub mod redact;
pub mod runbook;
pub mod saved_view;
pub mod schedule;
pub mod secret;
pub mod setting;
pub mod sweep;
pub mod system_log;
pub mod throttle;
pub mod trend;
pub mod user;
pub mod why;

/// A point in time, always UTC.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
