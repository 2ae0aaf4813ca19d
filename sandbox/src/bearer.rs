//! Keys as most providers take them: `Authorization: Bearer <key>`.

use axum::http::{HeaderMap, header};

/// The key that a request bears.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (_, key) =
        value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))?;
    Some(key.trim()).filter(|key| !key.is_empty())
}
