//! Changes come from our own pages, from origins on the list, or from no browser at all (OP-7).

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Method};

use crate::problem::ApiProblem;
use crate::state::AppState;

/// What the browser says about where a request comes from.
#[derive(Debug, Clone, Copy, Default)]
struct Source<'a> {
    /// `Sec-Fetch-Site`.
    fetch_site: Option<&'a str>,
    /// `Origin`.
    origin: Option<&'a str>,
    /// The host that was asked for.
    host: Option<&'a str>,
}

/// Refuses changes that another site sends with our user's cookie.
pub async fn origin(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let source = Source {
        fetch_site: text(request.headers(), "sec-fetch-site"),
        origin: text(request.headers(), ORIGIN.as_str()),
        host: text(request.headers(), HOST.as_str()).or(authority),
    };
    if changes(request.method()) && !source.is_allowed(&state.parts.allowed_origins) {
        let detail = "This request comes from another site. To allow it, add its origin to \
                      ALLOWED_ORIGINS.";
        return ApiProblem::forbidden(detail).into_response();
    }
    next.run(request).await
}

fn changes(method: &Method) -> bool {
    ![Method::GET, Method::HEAD, Method::OPTIONS].contains(method)
}

/// The header's text. What is not text is nobody's origin, and so is treated as one that is not
/// allowed rather than as absent.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("null"))
}

impl Source<'_> {
    fn is_allowed(self, list: &[String]) -> bool {
        if self.origin == Some("null") {
            return false;
        }
        let listed = self.origin.is_some_and(|origin| list.iter().any(|entry| entry == origin));
        match (self.fetch_site, self.origin) {
            (Some("same-origin" | "none"), _) => true,
            (Some(_), _) => listed,
            (None, Some(origin)) => listed || self.is_own(origin),
            // No browser sends a change without either: this is an operator's script.
            (None, None) => true,
        }
    }

    fn is_own(self, origin: &str) -> bool {
        let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        authority.is_some() && authority == self.host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(fetch_site: Option<&str>, origin: Option<&str>) -> bool {
        let list = ["https://ops.example.com".to_owned()];
        Source { fetch_site, origin, host: Some("box:3000") }.is_allowed(&list)
    }

    #[test]
    fn op_7_own_pages_listed_origins_and_scripts_may_send_changes() {
        assert!(allowed(Some("same-origin"), Some("http://box:3000")));
        assert!(allowed(Some("none"), None));
        assert!(allowed(None, Some("http://box:3000")));
        assert!(allowed(None, Some("https://box:3000")));
        assert!(allowed(None, None));
        assert!(allowed(Some("cross-site"), Some("https://ops.example.com")));
        assert!(allowed(None, Some("https://ops.example.com")));
    }

    #[test]
    fn op_7_everyone_else_may_not() {
        assert!(!allowed(Some("cross-site"), Some("http://box:3000")));
        assert!(!allowed(Some("cross-site"), None));
        assert!(!allowed(Some("same-site"), Some("http://other.box:3000")));
        assert!(!allowed(None, Some("http://box:3001")));
        assert!(!allowed(None, Some("http://box:3000.evil.example")));
        assert!(!allowed(None, Some("null")));
        assert!(!allowed(Some("same-origin"), Some("null")));
        assert!(!allowed(None, Some("https://ops.example.com.evil.example")));
    }
}
