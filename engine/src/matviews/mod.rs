//! Materialized views (OP-9, OP-10): plain views `v_<name>` that pages read, and a twin
//! `mv_<name>` of each, refreshed by the job `materialized-views-refresh`.

mod commands;
mod reads;
mod refresh;

pub use commands::{apply_environment, refresh_now, status, switch};
pub use reads::{Reads, reads};
pub use refresh::{Refresh, refresh};

/// The kind of job that refreshes the views.
pub const KIND: &str = "materialized-views-refresh";
