//! What an operator does to a provider: sets its key or takes it away, switches it off and on.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::kill_switch::reason;
use signalbox_model::provider::{Disabled, Provider};
use signalbox_model::secret::{self, SecretInfo};
use signalbox_model::system_log::LogLevel;
use sqlx::PgConnection;

use super::read;
use crate::audit::{self, Act};
use crate::breaker::store;
use crate::jobs::Registry;
use crate::logs::{self, NewLog};
use crate::vault::VaultError;
use crate::vault::row::Row;
use crate::{CommandError, Ctx, notify};

/// Puts `key` into the vault as the key of `provider`, in place of the one there, until `expires_at`
/// if that is known. In force with the next call of every worker.
///
/// # Errors
/// Without [`Permission::ManageProviders`]; when no pipeline calls that provider; when the key cannot
/// be one, or expires in the past; when the vault is locked, be it for another provider only; when the database does not answer.
pub async fn set_key(
    ctx: &Ctx,
    registry: &Registry,
    provider: &str,
    key: &SecretString,
    expires_at: Option<Timestamp>,
) -> Result<Provider, CommandError> {
    ctx.demand(Permission::ManageProviders)?;
    registry.providers().find(provider)?;
    let key = secret::check(key.expose_secret())
        .map_err(|detail| CommandError::invalid("key", detail))?
        .into();
    if expires_at.is_some_and(|at| at <= ctx.now()) {
        return Err(CommandError::invalid("expiresAt", "must lie in the future"));
    }
    let vault = registry.providers().vault();
    vault.ready()?;
    let mut tx = ctx.db.begin().await?;
    // With a master key of its own, this process would lock out those who have the other one.
    for row in Row::all(&mut *tx).await? {
        if let Err(locked @ VaultError::Locked { .. }) = vault.open(&row) {
            return Err(locked.into());
        }
    }
    let version = Row::next_version(&mut tx).await?;
    let info = SecretInfo {
        last4: None,
        version,
        updated_by: ctx.actor.email.clone(),
        updated_at: ctx.now(),
        expires_at,
        key_id: String::new(),
    };
    let row = Row::seal(provider, &key, info, &vault.keys())?;
    row.save(&mut tx).await?;
    let what = format!("Key of provider {provider} set by {}", ctx.actor.email);
    let facts = json!({
        "version": version, "last4": row.info.last4, "expiresAt": expires_at, "keyId": row.info.key_id
    });
    record(&mut tx, ctx, "provider.set_key", provider, None, what, facts).await?;
    tx.commit().await?;
    read::read(ctx, registry, provider).await
}

/// Takes the key of `provider` out of the vault: its calls take that of the environment again, if
/// there is one.
///
/// # Errors
/// Without [`Permission::ManageProviders`]; without a reason; when no pipeline calls that provider;
/// when the vault has no key of it; when the database does not answer.
pub async fn remove_key(
    ctx: &Ctx,
    registry: &Registry,
    provider: &str,
    why: &str,
) -> Result<Provider, CommandError> {
    ctx.demand(Permission::ManageProviders)?;
    registry.providers().find(provider)?;
    let why = reason(why).map_err(|detail| CommandError::invalid("reason", detail))?;
    let mut tx = ctx.db.begin().await?;
    let Some(row) = Row::remove(&mut tx, provider).await? else {
        return Err(CommandError::Conflict(format!("The vault has no key of {provider}.")));
    };
    let what = format!("Key of provider {provider} removed by {}: {why}", ctx.actor.email);
    let facts = json!({ "version": row.info.version, "last4": row.info.last4 });
    record(&mut tx, ctx, "provider.remove_key", provider, Some(why), what, facts).await?;
    tx.commit().await?;
    read::read(ctx, registry, provider).await
}

/// Switches `provider` off: no call goes out to it from the next one on, and its jobs park with no
/// attempt spent.
///
/// # Errors
/// Without [`Permission::ManageProviders`]; without a reason; when no pipeline calls that provider;
/// when it is off already; when the database does not answer.
pub async fn disable(
    ctx: &Ctx,
    registry: &Registry,
    provider: &str,
    why: &str,
) -> Result<Provider, CommandError> {
    switch(ctx, registry, provider, why, false).await
}

/// Switches `provider` on again. Its breaker is as it was.
///
/// # Errors
/// As [`disable`]; when it is on already.
pub async fn enable(
    ctx: &Ctx,
    registry: &Registry,
    provider: &str,
    why: &str,
) -> Result<Provider, CommandError> {
    switch(ctx, registry, provider, why, true).await
}

async fn switch(
    ctx: &Ctx,
    registry: &Registry,
    provider: &str,
    why: &str,
    on: bool,
) -> Result<Provider, CommandError> {
    ctx.demand(Permission::ManageProviders)?;
    registry.providers().find(provider)?;
    let why = reason(why).map_err(|detail| CommandError::invalid("reason", detail))?;
    let disabled = (!on).then(|| Disabled {
        by: ctx.actor.email.clone(),
        reason: why.to_owned(),
        at: ctx.now(),
    });
    let (action, word) = if on { ("provider.enable", "on") } else { ("provider.disable", "off") };
    let mut tx = ctx.db.begin().await?;
    store::lock(&mut tx, provider).await?;
    if !store::save_disabled(&mut tx, provider, disabled.as_ref()).await? {
        return Err(CommandError::Conflict(format!("Provider {provider} is {word} already.")));
    }
    let what = format!("Provider {provider} switched {word} by {}: {why}", ctx.actor.email);
    record(&mut tx, ctx, action, provider, Some(why), what, json!({})).await?;
    tx.commit().await?;
    read::read(ctx, registry, provider).await
}

/// Writes down what was done, in the audit log and for those who read the system's, and tells everybody.
async fn record(
    tx: &mut PgConnection,
    ctx: &Ctx,
    action: &str,
    provider: &str,
    why: Option<&str>,
    words: String,
    facts: Value,
) -> Result<(), sqlx::Error> {
    let log = NewLog::new("provider_change", LogLevel::Warn, words)
        .with(json!({ "provider": provider, "action": action, "requestedBy": ctx.actor.email }));
    logs::write(&mut *tx, ctx.now(), log).await?;
    let subject = read::subject(provider);
    let act = Act { action, subject: &subject, reason: why, details: facts };
    audit::record(tx, ctx, act).await?;
    notify::notify(&mut *tx, notify::CONTROLS).await
}
