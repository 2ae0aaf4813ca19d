//! Providers and the vault by API (AV-7, CP-5, JS-4).

use axum::extract::Path;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use signalbox_engine::provider::{commands, read as reading, test};
use signalbox_engine::vault::health;
use signalbox_model::Timestamp;
use signalbox_model::problem::FieldError;
use signalbox_model::provider::{Provider, ProviderAction, ProviderChange, ProviderTest};
use signalbox_model::secret::VaultHealth;

use super::input::{Json, Signed};
use super::requested_by;
use crate::config::Secret;
use crate::problem::{Answer, ApiProblem};

/// The answer of `GET /api/admin/providers`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Providers {
    providers: Vec<Provider>,
    vault: VaultHealth,
}

/// The answer of `GET /api/admin/providers/{provider}`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OneProvider {
    provider: Provider,
    changes: Vec<ProviderChange>,
}

/// The body of `POST /api/admin/providers/{provider}`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Act {
    action: ProviderAction,
    #[schemars(with = "Option<String>")]
    key: Option<Secret>,
    expires_at: Option<Timestamp>,
    #[serde(default)]
    reason: String,
    requested_by: Option<String>,
}

/// The answer of `POST /api/admin/providers/{provider}`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Acted {
    /// The provider as it is now.
    Changed(Box<Provider>),
    /// What a test has found.
    Tested(ProviderTest),
}

/// `GET /api/admin/providers`: every provider, and the vault's health. No key is ever told.
pub async fn list(Signed { ctx, registry }: Signed) -> Answer<axum::Json<Providers>> {
    let providers = reading::list(&ctx, &registry).await?;
    let vault = health::health(&ctx, registry.providers().vault()).await?;
    Ok(axum::Json(Providers { providers, vault }))
}

/// `GET /api/admin/providers/{provider}`: it, and what was done to it last.
pub async fn read(
    Signed { ctx, registry }: Signed,
    Path(provider): Path<String>,
) -> Answer<axum::Json<OneProvider>> {
    let one = reading::read(&ctx, &registry, &provider).await?;
    let changes = reading::changes(&ctx, &provider).await?;
    Ok(axum::Json(OneProvider { provider: one, changes }))
}

/// `GET /api/admin/vault`: its health (ST-3).
pub async fn vault(Signed { ctx, registry }: Signed) -> Answer<axum::Json<VaultHealth>> {
    Ok(axum::Json(health::health(&ctx, registry.providers().vault()).await?))
}

/// `POST /api/admin/providers/{provider}`
/// `{"action":"set_key"|"remove_key"|"enable"|"disable"|"test","key"?,"expiresAt"?,"reason"?}`: the
/// provider as it is now; of a test, its steps. 404 for one that no pipeline calls, 409 when it is so
/// already, or the vault is locked.
pub async fn act(
    Signed { ctx, registry }: Signed,
    Path(provider): Path<String>,
    Json(act): Json<Act>,
) -> Answer<axum::Json<Acted>> {
    requested_by::check(&ctx.actor, act.requested_by.as_deref())?;
    check_fields(&act)?;
    let Act { action, key, expires_at, reason, .. } = act;
    let now = match action {
        ProviderAction::SetKey => {
            let key = SecretString::from(key.as_ref().map_or("", |key| key.expose()));
            commands::set_key(&ctx, &registry, &provider, &key, expires_at).await?
        }
        ProviderAction::RemoveKey => {
            commands::remove_key(&ctx, &registry, &provider, &reason).await?
        }
        ProviderAction::Enable => commands::enable(&ctx, &registry, &provider, &reason).await?,
        ProviderAction::Disable => commands::disable(&ctx, &registry, &provider, &reason).await?,
        ProviderAction::Test => {
            let test = test::test(&ctx, &registry, &provider).await?;
            return Ok(axum::Json(Acted::Tested(test)));
        }
    };
    Ok(axum::Json(Acted::Changed(Box::new(now))))
}

/// A key goes with `set_key` only: sent with anything else it is a mistake that should be seen.
fn check_fields(act: &Act) -> Answer<()> {
    if act.action == ProviderAction::SetKey {
        return Ok(());
    }
    let given = [("key", act.key.is_some()), ("expiresAt", act.expires_at.is_some())];
    let stray = given.into_iter().filter(|(_, given)| *given);
    let errors: Vec<_> =
        stray.map(|(name, _)| FieldError::new(name, "goes with set_key only")).collect();
    if errors.is_empty() { Ok(()) } else { Err(ApiProblem::invalid(errors)) }
}
