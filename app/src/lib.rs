//! The console of Signalbox: pages that the server renders and the browser then hydrates, and the
//! typed server functions between the two.
//!
//! One folder per noun: `api.rs` translates between engine and page, `page.rs` fetches, `row.rs`
//! and the components draw. What only the server has is imported inside a server function's body;
//! the one gate between the two targets is this file.

mod account;
mod alerts;
mod app;
mod audit;
mod backfills;
mod breakers;
mod bulk_operations;
mod chunks;
pub mod codec;
mod components;
mod console;
mod database;
mod dead_letters;
pub mod display;
mod domains;
pub mod error;
mod exports;
mod fleet;
mod frame;
mod jobs;
mod kill_switch;
mod logs;
mod matviews;
pub mod notice;
mod overview;
mod providers;
mod queues;
mod runbooks;
mod saved_views;
mod schedules;
mod settings;
mod tokens;
mod users;

#[cfg(feature = "ssr")]
#[path = "edge/errors.rs"]
mod errors;
#[cfg(feature = "ssr")]
pub mod request;
#[cfg(feature = "ssr")]
pub mod session;
#[cfg(feature = "ssr")]
mod shell;

#[cfg_attr(feature = "ssr", path = "edge/server.rs")]
#[cfg_attr(not(feature = "ssr"), path = "edge/browser.rs")]
mod edge;

pub use app::App;
#[cfg(feature = "ssr")]
pub use shell::shell;
