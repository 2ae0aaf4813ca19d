//! The session cookie.

use time::Duration;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};

use crate::session_store::DbSessions;
use crate::state::AppParts;

/// A session ends after this long without a request.
pub const IDLE_EXPIRY: Duration = Duration::hours(12);

/// The cookie behind TLS: browsers accept it over https only, for this host alone.
pub const SECURE_NAME: &str = "__Host-signalbox";
/// The cookie over plain http, where `__Host-` and `Secure` cookies get lost.
pub const PLAIN_NAME: &str = "signalbox_session";

/// The layer that loads and stores sessions. Visitors who are not signed in get none.
pub fn layer(parts: &AppParts) -> SessionManagerLayer<DbSessions> {
    let name = if parts.secure_cookies { SECURE_NAME } else { PLAIN_NAME };
    SessionManagerLayer::new(DbSessions::new(parts.system.clone()))
        .with_name(name)
        .with_secure(parts.secure_cookies)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(IDLE_EXPIRY))
}
