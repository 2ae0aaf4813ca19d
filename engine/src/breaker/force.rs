//! What an operator does to a breaker: hold it open or closed, let go of it.

use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::breaker::{Breaker, BreakerAction, BreakerCause, BreakerForce, Forced};
use signalbox_model::kill_switch::reason;

use crate::audit::{self, Act};
use crate::breaker::history::{self, Move};
use crate::breaker::step::{Circuit, Force, cooled_down};
use crate::breaker::store::{self, MCP};
use crate::{CommandError, Ctx, notify};

/// Holds `provider`'s breaker open or closed until `until` (or until a reset), or resets it. Takes
/// effect at every worker's next claim and call.
///
/// # Errors
/// Without [`Permission::OperateBreakers`]; without a reason, or with an `until` that has passed or
/// belongs to a reset; when nobody has ever called that provider; when it is held there already;
/// when the database does not answer.
pub async fn act(
    ctx: &Ctx,
    provider: &str,
    action: BreakerAction,
    why: &str,
    until: Option<Timestamp>,
) -> Result<Breaker, CommandError> {
    ctx.demand(Permission::OperateBreakers)?;
    let why = reason(why).map_err(|detail| CommandError::invalid("reason", detail))?;
    let now = ctx.now();
    check_until(action, until, now)?;
    let mut tx = ctx.db.begin().await?;
    if provider != MCP && !store::is_known(&mut tx, provider).await? {
        return Err(CommandError::NotFound { what: format!("provider {provider}") });
    }
    let before = cooled_down(store::lock(&mut tx, provider).await?, now);
    let to = match action {
        BreakerAction::ForceOpen => Some((BreakerForce::Open, BreakerCause::ForcedOpen)),
        BreakerAction::ForceClose => Some((BreakerForce::Closed, BreakerCause::ForcedClosed)),
        BreakerAction::Reset => None,
    };
    if let Some((to, _)) = to
        && before.forced == Some(Force { to, until })
    {
        let name = to.name();
        return Err(CommandError::Conflict(format!(
            "The breaker of {provider} is held {name} already."
        )));
    }
    let after = match to {
        Some((to, _)) => before.held(Force { to, until }, now),
        None => Circuit::CLOSED,
    };
    let by = to.map(|(to, _)| Forced {
        to,
        by: ctx.actor.email.clone(),
        reason: why.to_owned(),
        at: now,
        until,
    });
    // Nobody holds it while its state moves: the row's check wants the two to agree.
    store::save_forced(&mut tx, provider, None).await?;
    store::save(&mut tx, provider, after, None, None).await?;
    store::save_forced(&mut tx, provider, by.as_ref()).await?;
    let cause = to.map_or(BreakerCause::Reset, |(_, cause)| cause);
    let (actor, detail) = (Some(ctx.actor.email.as_str()), Some(why));
    let made = Move { provider, before, after, cause, actor, detail };
    history::record(&mut tx, made, now).await?;
    let name = format!("breaker.{}", action.name());
    let subject = format!("breaker of {provider}");
    let details = json!({ "from": before.state, "to": after.state, "until": until });
    let act = Act { action: &name, subject: &subject, reason: Some(why), details };
    audit::record(&mut tx, ctx, act).await?;
    notify::notify(&mut *tx, notify::CONTROLS).await?;
    tx.commit().await?;
    store::read(ctx, provider).await
}

fn check_until(
    action: BreakerAction,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), CommandError> {
    match until {
        Some(_) if action == BreakerAction::Reset => {
            Err(CommandError::invalid("until", "does not go with reset"))
        }
        Some(until) if until <= now => {
            Err(CommandError::invalid("until", "must lie in the future"))
        }
        _ => Ok(()),
    }
}
