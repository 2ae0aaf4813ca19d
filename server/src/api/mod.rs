//! The JSON API: one file per noun. A route reads its input, calls one engine command and writes
//! its answer.

pub mod admin_jobs;
pub mod alerts;
pub mod audit;
pub mod auth;
pub mod batch;
pub mod breakers;
pub mod bulk_operations;
pub mod changes;
pub mod dead_letters;
pub mod exports;
pub mod fleet;
pub mod health;
pub mod input;
pub mod jobs;
pub mod kill_switch;
pub mod lines;
pub mod logs;
pub mod matviews;
pub mod queues;
pub mod requested_by;
pub mod runbooks;
pub mod schedules;
pub mod settings;
pub mod sweeps;
pub mod trends;
