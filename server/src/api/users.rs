//! Users, their sessions and the tokens of scripts by API (JS-10, AV-11).

use axum::extract::Path;
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_app::session as browser;
use signalbox_engine::auth::{manage, sessions, tokens};
use signalbox_model::actor::Role;
use signalbox_model::user::{ApiToken, MadeToken, NewToken, OneTimePassword, OpenSession};
use signalbox_model::user::{User, UserAction};
use tower_sessions::Session;

use super::input::{Id, Json, Signed};
use super::output::{Created, OkOrNothing};
use super::requested_by::{Because, check};
use crate::problem::Answer;

/// `GET /api/admin/users`.
pub async fn list(Signed { ctx, .. }: Signed) -> Answer<axum::Json<Vec<User>>> {
    Ok(axum::Json(manage::list(&ctx).await?))
}

/// `GET /api/admin/users/{email}`.
pub async fn read(
    Signed { ctx, .. }: Signed,
    Path(email): Path<String>,
) -> Answer<axum::Json<User>> {
    Ok(axum::Json(manage::read(&ctx, &email).await?))
}

/// The body of `POST /api/admin/users`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    email: String,
    role: Role,
}

/// `POST /api/admin/users {"email","role"}` → 201 and a one-time password, which is told once.
pub async fn invite(
    Signed { ctx, .. }: Signed,
    Json(body): Json<Invitation>,
) -> Answer<Created<OneTimePassword>> {
    Ok(Created(manage::invite(&ctx, &body.email, body.role).await?))
}

/// The body of `POST /api/admin/users/{email}`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Act {
    action: UserAction,
    role: Option<Role>,
    #[serde(default)]
    reason: String,
    requested_by: Option<String>,
}

/// `POST /api/admin/users/{email} {"action","role"?,"reason"}` → 204, or 200 and a one-time password.
pub async fn act(
    Signed { ctx, .. }: Signed,
    Path(email): Path<String>,
    Json(body): Json<Act>,
) -> Answer<OkOrNothing<OneTimePassword>> {
    check(&ctx.actor, body.requested_by.as_deref())?;
    Ok(OkOrNothing(manage::act(&ctx, &email, body.action, body.role, &body.reason).await?))
}

/// `GET /api/admin/sessions`: every open session.
pub async fn sessions(
    Signed { ctx, .. }: Signed,
    session: Session,
) -> Answer<axum::Json<Vec<OpenSession>>> {
    Ok(axum::Json(sessions::list(&ctx, None, browser::handle(&session).as_deref()).await?))
}

/// What `DELETE /api/admin/sessions` ended.
#[derive(Serialize, JsonSchema)]
pub struct Revoked {
    sessions: u64,
    tokens: u64,
}

/// `DELETE /api/admin/sessions {"reason"}`: ends every session but this one, and every token.
pub async fn revoke_everything(
    Signed { ctx, .. }: Signed,
    session: Session,
    Json(body): Json<Because>,
) -> Answer<axum::Json<Revoked>> {
    let (this, reason) = (browser::handle(&session), body.reason(&ctx.actor)?);
    let (sessions, tokens) = sessions::revoke_everything(&ctx, this.as_deref(), reason).await?;
    Ok(axum::Json(Revoked { sessions, tokens }))
}

/// `GET /api/account/sessions`: one's own.
pub async fn own_sessions(
    Signed { ctx, .. }: Signed,
    session: Session,
) -> Answer<axum::Json<Vec<OpenSession>>> {
    let (email, this) = (ctx.actor.email.clone(), browser::handle(&session));
    Ok(axum::Json(sessions::list(&ctx, Some(&email), this.as_deref()).await?))
}

/// `DELETE /api/account/sessions/{handle}` → 204: one's own, or, for an admin, anybody's.
pub async fn end_session(
    Signed { ctx, .. }: Signed,
    Path(handle): Path<String>,
) -> Answer<StatusCode> {
    sessions::end(&ctx, &handle).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/admin/tokens`.
pub async fn tokens(Signed { ctx, .. }: Signed) -> Answer<axum::Json<Vec<ApiToken>>> {
    Ok(axum::Json(tokens::list(&ctx).await?))
}

/// `POST /api/admin/tokens {"name","scopes","days"}` → 201 and the token, which is told once.
pub async fn make_token(
    Signed { ctx, .. }: Signed,
    Json(new): Json<NewToken>,
) -> Answer<Created<MadeToken>> {
    Ok(Created(tokens::make(&ctx, &new).await?))
}

/// `POST /api/admin/tokens/{id}/revoke {"reason"}` → 204.
pub async fn revoke_token(
    Signed { ctx, .. }: Signed,
    Id(id): Id,
    Json(body): Json<Because>,
) -> Answer<StatusCode> {
    tokens::revoke(&ctx, id, body.reason(&ctx.actor)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
