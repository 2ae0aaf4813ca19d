//! The job engine of Signalbox on PostgreSQL, and every operator command.
//!
//! An operator command is a function that takes a [`Ctx`], checks the actor's permission, does
//! the work and writes its audit row in one transaction. A job changes its state in one file,
//! `jobs/transitions.rs`. The current time is read in one file, `clock.rs`.

pub mod alerts;
pub mod audit;
pub mod auth;
pub mod backups;
pub mod breaker;
pub mod changes;
pub mod clock;
mod ctx;
pub mod database;
pub mod db;
pub mod dead_letters;
mod error;
pub mod exports;
pub mod fleet;
pub mod health;
pub mod jobs;
pub mod kill_switch;
pub mod limits;
pub mod logs;
pub mod matviews;
pub mod notify;
pub mod overview;
pub mod provider;
pub mod queues;
pub mod runbooks;
pub mod saved_views;
pub mod scheduler;
pub mod schedules;
mod search;
pub mod settings;
pub mod spans;
pub mod sweeps;
#[cfg(feature = "testing")]
pub mod testing;
pub mod throttle;
pub mod trends;
pub mod upkeep;
pub mod vault;

pub use clock::SharedClock;
pub use ctx::Ctx;
pub use error::CommandError;
pub use search::wanted;
/// The pool of connections, for those who hold one and send no SQL.
pub use sqlx::PgPool;
