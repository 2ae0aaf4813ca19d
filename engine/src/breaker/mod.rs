//! The circuit breaker of a provider (OP-1): a pure state machine, and its store. One breaker is
//! shared by all workers through the database and outlives every process.

pub mod step;
pub mod store;
