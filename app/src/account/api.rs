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
    #[server(default)] code: Option<String>,
    #[server(default)] next: Option<String>,
) -> Result<(), AppError> {
    use crate::request::{
        answer, is_plain_form, keep_cookie, leave_notice, safe_next, session, state,
    };
    use crate::session as browser;

    let state = state()?;
    let next = safe_next(next.as_deref());
    let who = browser::Credentials { email: &email, password: &password, code: code.as_deref() };
    match browser::sign_in(&state, &session()?, who).await {
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
    /// Their second factor.
    pub factor: Factor,
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
    Ok(AccountFacts {
        sessions: answer(own)?,
        factor: factor(&ctx).await?,
        as_of: ctx.now(),
        actor: ctx.actor,
    })
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

/// One's own second factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Factor {
    /// There is none.
    None,
    /// It waits for its first code.
    Begun(ShownFactor),
    /// It cannot be read, and why.
    Locked(String),
    /// It is asked for.
    Confirmed,
}

/// What an authenticator takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ShownFactor {
    /// The secret in base 32, in groups of four.
    pub secret: String,
    /// The dark modules of its QR code, as the path of an SVG.
    pub qr_path: String,
    /// How many modules wide it is.
    pub qr_modules: i32,
}

#[cfg(feature = "ssr")]
async fn factor(ctx: &signalbox_engine::Ctx) -> Result<Factor, AppError> {
    use crate::request::{answer, state};
    use signalbox_engine::CommandError;
    use signalbox_engine::auth::second_factor;

    if answer(second_factor::is_due(&ctx.db, &ctx.actor.email).await.map_err(CommandError::from))? {
        return Ok(Factor::Confirmed);
    }
    match second_factor::begun(ctx, state()?.registry.providers().vault()).await {
        Ok(None) => Ok(Factor::None),
        Ok(Some(new)) => Ok(Factor::Begun(shown(&new.secret, &new.url))),
        Err(CommandError::Conflict(why)) => Ok(Factor::Locked(why)),
        Err(error) => answer(Err(error)),
    }
}

#[cfg(feature = "ssr")]
fn shown(secret: &str, url: &str) -> ShownFactor {
    use qrcodegen::{QrCode, QrCodeEcc};

    let letters: Vec<char> = secret.chars().collect();
    let secret = letters.chunks(4).map(|group| group.iter().collect::<String>());
    let secret = secret.collect::<Vec<_>>().join(" ");
    // Longer than a QR code can be no such URL is: e-mails have a bound.
    let Ok(qr) = QrCode::encode_text(url, QrCodeEcc::Low) else {
        return ShownFactor { secret, qr_path: String::new(), qr_modules: 0 };
    };
    let size = qr.size();
    let modules = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
    let dark = modules.filter(|(x, y)| qr.get_module(*x, *y));
    let qr_path = dark.map(|(x, y)| format!("M{x} {y}h1v1h-1z")).collect();
    ShownFactor { secret, qr_path, qr_modules: size }
}

/// Begins to set up a second factor.
#[server(prefix = "/api/fn", endpoint = "begin_factor", output = crate::codec::Json)]
pub(crate) async fn begin_factor() -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state};
    use signalbox_engine::auth::second_factor;

    let begun = second_factor::begin(&ctx()?, state()?.registry.providers().vault()).await;
    let begun =
        begun.map(|_| Notice::done("Scan the code, then type what your authenticator shows."));
    finish(begun, "/account", &[]).await
}

/// Ends the set-up.
#[server(prefix = "/api/fn", endpoint = "confirm_factor", output = crate::codec::Json)]
pub(crate) async fn confirm_factor(code: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state};
    use signalbox_engine::auth::second_factor;

    let vault = state()?.registry.providers().vault().clone();
    let codes = second_factor::confirm(&ctx()?, &vault, &code).await.map(|codes| {
        let text = "Your second factor is set up. Keep these codes where you find them without it; \
                    each lets you in once:";
        Notice::done(text).secret(codes.join(" "))
    });
    finish(codes, "/account", &[]).await
}

/// Takes one's own second factor away.
#[server(prefix = "/api/fn", endpoint = "remove_factor", output = crate::codec::Json)]
pub(crate) async fn remove_factor(code: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state};
    use signalbox_engine::auth::second_factor;

    let vault = state()?.registry.providers().vault().clone();
    let removed = second_factor::remove(&ctx()?, &vault, &code).await;
    let removed = removed.map(|()| Notice::done("Your second factor is removed."));
    finish(removed, "/account", &[]).await
}
