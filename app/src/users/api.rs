//! Server functions of users.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::actor::Role;
use signalbox_model::user::{OpenSession, User, UserAction};

use crate::error::AppError;
use crate::notice::Notice;

/// What the list shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UsersFacts {
    /// Everybody.
    pub users: Vec<User>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// What the page of a user shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UserFacts {
    /// The user.
    pub user: User,
    /// Their open sessions.
    pub sessions: Vec<OpenSession>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// Everybody.
#[server(prefix = "/api/fn", endpoint = "list_users", output = crate::codec::Json)]
pub(crate) async fn list_users() -> Result<UsersFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::auth::manage;

    let ctx = ctx()?;
    Ok(UsersFacts { users: answer(manage::list(&ctx).await)?, as_of: ctx.now() })
}

/// One user.
#[server(prefix = "/api/fn", endpoint = "read_user", output = crate::codec::Json)]
pub(crate) async fn read_user(email: String) -> Result<UserFacts, AppError> {
    use crate::request::{answer, ctx, session};
    use crate::session::handle;
    use signalbox_engine::auth::{manage, sessions};

    let ctx = ctx()?;
    let user = answer(manage::read(&ctx, &email).await)?;
    let this = handle(&session()?);
    let sessions = answer(sessions::list(&ctx, Some(&user.email), this.as_deref()).await)?;
    Ok(UserFacts { user, sessions, as_of: ctx.now() })
}

/// Invites somebody.
#[server(prefix = "/api/fn", endpoint = "invite_user", output = crate::codec::Json)]
pub(crate) async fn invite_user(email: String, role: Role) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::auth::manage;

    let made = manage::invite(&ctx()?, &email, role).await.map(|made| {
        let text = format!("{} can sign in, once, with this password:", made.email);
        Notice::done(text).secret(made.one_time_password)
    });
    finish(made, "/admin/users", &[("email", &email)]).await
}

/// Does something to a user.
#[server(prefix = "/api/fn", endpoint = "act_on_user", output = crate::codec::Json)]
pub(crate) async fn act_on_user(
    email: String,
    action: UserAction,
    #[server(default)] role: Option<Role>,
    reason: String,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::auth::manage;

    let made = manage::act(&ctx()?, &email, action, role, &reason).await;
    let done = made.map(|made| {
        let text = match action {
            UserAction::ChangeRole => {
                format!("{email} is {} now.", role.map_or("somebody else", Role::with_article))
            }
            UserAction::Disable => format!("{email} is disabled, and signed out everywhere."),
            UserAction::Enable => format!("{email} can sign in again."),
            UserAction::ResetPassword => format!("{email} can sign in, once, with this password:"),
            UserAction::EndSessions => format!("{email} is signed out everywhere."),
            UserAction::RemoveSecondFactor => format!("{email} needs no second factor any more."),
        };
        let notice = Notice::done(text);
        match made {
            Some(made) => notice.secret(made.one_time_password),
            None => notice,
        }
    });
    let page = format!("/admin/users/{email}");
    finish(done, &page, &[("reason", &reason)]).await
}

/// Ends every session but this one, and every token.
#[server(prefix = "/api/fn", endpoint = "revoke_everything", output = crate::codec::Json)]
pub(crate) async fn revoke_everything(reason: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, session};
    use crate::session::handle;
    use signalbox_engine::auth::sessions;
    use signalbox_model::format::plural;

    let this = handle(&session()?);
    let ended = sessions::revoke_everything(&ctx()?, this.as_deref(), &reason).await;
    let ended = ended.map(|(sessions, tokens)| {
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let (sessions, tokens) = (count(sessions), count(tokens));
        Notice::done(format!(
            "Ended {} and {}. You stay signed in here.",
            plural(sessions, "session", "sessions"),
            plural(tokens, "token", "tokens"),
        ))
    });
    finish(ended, "/admin/users", &[("reason", &reason)]).await
}
