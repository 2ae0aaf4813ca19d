//! The console of Signalbox over HTTP, and the command line that runs it.
//!
//! No SQL and no business rule lives here: a route reads its input, calls one engine command and
//! writes its answer. The route table is in `router.rs`.

pub mod api;
mod assets;
pub mod cli;
pub mod config;
mod database;
mod doctor;
pub mod env_example;
mod error_page;
mod greeting;
mod logging;
pub mod mail;
mod memory;
mod metrics;
pub mod middleware;
pub mod network;
mod openapi;
pub mod problem;
mod reporting;
mod router;
mod routes;
mod run;
mod serve;
mod session_store;
mod signals;
mod state;
mod table;
mod telemetry;
mod tools;
mod webhook;

pub use router::app;
pub use run::{RunError, run};
pub use state::{AppParts, Readiness};
