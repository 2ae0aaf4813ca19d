//! Who may come in (OP-7). The engine checks every command again; this is what lets no page and
//! no address be forgotten.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use signalbox_model::actor::{Actor, Permission};

use super::actor::Identity;
use super::is_api;
use crate::problem::ApiProblem;

/// Where a one-time password is changed.
pub const PASSWORD_PAGE: &str = "/account/password";

/// What stands behind each address, and what it takes to go there; the first that fits counts. Everything else is open to
/// all, or (server functions, `/api/auth`) checks by itself.
const GUARDED: [(&str, Option<Permission>); 14] = [
    ("/admin/users", Some(Permission::ManageUsers)),
    ("/admin/tokens", Some(Permission::ManageUsers)),
    ("/api/admin/users", Some(Permission::ManageUsers)),
    ("/api/admin/sessions", Some(Permission::ManageUsers)),
    ("/api/admin/tokens", Some(Permission::ManageUsers)),
    ("/admin", Some(Permission::ReadConsole)),
    ("/domains", Some(Permission::ReadResults)),
    ("/account", None),
    ("/api/account", None),
    ("/api/admin", Some(Permission::ReadConsole)),
    ("/api/jobs", Some(Permission::ReadConsole)),
    ("/api/ops", Some(Permission::ReadConsole)),
    ("/v1/admin", Some(Permission::ReadConsole)),
    ("/api/domains", Some(Permission::ReadResults)),
];

/// Everything but letters, digits and `/-._~`.
const IN_QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'\'')
    .add(b'+')
    .add(b',')
    .add(b':')
    .add(b';')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b'!')
    .add(b'$')
    .add(b'(')
    .add(b')')
    .add(b'*');

/// Lets a request pass, or sends it where it belongs.
pub async fn guard(request: Request, next: Next) -> Response {
    let path = plain_path(request.uri().path());
    let Some(needed) = needed(&path) else { return next.run(request).await };
    let identity = request.extensions().get().cloned().unwrap_or(Identity::Anonymous);
    let refusal = match identity {
        Identity::Unavailable => Some(ApiProblem::unavailable().into_response()),
        Identity::Anonymous => Some(sign_in_first(&request, &path)),
        Identity::Known(actor) => refuse(&actor, needed, &path),
    };
    match refusal {
        Some(response) => response,
        None => next.run(request).await,
    }
}

/// What it takes to go to `path`: nothing, a session, or a session with a permission.
fn needed(path: &str) -> Option<Option<Permission>> {
    let below = |base: &str| {
        path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    GUARDED.iter().find(|(base, _)| below(base)).map(|(_, permission)| *permission)
}

/// The path as the page router understands it, so that `//admin` and `/%61dmin` are guarded too.
fn plain_path(path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let parts: Vec<_> = decoded.split('/').filter(|part| !part.is_empty()).collect();
    format!("/{}", parts.join("/"))
}

/// 401 for the API, the login page for people; they come back to where they were.
fn sign_in_first(request: &Request, path: &str) -> Response {
    if is_api(path) {
        return ApiProblem::unauthenticated().into_response();
    }
    if request.method() != Method::GET {
        return Redirect::to("/login").into_response();
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let next = format!("{path}{query}");
    Redirect::to(&format!("/login?next={}", utf8_percent_encode(&next, IN_QUERY))).into_response()
}

/// Why `actor` may not go to `path`, if so.
fn refuse(actor: &Actor, needed: Option<Permission>, path: &str) -> Option<Response> {
    if actor.must_change_password && path != PASSWORD_PAGE {
        return Some(if is_api(path) {
            ApiProblem::new(
                StatusCode::FORBIDDEN,
                "password-change-required",
                "Password change required",
                "Your password works once. Choose a new one: POST /api/auth/password, or the \
                 page /account/password.",
            )
            .into_response()
        } else {
            Redirect::to(PASSWORD_PAGE).into_response()
        });
    }
    let permission = needed.filter(|permission| !actor.may(*permission))?;
    Some(ApiProblem::lacks(permission).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_guarded(path: &str) -> bool {
        needed(&plain_path(path)).is_some()
    }

    #[test]
    fn op_7_console_and_api_are_guarded_however_they_are_spelled() {
        for path in [
            "/admin",
            "/admin/",
            "/admin/jobs/7",
            "//admin",
            "/%61dmin/jobs",
            "/api/admin/jobs",
            "/api/jobs",
            "/api/jobs/1/why",
            "/api/domains/export",
            "/v1/admin/system",
            "/domains/3",
            "/account/password",
        ] {
            assert!(is_guarded(path), "{path}");
        }
    }

    #[test]
    fn the_rest_is_open() {
        for path in [
            "/",
            "/login",
            "/administrator",
            "/api/auth/login",
            "/api/fn/login",
            "/healthz",
            "/pkg/x",
        ] {
            assert!(!is_guarded(path), "{path}");
        }
    }

    #[test]
    fn a_one_time_password_leads_to_the_password_page_and_nowhere_else() {
        let mut actor = Actor::system("test");
        actor.must_change_password = true;
        assert!(refuse(&actor, None, PASSWORD_PAGE).is_none());
        let page = refuse(&actor, Some(Permission::ReadConsole), "/admin");
        assert_eq!(page.map(|response| response.status()), Some(StatusCode::SEE_OTHER));
        let api = refuse(&actor, Some(Permission::ReadConsole), "/api/admin/jobs");
        assert_eq!(api.map(|response| response.status()), Some(StatusCode::FORBIDDEN));
    }
}
