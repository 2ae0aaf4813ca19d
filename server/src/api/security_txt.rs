//! Whom to tell of a hole in this installation (RFC 9116).

use axum::extract::State;
use axum::response::IntoResponse as _;
use chrono::{SecondsFormat, TimeDelta};
use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::output::Plain;
use crate::problem::{Answer, ApiProblem};
use crate::state::AppState;

/// So long may somebody rely on it; less than the year that the RFC allows.
const HOLDS: TimeDelta = TimeDelta::days(90);

/// `GET /.well-known/security.txt`. 404 where nobody is named.
pub async fn read(State(state): State<AppState>) -> Answer<Plain> {
    let parts = &state.parts;
    let Some(contact) = &parts.security_contact else {
        return Err(ApiProblem::of_status(StatusCode::NOT_FOUND));
    };
    let expires = (parts.system.now() + HOLDS).to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut text = format!("Contact: {contact}\nExpires: {expires}\nPreferred-Languages: en\n");
    if let Some(url) = &parts.outside.url {
        text += &format!("Canonical: {url}/.well-known/security.txt\n");
    }
    Ok(Plain(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()))
}
