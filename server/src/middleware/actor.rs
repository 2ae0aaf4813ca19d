//! Who asks. Read from the database for every request, so that a changed role acts at once.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};
use signalbox_app::notice::Notice;
use signalbox_app::request::{RequestState, SESSION_NOTICE, take_notice};
use signalbox_app::session::{self as browser, Visitor};
use signalbox_engine::auth::sessions::key;
use signalbox_engine::auth::{tokens, users};
use signalbox_model::Timestamp;
use signalbox_model::actor::Actor;
use tower_sessions::Session;
use tower_sessions::session::Error;

use super::is_api;
use super::peer::Peer;
use super::request_id::RequestId;
use crate::state::AppState;

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
    let (identity, session_ends_at) = identify(&state, &session, request.headers()).await;
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
        visitor: visitor(&state, &request),
        session_ends_at,
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

/// Who asks, and when their session ends. A token counts alone: what comes with one has no session.
async fn identify(
    state: &AppState,
    session: &Session,
    headers: &HeaderMap,
) -> (Identity, Option<Timestamp>) {
    match bearer(headers) {
        Some(token) => (by_token(state, token).await, None),
        None => by_session(state, session).await,
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

async fn by_token(state: &AppState, token: &str) -> Identity {
    let system = &state.parts.system;
    match tokens::actor(&system.db, token, system.now()).await {
        Ok(Some(actor)) => Identity::Known(actor),
        Ok(None) => Identity::Anonymous,
        Err(error) => unavailable(&error),
    }
}

async fn by_session(state: &AppState, session: &Session) -> (Identity, Option<Timestamp>) {
    let (email, ends_at) = match known(session).await {
        Ok(Some(known)) => known,
        Ok(None) | Err(Error::SerdeJson(_)) => return (Identity::Anonymous, None),
        Err(Error::Store(error)) => return (unavailable(&error), None),
    };
    let now = state.parts.system.now();
    match users::actor_by_email(&state.parts.system.db, &email).await {
        Ok(Some(actor)) if now < ends_at => {
            prolong(session, now).await;
            (Identity::Known(actor), Some(ends_at))
        }
        Ok(_) => {
            end(session).await;
            (Identity::Anonymous, None)
        }
        Err(error) => (unavailable(&error), None),
    }
}

/// Whose the session is and when it ends; nothing if nobody has signed in.
async fn known(session: &Session) -> Result<Option<(String, Timestamp)>, Error> {
    let Some(email) = session.get(key::EMAIL).await? else { return Ok(None) };
    Ok(Some((email, browser::ends_at(session).await?.unwrap_or_default())))
}

fn visitor(state: &AppState, request: &Request) -> Visitor {
    // Whoever says that somebody else forwarded it is counted where they are.
    let connected = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = request.extensions().get().and_then(|Peer(address)| *address);
    let address = peer.or(connected.map(|ConnectInfo(peer)| peer.ip()));
    Visitor::new(request.headers(), address, state.parts.secure_cookies)
}

fn unavailable(error: &dyn std::error::Error) -> Identity {
    tracing::error!(%error, "cannot tell who is signed in");
    Identity::Unavailable
}

/// Lets the session live on from `now`.
async fn prolong(session: &Session, now: Timestamp) {
    let now_s = now.timestamp();
    let seen_s: i64 = session.get(key::SEEN_S).await.ok().flatten().unwrap_or(0);
    if now_s - seen_s >= PROLONG_AFTER_S
        && let Err(error) = session.insert(key::SEEN_S, now_s).await
    {
        tracing::warn!(%error, "cannot prolong a session");
    }
}

/// Ends a session that is too old, or whose user is gone or disabled.
async fn end(session: &Session) {
    if let Err(error) = session.flush().await {
        tracing::warn!(%error, "cannot end a session");
    }
}
