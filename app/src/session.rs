//! Sessions of people in a browser: how one begins, and what is known of who asks. Server only.

use std::net::IpAddr;

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue};
use signalbox_engine::auth::sessions::{self, key};
use signalbox_engine::auth::sign_in::{Attempt, SignedIn};
use signalbox_engine::auth::{DEVICE_LIFETIME, sign_in};

use signalbox_model::Timestamp;
use tower_sessions::Session;
use tower_sessions::session::Error;

use crate::request::{RequestState, cookie};

/// As much is kept of what a browser calls itself, in characters.
const AGENT_CHARS_MAX: usize = 200;

/// What is known of who asks before they are signed in.
#[derive(Debug, Clone, Default)]
pub struct Visitor {
    /// Where they are.
    pub address: Option<IpAddr>,
    /// Their browser, as it calls itself.
    pub agent: Option<String>,
    /// The device that their browser says it is.
    pub device: Option<String>,
    /// TLS is terminated in front of us: cookies are for https only.
    pub secure: bool,
}

impl Visitor {
    /// Who sends a request with these headers from `address`.
    pub fn new(headers: &HeaderMap, address: Option<IpAddr>, secure: bool) -> Visitor {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let agent = text(USER_AGENT).map(|agent| agent.chars().take(AGENT_CHARS_MAX).collect());
        let device = cookie(headers, device_cookie_name(secure)).map(str::to_owned);
        Visitor { address, agent, device, secure }
    }

    /// This visitor's attempt to sign in.
    pub fn attempt<'a>(&'a self, who: Credentials<'a>) -> Attempt<'a> {
        let Credentials { email, password, code } = who;
        Attempt { email, password, code, device: self.device.as_deref(), address: self.address }
    }
}

/// How somebody proves who they are.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// Who they say they are.
    pub email: &'a str,
    /// Their password.
    pub password: &'a str,
    /// The code of their second factor.
    pub code: Option<&'a str>,
}

const fn device_cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-signalbox-device" } else { "signalbox_device" }
}

/// Begins the session of somebody who has signed in: under a new id, so that one planted
/// beforehand is worth nothing. The answer is the cookie that makes their device known.
///
/// # Errors
/// When the session cannot be stored.
pub async fn begin(
    session: &Session,
    visitor: &Visitor,
    SignedIn { actor, device }: &SignedIn,
    now: Timestamp,
) -> Result<Option<HeaderValue>, Error> {
    session.cycle_id().await?;
    session.insert(key::EMAIL, &actor.email).await?;
    session.insert(key::BEGAN_S, now.timestamp()).await?;
    session.insert(key::SEEN_S, now.timestamp()).await?;
    session.insert(key::ADDRESS, visitor.address.map(|address| address.to_string())).await?;
    session.insert(key::AGENT, &visitor.agent).await?;
    let name = device_cookie_name(visitor.secure);
    let age_s = DEVICE_LIFETIME.num_seconds();
    let secure = if visitor.secure { "; Secure" } else { "" };
    let cookie =
        format!("{name}={device}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}");
    Ok(HeaderValue::from_str(&cookie).ok())
}

/// When the session ends, however much it is used; nothing for one that never began here.
///
/// # Errors
/// When the session cannot be loaded.
pub async fn ends_at(session: &Session) -> Result<Option<Timestamp>, Error> {
    let began_s: Option<i64> = session.get(key::BEGAN_S).await?;
    let began = began_s.and_then(|began_s| chrono::DateTime::from_timestamp(began_s, 0));
    Ok(began.map(|began| began + sessions::LIFETIME))
}

/// What this session is named by.
pub fn handle(session: &Session) -> Option<String> {
    session.id().map(|id| sessions::handle(&id.to_string()))
}

/// Checks who somebody says they are, and begins their session.
///
/// # Errors
/// See [`sign_in::SignInError`]; [`Error`] as an outage.
pub async fn sign_in(
    state: &RequestState,
    session: &Session,
    who: Credentials<'_>,
) -> Result<(SignedIn, Option<HeaderValue>), sign_in::SignInError> {
    let (clock, vault) = (&state.clock, state.registry.providers().vault());
    let attempt = state.visitor.attempt(who);
    let signed_in = sign_in::sign_in(&state.db, clock, vault, attempt).await?;
    let cookie = begin(session, &state.visitor, &signed_in, clock.now()).await;
    let cookie = cookie.map_err(|error| {
        tracing::error!(%error, "cannot begin a session");
        sign_in::SignInError::Session
    })?;
    Ok((signed_in, cookie))
}
