//! Server functions of the account.

use leptos::server;

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
            device.map(keep_cookie);
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
