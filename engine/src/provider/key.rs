//! The key of a provider as its calls take it: the vault's, or else the environment's.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};
use signalbox_model::redact::REDACTED;

use super::CallFailure;
use crate::vault::{Vault, VaultError};

/// As many different keys of one provider are remembered, so that they can be taken out of what it
/// says: calls may be under way with the one before.
const REMEMBERED: usize = 4;

/// Shorter ones are left in a text: to take them out would only garble it.
const REDACTED_FROM_BYTES: usize = 6;

/// The key of a provider. Cheap to clone; `Debug` does not show it.
#[derive(Clone)]
pub struct Key {
    provider: &'static str,
    vault: Vault,
    environment: Option<SecretString>,
    used: Arc<Mutex<Vec<SecretString>>>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.provider).finish()
    }
}

impl Key {
    /// The key that `vault` has for `provider`, or `environment` while it has none.
    pub fn new(provider: &'static str, vault: &Vault, environment: Option<SecretString>) -> Key {
        let used = Arc::new(Mutex::new(environment.iter().cloned().collect()));
        Key { provider, vault: vault.clone(), environment, used }
    }

    /// The environment's.
    pub fn environment(&self) -> Option<&SecretString> {
        self.environment.as_ref()
    }

    /// The key now. One that the vault holds and cannot give is not replaced by that of the
    /// environment: whoever spoils a row would decide which key is used.
    ///
    /// # Errors
    /// [`CallFailure::NotConfigured`] when the vault cannot be read here: says nothing about the
    /// provider.
    pub async fn now(&self) -> Result<Option<SecretString>, CallFailure> {
        let kept = self.vault.read(self.provider).await;
        let kept =
            kept.map_err(|error: VaultError| CallFailure::NotConfigured(error.to_string()))?;
        if let Some(key) = &kept {
            self.remember(key);
        }
        Ok(kept.or_else(|| self.environment.clone()))
    }

    fn remember(&self, key: &SecretString) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.iter().any(|known| known.expose_secret() == key.expose_secret()) {
            return;
        }
        if used.len() == REMEMBERED {
            used.remove(0);
        }
        used.push(key.clone());
    }

    /// `text` without the keys that were used lately.
    pub fn redact(&self, text: &str) -> String {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let long = used.iter().filter(|key| key.expose_secret().len() >= REDACTED_FROM_BYTES);
        long.fold(text.to_owned(), |text, key| text.replace(key.expose_secret(), REDACTED))
    }
}
