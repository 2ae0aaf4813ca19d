//! Stand-ins for the outside providers, speaking their real wire protocols, with a dial for their faults.
//!
//! For trying the product out and for its tests; product code never imports it.
//!
//! ```no_run
//! # async fn example() -> Result<(), signalbox_sandbox::StartError> {
//! use signalbox_sandbox::{CallResult, Fault, FaultMode, Provider, Sandbox, SandboxOptions};
//!
//! let sandbox = Sandbox::start(SandboxOptions::default()).await?;
//! sandbox.set_fault(Provider::Mcp, Fault::new(FaultMode::Error).operation("search_engine"));
//! // ... point the product at sandbox.mcp_url() ...
//! assert_eq!(sandbox.calls(Provider::Mcp).of("search_engine", CallResult::Ok), 0);
//! # Ok(()) }
//! ```

mod bearer;
mod calls;
mod control;
mod corpus;
mod faults;
mod limits;
mod mcp;
mod peek;
mod problem;
mod provider;
mod server;

pub use calls::{CallCounts, CallResult, OperationCounts};
pub use corpus::{
    COMMENTS_PAGE_SIZE, Comment, Corpus, CorpusError, CorpusSource, DEFAULT_POSTS, MAX_POSTS, Post,
    SEARCH_PAGE_SIZE,
};
pub use faults::{Fault, FaultMode};
pub use limits::Standing;
pub use provider::{Provider, UnknownProvider};
pub use server::{Sandbox, SandboxOptions, StartError};
