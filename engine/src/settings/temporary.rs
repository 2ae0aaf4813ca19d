//! Changes for a while. The temporary value lies over the lasting one; it ends at its time for
//! everybody who reads the settings, and the scheduler only removes and logs it.

use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::actor::{Actor, Permission};
use signalbox_model::format::{exact, plural};
use signalbox_model::setting::{EXPIRY_MINUTES_BOUND, Setting, check};
use sqlx::{PgConnection, PgPool};

use super::{Settings, begin, invalid, read, record, set};
use crate::audit::Act;
use crate::clock::SharedClock;
use crate::{CommandError, Ctx};

/// Changes one setting for `minutes`, after which it is again what it last was without an end.
///
/// # Errors
/// As [`super::change`]; for minutes that are not 1 to [`EXPIRY_MINUTES_BOUND`].
pub async fn change_for(
    ctx: &Ctx,
    key: &str,
    value: i64,
    minutes: i64,
    description: Option<&str>,
) -> Result<Setting, CommandError> {
    ctx.demand(Permission::ChangeSettings)?;
    check(key, value).map_err(invalid)?;
    if !(1..=EXPIRY_MINUTES_BOUND).contains(&minutes) {
        let detail = format!("must be 1 to {EXPIRY_MINUTES_BOUND}, or left out");
        return Err(CommandError::invalid("expiresInMinutes", detail));
    }
    let now = ctx.now();
    let until = now + chrono::Duration::minutes(minutes);
    let mut tx = begin(ctx).await?;
    let before = Settings::read(&mut *tx, now).await?.get(key);
    sqlx::query(
        "INSERT INTO temporary_settings (key, value, description, set_by, set_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, description = excluded.description,
             set_by = excluded.set_by, set_at = excluded.set_at, expires_at = excluded.expires_at",
    )
    .bind(key)
    .bind(value)
    .bind(description)
    .bind(&ctx.actor.email)
    .bind(now)
    .bind(until)
    .execute(&mut *tx)
    .await?;
    let span = plural(minutes, "minute", "minutes");
    let message = format!("{key} changed from {before} to {value} for {span}");
    let details = json!({
        "before": before, "after": value, "by": ctx.actor.email, "expiresAt": exact(until),
    });
    let act = Act { action: "setting.change", subject: key, reason: description, details };
    record(&mut tx, ctx, "config_change", message, act).await?;
    tx.commit().await?;
    read(ctx, key).await
}

/// Ends a temporary change now.
///
/// # Errors
/// Without [`Permission::ChangeSettings`]; for an unknown key; when its value is not temporary;
/// when the database does not answer.
pub async fn revert(ctx: &Ctx, key: &str) -> Result<Setting, CommandError> {
    ctx.demand(Permission::ChangeSettings)?;
    let temporary = read(ctx, key).await?;
    let mut tx = begin(ctx).await?;
    let Some((before, _)) = remove(&mut tx, key).await? else { return Err(lasts(&temporary)) };
    let after = Settings::read(&mut *tx, ctx.now()).await?.get(key);
    let message = format!("{key} reverted from {before} to {after}");
    let details = json!({ "before": before, "after": after, "by": ctx.actor.email });
    let act = Act { action: "setting.revert", subject: key, reason: None, details };
    record(&mut tx, ctx, "config_revert", message, act).await?;
    tx.commit().await?;
    read(ctx, key).await
}

/// Makes a temporary change a lasting one.
///
/// # Errors
/// As [`revert`].
pub async fn keep(ctx: &Ctx, key: &str) -> Result<Setting, CommandError> {
    ctx.demand(Permission::ChangeSettings)?;
    let temporary = read(ctx, key).await?;
    let mut tx = begin(ctx).await?;
    let Some((value, description)) = remove(&mut tx, key).await? else {
        return Err(lasts(&temporary));
    };
    set(&mut tx, ctx, key, value, description.as_deref()).await?;
    let details = json!({ "after": value, "by": ctx.actor.email });
    let act = Act { action: "setting.keep", subject: key, reason: None, details };
    record(&mut tx, ctx, "config_keep", format!("{key} stays at {value}"), act).await?;
    tx.commit().await?;
    read(ctx, key).await
}

fn lasts(setting: &Setting) -> CommandError {
    CommandError::Conflict(format!("{} has no expiry; it is {}.", setting.key, setting.value))
}

/// Takes the temporary value of `key` away, and returns it with its description.
pub(super) async fn remove(
    tx: &mut PgConnection,
    key: &str,
) -> Result<Option<(i64, Option<String>)>, sqlx::Error> {
    sqlx::query_as("DELETE FROM temporary_settings WHERE key = $1 RETURNING value, description")
        .bind(key)
        .fetch_optional(tx)
        .await
}

/// Removes and logs the temporary values whose time is over. Of several who do so at once, one
/// finds each. Returns how many there were.
///
/// # Errors
/// When the database does not answer.
pub async fn expire(db: &PgPool, clock: &SharedClock) -> Result<usize, sqlx::Error> {
    let ctx = Ctx::new(db.clone(), clock.clone(), Actor::system("scheduler"));
    let mut tx = db.begin().await?;
    let removed = remove_expired(&mut tx, &ctx).await?;
    tx.commit().await?;
    Ok(removed)
}

/// The same within a transaction, and in the name of the system whoever `ctx` belongs to.
pub(super) async fn remove_expired(tx: &mut PgConnection, ctx: &Ctx) -> Result<usize, sqlx::Error> {
    let now = ctx.now();
    let expired: Vec<(String, i64, String, Timestamp)> = sqlx::query_as(
        "DELETE FROM temporary_settings WHERE expires_at <= $1
         RETURNING key, value, set_by, expires_at",
    )
    .bind(now)
    .fetch_all(&mut *tx)
    .await?;
    if expired.is_empty() {
        return Ok(0);
    }
    let system = Ctx { actor: Actor::system("scheduler"), ..ctx.clone() };
    let settings = Settings::read(&mut *tx, now).await?;
    for (key, before, set_by, at) in &expired {
        let after = settings.get(key);
        let message = format!("{key} is {after} again: the change to {before} by {set_by} expired");
        let details =
            json!({ "before": before, "after": after, "setBy": set_by, "expiredAt": exact(*at) });
        let act = Act { action: "setting.expire", subject: key, reason: None, details };
        record(tx, &system, "config_expired", message, act).await?;
    }
    Ok(expired.len())
}
