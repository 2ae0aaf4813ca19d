//! Who asks. Read from the database for every request, so that a changed role acts at once.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use signalbox_app::notice::Notice;
use signalbox_app::request::{RequestState, SESSION_EMAIL, SESSION_NOTICE, take_notice};
use signalbox_engine::auth::users;
use signalbox_model::Timestamp;
use signalbox_model::actor::Actor;
use tower_sessions::Session;
use tower_sessions::session::Error;

use super::is_api;
use super::request_id::RequestId;
use crate::state::AppState;

/// The session key of the time when the session was last prolonged, in seconds since 1970.
const SESSION_SEEN: &str = "seen_s";
/// A session is prolonged at most this often, so that reading a page costs no write.
const PROLONG_AFTER_S: i64 = 600;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// Nobody is signed in.
    Anonymous,
    /// This user.
    Known(Actor),
    /// The database does not answer, so nobody can tell.
    Unavailable,
}

/// Finds out who asks, and prepares what pages and routes need.
pub async fn actor(
    State(state): State<AppState>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let identity = identify(&state, &session).await;
    let is_page = request.method() == Method::GET && !is_api(request.uri().path());
    let request_id = request.extensions().get::<RequestId>().cloned();
    let actor = match &identity {
        Identity::Known(actor) => Some(actor.clone()),
        Identity::Anonymous | Identity::Unavailable => None,
    };
    let request_state = RequestState {
        db: state.parts.system.db.clone(),
        clock: state.parts.system.clock.clone(),
        registry: state.parts.registry.clone(),
        actor,
        unavailable: identity == Identity::Unavailable,
        outside: state.parts.outside.clone(),
        environment: state.parts.environment.clone(),
        assets: state.assets.clone(),
        request_id: request_id.map(|id| id.0).unwrap_or_default(),
        notice: if is_page { notice(&session).await } else { None },
    };
    request.extensions_mut().insert(identity);
    request.extensions_mut().insert(request_state);
    next.run(request).await
}

/// What the last command left for this page. Looked at before it is taken: taking writes.
async fn notice(session: &Session) -> Option<Notice> {
    session.get_value(SESSION_NOTICE).await.ok()??;
    take_notice(session).await
}

async fn identify(state: &AppState, session: &Session) -> Identity {
    let email: String = match session.get(SESSION_EMAIL).await {
        Ok(Some(email)) => email,
        Ok(None) | Err(Error::SerdeJson(_)) => return Identity::Anonymous,
        Err(Error::Store(error)) => return unavailable(&error),
    };
    match users::actor_by_email(&state.parts.system.db, &email).await {
        Ok(Some(actor)) => {
            prolong(session, state.parts.system.now()).await;
            Identity::Known(actor)
        }
        Ok(None) => {
            end(session).await;
            Identity::Anonymous
        }
        Err(error) => unavailable(&error),
    }
}

fn unavailable(error: &dyn std::error::Error) -> Identity {
    tracing::error!(%error, "cannot tell who is signed in");
    Identity::Unavailable
}

/// Lets the session live on from `now`.
async fn prolong(session: &Session, now: Timestamp) {
    let now_s = now.timestamp();
    let seen_s: i64 = session.get(SESSION_SEEN).await.ok().flatten().unwrap_or(0);
    if now_s - seen_s >= PROLONG_AFTER_S
        && let Err(error) = session.insert(SESSION_SEEN, now_s).await
    {
        tracing::warn!(%error, "cannot prolong a session");
    }
}

/// Ends the session of a user who is gone or disabled.
async fn end(session: &Session) {
    if let Err(error) = session.flush().await {
        tracing::warn!(%error, "cannot end a session");
    }
}
