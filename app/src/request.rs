//! What the server gives to every request, and how a server function reads it. Server only.
//!
//! The server provides [`RequestState`] as Leptos context for page rendering and for server
//! functions alike. Pages need the content security policy's nonce from `leptos::nonce`, and
//! commands need the `tower_sessions::Session` that the session layer puts into the request.

use std::sync::Arc;

use http::header::{ACCEPT, COOKIE, REFERER, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use signalbox_engine::alerts::courier::Outside;
use signalbox_engine::jobs::handler::Registry;
use signalbox_engine::{CommandError, Ctx, PgPool, SharedClock};
use signalbox_model::Timestamp;
use signalbox_model::actor::Actor;
use tower_sessions::Session;

use crate::console::Start;
use crate::display::{Pace, Theme, Zone};
use crate::error::AppError;
use crate::notice::Notice;
use crate::session::Visitor;

/// The session key of the notice that the next page shows once.
pub const SESSION_NOTICE: &str = "notice";

/// Where the built files are, and what they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assets {
    /// The path that all of them are under, which changes with their content: `/pkg/1f3a…`.
    pub base: String,
    /// The chunks that the pages' code is in; chunk `x` is in `pack_x.wasm`.
    pub chunks: Vec<String>,
}

impl Assets {
    /// The address of one of them.
    pub fn address(&self, file: &str) -> String {
        format!("{}/{file}", self.base)
    }
}

/// Everything a page or a server function may use.
#[derive(Clone)]
pub struct RequestState {
    /// The database.
    pub db: PgPool,
    /// The clock.
    pub clock: SharedClock,
    /// Every job kind.
    pub registry: Registry,
    /// Who is signed in, read from the database for this request.
    pub actor: Option<Actor>,
    /// What is known of who asks, signed in or not.
    pub visitor: Visitor,
    /// When the session ends, however much it is used.
    pub session_ends_at: Option<Timestamp>,
    /// The database does not answer, so nobody can tell who is signed in.
    pub unavailable: bool,
    /// Whom alerts are told to.
    pub outside: Outside,
    /// The name of this installation, shown in the top strip.
    pub environment: String,
    /// Where the built files are.
    pub assets: Arc<Assets>,
    /// This request's number, shown on error pages.
    pub request_id: String,
    /// What the last command left for this page: [`take_notice`] for a page, `None` otherwise.
    pub notice: Option<Notice>,
}

impl RequestState {
    /// The context in which the signed-in user's commands run.
    ///
    /// # Errors
    /// [`AppError::Unauthenticated`] when nobody is signed in, [`AppError::Unavailable`] when nobody
    /// can tell.
    pub fn ctx(&self) -> Result<Ctx, AppError> {
        if self.unavailable {
            return Err(AppError::Unavailable);
        }
        let actor = self.actor.clone().ok_or(AppError::Unauthenticated)?;
        Ok(Ctx::new(self.db.clone(), self.clock.clone(), actor))
    }
}

/// This request's state.
///
/// # Errors
/// [`AppError::Internal`] outside a request.
pub fn state() -> Result<RequestState, AppError> {
    use_context().ok_or(AppError::Internal)
}

/// The context of the signed-in user; sets the response's status when there is none.
///
/// # Errors
/// [`AppError::Unauthenticated`] when nobody is signed in.
pub fn ctx() -> Result<Ctx, AppError> {
    answer(state().and_then(|state| state.ctx()))
}

/// This request's session.
///
/// # Errors
/// [`AppError::Internal`] where the session layer is missing.
pub fn session() -> Result<Session, AppError> {
    parts().and_then(|parts| parts.extensions.get().cloned()).ok_or(AppError::Internal)
}

/// `result` as the browser gets it, its status set on the response (page or server function).
///
/// # Errors
/// The error of `result`.
pub fn answer<T, E: Into<AppError>>(result: Result<T, E>) -> Result<T, AppError> {
    result.map_err(|error| {
        let error = error.into();
        set_status(error.status());
        error
    })
}

/// Sets the status of this response.
pub fn set_status(status: u16) {
    let Ok(status) = StatusCode::from_u16(status) else { return };
    if let Some(options) = use_context::<ResponseOptions>() {
        options.set_status(status);
    }
}

/// Ends a command. A browser without JavaScript is sent back to the page the form was on (or to
/// `page`), where the outcome is shown once, with `input` still in the form after a failure; the
/// hydrated console gets the outcome as the answer.
///
/// # Errors
/// The error of `result`.
pub async fn finish(
    result: Result<Notice, impl Into<AppError>>,
    page: &str,
    input: &[(&str, &str)],
) -> Result<Notice, AppError> {
    let result = result.map_err(Into::into);
    if !is_plain_form() {
        return answer(result);
    }
    let notice = match &result {
        Ok(notice) => notice.clone(),
        Err(error) => Notice::from_error(error).with_input(input),
    };
    leave_notice(&notice).await;
    leptos_axum::redirect(&back_to(page));
    result
}

/// Whether the number of things that a form will touch was typed, where the form asks for it.
///
/// # Errors
/// [`CommandError::Invalid`] when another number was.
pub(crate) fn confirmed(typed: Option<&str>, count: i64) -> Result<(), CommandError> {
    if typed.is_none_or(|typed| typed.trim() == count.to_string()) {
        return Ok(());
    }
    Err(CommandError::invalid("confirm", format!("must be {count}")))
}

/// The number in a field of a form that may be empty.
///
/// # Errors
/// [`CommandError::Invalid`] when it is no whole number.
pub(crate) fn whole_number(field: &str, text: &str) -> Result<Option<i64>, CommandError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| CommandError::invalid(field, "must be a whole number"))
}

/// Keeps `notice` for the next page of this session: in the session's row, or, if it has a secret,
/// in the browser alone, for a minute.
pub async fn leave_notice(notice: &Notice) {
    if notice.secret.is_some() {
        return leave_secret(notice);
    }
    if let Ok(session) = session() {
        // Without a working session store the page still answers, only without its notice.
        let _ = session.insert(SESSION_NOTICE, notice).await;
    }
}

/// The cookie of a notice with a secret.
const SECRET_COOKIE: &str = "signalbox_once";

fn leave_secret(notice: &Notice) {
    let Ok(json) = serde_json::to_string(notice) else { return };
    let value = leptos_router::location::Url::escape(&json);
    set_secret_cookie(&format!("{SECRET_COOKIE}={value}; Max-Age=60"));
}

/// The notice with a secret that the last command left in this browser, once.
fn take_secret(headers: &HeaderMap) -> Option<Notice> {
    let value = cookie(headers, SECRET_COOKIE)?;
    set_secret_cookie(&format!("{SECRET_COOKIE}=; Max-Age=0"));
    serde_json::from_str(&leptos_router::location::Url::unescape(value)).ok()
}

fn set_secret_cookie(cookie: &str) {
    let secure = state().is_ok_and(|state| state.visitor.secure);
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("{cookie}; Path=/; HttpOnly; SameSite=Strict{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        keep_cookie(cookie);
    }
}

/// The notice left by the last command, once. The server calls it when a page is asked for.
pub async fn take_notice(session: &Session) -> Option<Notice> {
    session.remove(SESSION_NOTICE).await.ok()?
}

/// What the pages must know before they fetch anything.
pub(crate) fn start() -> Start {
    let Ok(state) = state() else { return Start::default() };
    let headers = parts().map(|parts| parts.headers).unwrap_or_default();
    Start {
        notice: state.notice.or_else(|| take_secret(&headers)),
        theme: theme_in(&headers),
        zone: chosen(&headers, Zone::COOKIE, Zone::ALL, Zone::name),
        pace: chosen(&headers, Pace::COOKIE, Pace::ALL, Pace::name),
        environment: state.environment,
        actor: state.actor,
        session_ends_at: state.session_ends_at,
        request_id: state.request_id,
    }
}

/// Whether a plain HTML form made this request, rather than the hydrated console.
pub fn is_plain_form() -> bool {
    parts().is_some_and(|parts| header(&parts, ACCEPT).contains("text/html"))
}

/// The theme that this browser's cookie asks for.
pub fn theme() -> Theme {
    parts().map_or_else(Theme::default, |parts| theme_in(&parts.headers))
}

/// The theme that a request's cookie asks for.
pub fn theme_in(headers: &HeaderMap) -> Theme {
    chosen(headers, Theme::COOKIE, Theme::ALL, Theme::name)
}

/// Which of `all` a request's cookie names; the default if none.
fn chosen<T: Copy + Default, const N: usize>(
    headers: &HeaderMap,
    cookie: &str,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> T {
    let value = self::cookie(headers, cookie);
    all.into_iter().find(|one| Some(name(*one)) == value).unwrap_or_default()
}

/// The value of the request's cookie `name`.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Keeps a choice in this browser for a year.
pub(crate) fn keep_choice(cookie: &str, value: &str) {
    let cookie = format!("{cookie}={value}; Path=/; Max-Age=31536000; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        keep_cookie(cookie);
    }
}

/// Gives the browser a cookie.
pub(crate) fn keep_cookie(cookie: HeaderValue) {
    if let Some(options) = use_context::<ResponseOptions>() {
        options.append_header(SET_COOKIE, cookie);
    }
}

/// Sends a plain form back to the page it was on.
pub(crate) fn go_back() {
    if is_plain_form() {
        let page = referer().unwrap_or_else(|| "/".to_owned());
        leptos_axum::redirect(&page);
    }
}

/// Where someone is sent after signing in: `next`, if it is an address on this server, else the
/// overview.
pub(crate) fn safe_next(next: Option<&str>) -> &str {
    let is_local = |next: &&str| {
        next.starts_with('/')
            && !next.starts_with("//")
            && !next.contains('\\')
            && next.bytes().all(|byte| byte.is_ascii_graphic())
    };
    next.filter(is_local).unwrap_or("/admin")
}

fn parts() -> Option<Parts> {
    use_context()
}

fn header(parts: &Parts, name: http::HeaderName) -> String {
    parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// Where the form was, if that is `page` (its filters are in the query), else `page`.
fn back_to(page: &str) -> String {
    referer()
        .filter(|address| address.split('?').next() == page.split('?').next())
        .unwrap_or_else(|| page.to_owned())
}

/// Path and query of the page that the form was on.
fn referer() -> Option<String> {
    let uri: Uri = header(&parts()?, REFERER).parse().ok()?;
    Some(uri.path_and_query()?.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::safe_next;

    #[test]
    fn only_addresses_on_this_server_are_gone_to() {
        assert_eq!(safe_next(Some("/admin/jobs?state=dead")), "/admin/jobs?state=dead");
        for bad in
            ["", "admin", "//evil.example", "/\\evil.example", "https://evil", "/a\r\nb", "/ü"]
        {
            assert_eq!(safe_next(Some(bad)), "/admin", "{bad:?}");
        }
        assert_eq!(safe_next(None), "/admin");
    }
}
