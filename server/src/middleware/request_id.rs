//! The request's id: in `x-request-id` of every response, in the log, and on error pages.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};

/// The header.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over from a caller.
const LENGTH_BOUND: usize = 128;

/// This request's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

/// Takes over the caller's id if it is harmless, and else draws one.
pub async fn request_id(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
    let id = match given {
        Some(id) if is_harmless(id) => id.to_owned(),
        _ => format!("{:032x}", rand::random::<u128>()),
    };
    let header = HeaderValue::from_str(&id);
    request.extensions_mut().insert(RequestId(id));
    let mut response = next.run(request).await;
    if let Ok(header) = header {
        response.headers_mut().insert(X_REQUEST_ID, header);
    }
    response
}

fn is_harmless(id: &str) -> bool {
    (1..=LENGTH_BOUND).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_carry_markup_or_fill_the_log() {
        assert!(is_harmless("0192-abc_DEF.7"));
        for id in ["", "a b", "<b>", "a\"b", &"x".repeat(129)] {
            assert!(!is_harmless(id), "{id}");
        }
    }
}
