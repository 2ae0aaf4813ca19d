//! Jobs, from enqueue to their end.

mod backoff;
pub mod bulk;
pub(crate) mod checkpoint;
pub mod claim;
pub mod commands;
pub mod context;
pub mod enqueue;
mod execute;
mod filter;
mod fingerprint;
mod gates;
pub mod handler;
pub mod hold;
mod lanes;
mod lease;
pub mod list;
pub(crate) mod progress;
mod row;
mod run;
mod settle;
mod share;
pub(crate) mod stats;
pub mod system_kinds;
pub(crate) mod transitions;
pub mod why;
pub mod worker;

pub use context::JobContext;
pub use execute::{Ended, Ending, execute};
pub use handler::{Decision, Job, JobError, KindSpec, Registry};
pub use lease::{deregister, reclaim_lost, register, renew};
pub use row::ClaimedJob;
pub use settle::{Settled, settle};
pub use stats::{forget_before, per_kind};
pub use transitions::promote_due;
