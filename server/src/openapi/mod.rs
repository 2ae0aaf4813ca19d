//! What the API documents of itself: OpenAPI 3.1, made from the route table and from the types of the
//! routes' own functions, so that it cannot say anything else than they do.

pub mod describe;
pub mod document;
pub mod functions;
pub mod operation;
pub mod page;
