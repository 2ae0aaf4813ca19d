//! Server functions of API tokens.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::user::ApiToken;

use crate::error::AppError;
use crate::notice::Notice;

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TokensFacts {
    /// Every token.
    pub tokens: Vec<ApiToken>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// Every token.
#[server(prefix = "/api/fn", endpoint = "list_tokens", output = crate::codec::Json)]
pub(crate) async fn list_tokens() -> Result<TokensFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::auth::tokens;

    let ctx = ctx()?;
    Ok(TokensFacts { tokens: answer(tokens::list(&ctx).await)?, as_of: ctx.now() })
}

/// Makes a token that acts for whoever asks.
#[server(prefix = "/api/fn", endpoint = "make_token", output = crate::codec::Json)]
pub(crate) async fn make_token(
    name: String,
    #[server(default)] scopes: Vec<Permission>,
    days: String,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, whole_number};
    use signalbox_engine::auth::tokens;
    use signalbox_model::user::NewToken;

    let ctx = ctx()?;
    let made = match whole_number("days", &days) {
        Ok(days) => {
            let new = NewToken { name: name.clone(), scopes, days: days.unwrap_or_default() };
            tokens::make(&ctx, &new).await
        }
        Err(error) => Err(error),
    };
    let made = made.map(|made| {
        let text =
            format!("The token “{}”, for the header Authorization: Bearer …", made.facts.name);
        Notice::done(text).secret(made.token)
    });
    finish(made, "/admin/tokens", &[("name", &name), ("days", &days)]).await
}

/// Ends a token.
#[server(prefix = "/api/fn", endpoint = "revoke_token", output = crate::codec::Json)]
pub(crate) async fn revoke_token(id: i64, reason: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::auth::tokens;

    let ended = tokens::revoke(&ctx()?, id, &reason).await;
    let ended = ended.map(|name| Notice::done(format!("The token “{name}” is ended.")));
    finish(ended, "/admin/tokens", &[("reason", &reason)]).await
}
