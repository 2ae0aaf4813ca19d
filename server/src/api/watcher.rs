//! Who may read how everything stands: people who may see the console, and machines on the allow-list,
//! which do not sign in.

use axum::extract::FromRequestParts;
use http::request::Parts;
use signalbox_model::actor::Permission;

use crate::middleware::actor::Identity;
use crate::middleware::peer::Peer;
use crate::problem::ApiProblem;
use crate::state::AppState;

/// Whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watcher {
    /// May read everything.
    Trusted,
    /// Is nobody we know.
    Stranger,
    /// Is signed in, and may not see the console.
    Excluded,
    /// The database does not answer, so nobody can tell.
    Unknown,
}

impl FromRequestParts<AppState> for Watcher {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &AppState,
    ) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<Peer>().and_then(|Peer(address)| *address);
        let listed = peer.is_some_and(|address| state.parts.health_allowlist.contain(address));
        Ok(match parts.extensions.get() {
            _ if listed => Watcher::Trusted,
            Some(Identity::Known(actor)) if actor.may(Permission::ReadConsole) => Watcher::Trusted,
            Some(Identity::Known(_)) => Watcher::Excluded,
            Some(Identity::Unavailable) => Watcher::Unknown,
            Some(Identity::Anonymous) | None => Watcher::Stranger,
        })
    }
}

impl Watcher {
    /// Goes on only with whoever may read everything.
    ///
    /// # Errors
    /// 401 for a stranger, 403 for who may not see the console, 503 when nobody can tell.
    pub fn demand_trusted(self) -> Result<(), ApiProblem> {
        match self {
            Watcher::Trusted => Ok(()),
            Watcher::Stranger => Err(ApiProblem::unauthenticated()),
            Watcher::Excluded => Err(ApiProblem::lacks(Permission::ReadConsole)),
            Watcher::Unknown => Err(ApiProblem::unavailable()),
        }
    }
}
