//! Signing in and out by API.

use axum::Extension;
use axum::response::IntoResponse as _;
use http::StatusCode;
use http::header::SET_COOKIE;
use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_app::request::RequestState;
use signalbox_app::session as browser;
use signalbox_engine::auth::sign_in::SignInError;
use signalbox_engine::auth::users;
use signalbox_model::actor::Actor;
use tower_sessions::Session;

use super::input::{Json, Signed};
use super::output::NoContent;
use crate::problem::{Answer, ApiProblem};

/// The body of `POST /api/auth/login`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    email: String,
    password: String,
    /// Of the second factor, for those who have one.
    code: Option<String>,
}

/// The body of `POST /api/auth/password`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    current: String,
    new: String,
}

/// `POST /api/auth/login` → 204 and the session cookie.
pub async fn login(
    session: Session,
    Extension(request): Extension<RequestState>,
    Json(login): Json<Login>,
) -> Answer<NoContent> {
    let who = browser::Credentials {
        email: &login.email,
        password: &login.password,
        code: login.code.as_deref(),
    };
    let (_, cookie) = browser::sign_in(&request, &session, who).await.map_err(refusal)?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(NoContent(response))
}

fn refusal(error: SignInError) -> ApiProblem {
    match &error {
        SignInError::Wrong => {
            let detail = error.to_string();
            ApiProblem::new(StatusCode::UNAUTHORIZED, "wrong-credentials", "Not signed in", detail)
        }
        SignInError::Throttled { retry_after_s } => {
            let detail = error.to_string();
            let status = StatusCode::TOO_MANY_REQUESTS;
            let mut problem = ApiProblem::new(status, "throttled", "Too many tries", detail);
            problem.retry_after_s = Some((*retry_after_s).max(1));
            problem
        }
        SignInError::Unavailable(cause) => {
            tracing::error!(error = %cause, "the database refused a sign-in");
            ApiProblem::unavailable()
        }
        SignInError::CodeNeeded => {
            let detail = error.to_string();
            ApiProblem::new(StatusCode::UNAUTHORIZED, "code-needed", "Not signed in", detail)
        }
        SignInError::FactorUnreadable => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            ApiProblem::new(status, "vault-locked", "Not signed in", error.to_string())
        }
        SignInError::Session => ApiProblem::unavailable(),
        SignInError::Hash(cause) => {
            tracing::error!(error = %cause, "a password could not be checked");
            ApiProblem::internal()
        }
    }
}

/// `POST /api/auth/logout` → 204, signed in or not.
pub async fn logout(session: Session) -> Answer<StatusCode> {
    session.flush().await.map_err(|error| {
        tracing::error!(%error, "cannot end a session");
        ApiProblem::unavailable()
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/auth/me` → who is signed in.
pub async fn me(Signed { ctx, .. }: Signed) -> axum::Json<Actor> {
    axum::Json(ctx.actor)
}

/// `POST /api/auth/password` → 204. The one thing a one-time password is good for.
pub async fn password(
    Signed { ctx, .. }: Signed,
    session: Session,
    Json(change): Json<NewPassword>,
) -> Answer<StatusCode> {
    let this = browser::handle(&session);
    users::change_password(&ctx, this.as_deref(), &change.current, &change.new).await?;
    session.cycle_id().await.map_err(|error| {
        tracing::error!(%error, "cannot renew a session");
        ApiProblem::unavailable()
    })?;
    Ok(StatusCode::NO_CONTENT)
}
