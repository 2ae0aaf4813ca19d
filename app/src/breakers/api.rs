//! Server functions of the breakers.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::breaker::{
    BackTest, Breaker, BreakerAction, BreakerSettings, BreakerTransition, TriedSettings,
};
use signalbox_model::page::Page;

use crate::error::AppError;
use crate::notice::Notice;

/// What the list shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BreakersFacts {
    /// Every breaker.
    pub breakers: Vec<Breaker>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// What the page of one breaker shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BreakerFacts {
    /// It.
    pub breaker: Breaker,
    /// Its moves.
    pub history: Page<BreakerTransition>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// What the page of a back-test shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BackTestFacts {
    /// The present settings.
    pub present: BreakerSettings,
    /// What the settings that were tried would have done, or what is wrong with them.
    pub tried: Result<BackTest, String>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// Every breaker.
#[server(prefix = "/api/fn", endpoint = "list_breakers", output = crate::codec::Json)]
pub(crate) async fn list_breakers() -> Result<BreakersFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::breaker::store;

    let ctx = ctx()?;
    Ok(BreakersFacts { breakers: answer(store::list(&ctx).await)?, as_of: ctx.now() })
}

/// One breaker and its moves.
#[server(prefix = "/api/fn", endpoint = "read_breaker", output = crate::codec::Json)]
pub(crate) async fn read_breaker(
    provider: String,
    #[server(default)] cursor: Option<i64>,
) -> Result<BreakerFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::breaker::{history, store};

    let ctx = ctx()?;
    Ok(BreakerFacts {
        breaker: answer(store::read(&ctx, &provider).await)?,
        history: answer(history::list(&ctx, &provider, cursor, None).await)?,
        as_of: ctx.now(),
    })
}

/// What a breaker would have done with other settings.
#[server(prefix = "/api/fn", endpoint = "back_test_breaker", output = crate::codec::Json)]
pub(crate) async fn back_test_breaker(
    provider: String,
    #[server(default)] tried: TriedSettings,
) -> Result<BackTestFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::CommandError;
    use signalbox_engine::breaker::{back_test, store};

    let ctx = ctx()?;
    let present = answer(store::read(&ctx, &provider).await)?.settings;
    let tried = match back_test::back_test(&ctx, &provider, tried.over(present)).await {
        Ok(found) => Ok(found),
        // The form is still there to be corrected.
        Err(error @ CommandError::Invalid(_)) => Err(error.to_string()),
        Err(error) => return answer(Err(error)),
    };
    Ok(BackTestFacts { present, tried, as_of: ctx.now() })
}

/// Holds a breaker open or closed for `minutes` (0: until a reset), or resets it.
#[server(prefix = "/api/fn", endpoint = "act_on_breaker", output = crate::codec::Json)]
pub(crate) async fn act_on_breaker(
    provider: String,
    action: BreakerAction,
    reason: String,
    #[server(default)] minutes: i64,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::breaker::force;

    // The longest time there is: a week.
    const MINUTES_BOUND: i64 = 10_080;

    let ctx = ctx()?;
    let timed = minutes > 0 && action != BreakerAction::Reset;
    let until = timed.then(|| ctx.now() + chrono::Duration::minutes(minutes.min(MINUTES_BOUND)));
    let result = force::act(&ctx, &provider, action, &reason, until).await;
    let done = match action {
        BreakerAction::ForceOpen => "is held open: no call goes out.",
        BreakerAction::ForceClose => "is held closed: every call goes out.",
        BreakerAction::Reset => "is reset: it decides by itself again.",
    };
    let result = result.map(|_| Notice::done(format!("The breaker of {provider} {done}")));
    finish(result, &format!("/admin/breakers/{provider}"), &[("reason", &reason)]).await
}
