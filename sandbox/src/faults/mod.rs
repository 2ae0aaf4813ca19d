//! The fault dial: what a provider gets wrong, for whom, and how often.

mod answers;
mod dial;
mod fault;
mod layer;
mod parse;

pub(crate) use answers::bad_key;
pub(crate) use dial::Dial;
pub use fault::{Fault, FaultMode};
pub(crate) use layer::{Lane, apply};
