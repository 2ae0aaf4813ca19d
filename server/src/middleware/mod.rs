//! What happens to every request before and after its route, from the outside in.

pub mod access_log;
pub mod actor;
pub mod body_limit;
pub mod error_pages;
pub mod guard;
pub mod origin;
pub mod request_id;
pub mod security_headers;
pub mod session;
