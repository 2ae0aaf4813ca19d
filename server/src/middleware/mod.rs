//! What happens to every request before and after its route, from the outside in.

pub mod access_log;
pub mod actor;
pub mod body_limit;
pub mod error_pages;
pub mod guard;
pub mod http_metrics;
pub mod origin;
pub mod peer;
pub mod request_id;
pub mod security_headers;
pub mod session;

/// Whether programs ask at this address, and not people: errors are problems there, never pages.
pub fn is_api(path: &str) -> bool {
    const ADDRESSES: [&str; 6] =
        ["/api", "/healthz", "/readyz", "/health", "/metrics", "/.well-known/security.txt"];
    ADDRESSES.contains(&path) || path.starts_with("/api/") || path.starts_with("/v1/")
}
