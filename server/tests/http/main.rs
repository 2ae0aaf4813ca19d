//! The console over real HTTP, each test on a database of its own. Needs `DATABASE_URL`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod alerts;
mod auth;
mod bad_input;
mod bulk_operations;
mod changes;
mod database;
mod exports;
mod guard;
mod health;
mod jobs;
mod mail;
mod matviews;
mod operator;
mod origin;
mod pages;
mod runbooks;
mod schedules;
mod smtp;
mod support;
mod telemetry;
mod users;
