//! Server functions of the providers. None of them answers with a key.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::provider::{Provider, ProviderChange};
use signalbox_model::secret::VaultHealth;

use crate::error::AppError;
use crate::notice::Notice;

/// What the list shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProvidersFacts {
    /// Every provider.
    pub providers: Vec<Provider>,
    /// How the vault is.
    pub vault: VaultHealth,
    /// When this was read.
    pub as_of: Timestamp,
}

/// What the page of one provider shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProviderFacts {
    /// It.
    pub provider: Provider,
    /// What was done to it.
    pub changes: Vec<ProviderChange>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// Every provider, and the vault.
#[server(prefix = "/api/fn", endpoint = "list_providers", output = crate::codec::Json)]
pub(crate) async fn list_providers() -> Result<ProvidersFacts, AppError> {
    use crate::request::{answer, ctx, state};
    use signalbox_engine::provider::read;
    use signalbox_engine::vault::health;

    let (ctx, registry) = (ctx()?, state()?.registry);
    Ok(ProvidersFacts {
        providers: answer(read::list(&ctx, &registry).await)?,
        vault: answer(health::health(&ctx, registry.providers().vault()).await)?,
        as_of: ctx.now(),
    })
}

/// One provider, and what was done to it.
#[server(prefix = "/api/fn", endpoint = "read_provider", output = crate::codec::Json)]
pub(crate) async fn read_provider(provider: String) -> Result<ProviderFacts, AppError> {
    use crate::request::{answer, ctx, state};
    use signalbox_engine::provider::read;

    let (ctx, registry) = (ctx()?, state()?.registry);
    Ok(ProviderFacts {
        provider: answer(read::read(&ctx, &registry, &provider).await)?,
        changes: answer(read::changes(&ctx, &provider).await)?,
        as_of: ctx.now(),
    })
}

/// Puts a provider's key into the vault, to the end of the day `expires_at` (empty: nobody knows).
#[server(prefix = "/api/fn", endpoint = "set_provider_key", output = crate::codec::Json)]
pub(crate) async fn set_provider_key(
    provider: String,
    key: String,
    #[server(rename = "expiresAt")] expires_at: String,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state};
    use signalbox_engine::provider::commands;
    use signalbox_engine::vault::SecretString;
    use signalbox_model::secret::end_of_day;

    let (ctx, registry) = (ctx()?, state()?.registry);
    let key = SecretString::from(key);
    let page = format!("/admin/providers/{provider}");
    let result = match end_of_day(&expires_at) {
        Ok(at) => {
            commands::set_key(&ctx, &registry, &provider, &key, at).await.map_err(AppError::from)
        }
        Err(detail) => Err(AppError::field("expiresAt", detail)),
    };
    let done = format!("The key of {provider} is set: it is in force with the next call.");
    // What was typed goes back into the form, but for the key.
    finish(result.map(|_| Notice::done(done)), &page, &[("expiresAt", &expires_at)]).await
}

/// Takes a provider's key out of the vault.
#[server(prefix = "/api/fn", endpoint = "remove_provider_key", output = crate::codec::Json)]
pub(crate) async fn remove_provider_key(
    provider: String,
    reason: String,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state};
    use signalbox_engine::provider::commands;

    let registry = state()?.registry;
    let result = commands::remove_key(&ctx()?, &registry, &provider, &reason).await;
    let done = format!("The key of {provider} is removed from the vault.");
    let page = format!("/admin/providers/{provider}");
    finish(result.map(|_| Notice::done(done)), &page, &[("reason", &reason)]).await
}

/// Switches a provider on or off.
#[server(prefix = "/api/fn", endpoint = "switch_provider", output = crate::codec::Json)]
pub(crate) async fn switch_provider(
    provider: String,
    on: bool,
    reason: String,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state};
    use signalbox_engine::provider::commands;

    let (ctx, registry) = (ctx()?, state()?.registry);
    let (result, done) = if on {
        let result = commands::enable(&ctx, &registry, &provider, &reason).await;
        (result, format!("Provider {provider} is on: its jobs go on."))
    } else {
        let result = commands::disable(&ctx, &registry, &provider, &reason).await;
        (result, format!("Provider {provider} is off: no call goes out, and its jobs park."))
    };
    let page = format!("/admin/providers/{provider}");
    finish(result.map(|_| Notice::done(done)), &page, &[("reason", &reason)]).await
}

/// Tests a provider's credentials.
#[server(prefix = "/api/fn", endpoint = "test_provider", output = crate::codec::Json)]
pub(crate) async fn test_provider(provider: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state};
    use signalbox_engine::provider::test;

    let result = test::test(&ctx()?, &state()?.registry, &provider).await;
    let result = result.map(|test| match test.failed() {
        None => Notice::done(test.words()),
        Some(_) => Notice::failed(test.words()),
    });
    finish(result, &format!("/admin/providers/{provider}"), &[]).await
}
