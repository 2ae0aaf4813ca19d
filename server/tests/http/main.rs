//! The console over real HTTP, each test on a database of its own. Needs `DATABASE_URL`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod alerts;
mod auth;
mod authz_matrix;
mod bad_input;
mod bulk_operations;
mod changes;
mod docs;
mod exports;
mod guard;
mod health;
mod jobs;
mod login_attack;
mod mail;
mod matviews;
mod mutated;
mod operator;
mod origin;
mod pages;
mod providers;
mod runbooks;
mod schedules;
mod smtp;
mod support;
mod telemetry;
mod users;
