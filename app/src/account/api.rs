//! Server functions of the account.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::actor::Actor;
use signalbox_model::user::OpenSession;

use crate::error::AppError;
use crate::notice::Notice;

/// Signs in, and goes to `next`.
#[server(prefix = "/api/fn", endpoint = "sign_in", output = crate::codec::Json)]
pub(crate) async fn sign_in(
    email: String,
    password: String,
    #[server(default)] next: Option<String>,
) -> Result<(), AppError> {
    use crate::request::{
        answer, is_plain_form, keep_cookie, leave_notice, safe_next, session, state,
    };
    use crate::session as browser;

    let state = state()?;
    let next = safe_next(next.as_deref());
    let (who, ctx) = ((email.as_str(), password.as_str()), (&state.db, &state.clock));
    match browser::sign_in(ctx, &session()?, &state.visitor, who).await {
        Ok((signed_in, device)) => {
            if let Some(device) = device {
                keep_cookie(device);
            }
            let page =
                if signed_in.actor.must_change_password { "/account/password" } else { next };
            leptos_axum::redirect(page);
            Ok(())
        }
        Err(error) => {
            let error = AppError::from(error);
            // A notice needs a session, and that the database.
            if is_plain_form() && !error.is_outage() {
                let notice = Notice::from_error(&error).with_input(&[("email", email.trim())]);
                leave_notice(&notice).await;
                let next = leptos_router::location::Url::escape(next);
                leptos_axum::redirect(&format!("/login?next={next}"));
                return Err(error);
            }
            answer(Err(error))
        }
    }
}

/// Signs out.
#[server(prefix = "/api/fn", endpoint = "sign_out", output = crate::codec::Json)]
pub(crate) async fn sign_out() -> Result<(), AppError> {
    use crate::request::session;

    session()?.flush().await.map_err(|_| AppError::Unavailable)?;
    leptos_axum::redirect("/login");
    Ok(())
}

/// Changes the signed-in user's password.
#[server(prefix = "/api/fn", endpoint = "change_password", output = crate::codec::Json)]
pub(crate) async fn change_password(current: String, new: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, session};
    use crate::session::handle;
    use signalbox_engine::auth::users;

    let session = session()?;
    let result = users::change_password(&ctx()?, handle(&session).as_deref(), &current, &new).await;
    if result.is_ok() {
        session.cycle_id().await.map_err(|_| AppError::Unavailable)?;
    }
    let result = result
        .map(|()| Notice::done("Your password is changed, and your other sessions are ended."));
    let page = if result.is_ok() { "/admin" } else { "/account/password" };
    finish(result, page, &[]).await
}

/// What `/account` shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccountFacts {
    /// Who is signed in.
    pub actor: Actor,
    /// Their open sessions.
    pub sessions: Vec<OpenSession>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// Who is signed in, and where.
#[server(prefix = "/api/fn", endpoint = "read_account", output = crate::codec::Json)]
pub(crate) async fn read_account() -> Result<AccountFacts, AppError> {
    use crate::request::{answer, ctx, session};
    use crate::session::handle;
    use signalbox_engine::auth::sessions;

    let ctx = ctx()?;
    let this = handle(&session()?);
    let own = sessions::list(&ctx, Some(&ctx.actor.email), this.as_deref()).await;
    Ok(AccountFacts { sessions: answer(own)?, as_of: ctx.now(), actor: ctx.actor })
}

/// Ends a session of one's own, or, for an admin, of anybody; `next` is the page that asks.
#[server(prefix = "/api/fn", endpoint = "end_session", output = crate::codec::Json)]
pub(crate) async fn end_session(
    handle: String,
    #[server(default)] next: Option<String>,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, safe_next};
    use signalbox_engine::auth::sessions;

    let ended = sessions::end(&ctx()?, &handle).await;
    let ended = ended.map(|email| Notice::done(format!("A session of {email} is ended.")));
    finish(ended, safe_next(next.as_deref()), &[]).await
}
