//! The circuit breaker of a provider (OP-1): a pure state machine, and its store. One breaker is
//! shared by all workers through the database and outlives every process.

pub mod back_test;
pub(crate) mod calls;
pub mod force;
pub mod history;
pub mod step;
pub mod store;
mod tuning;
mod window;

pub use tuning::tuning;
