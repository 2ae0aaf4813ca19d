//! Outside providers: the one way to call them (`call.rs`), their keys (`key.rs`), and what an operator
//! does about them (AV-7).

mod call;
pub mod commands;
pub mod key;
pub mod read;
pub mod test;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use signalbox_model::provider::TestStep;

pub(crate) use call::call;
pub use call::{CallFailure, Operation};

pub use crate::throttle::allowance::{Allowance, note as note_allowance};

use self::key::Key;
use crate::CommandError;
use crate::vault::Vault;

/// What a pipeline tells of a provider that it calls.
pub trait Provider: Send + Sync + 'static {
    /// What is known of it before anything is configured.
    fn spec(&self) -> ProviderSpec;

    /// Its host, if its address is configured.
    fn host(&self) -> Option<String>;

    /// Its key. Its calls take theirs from here.
    fn key(&self) -> &Key;

    /// Tests its credentials by real steps, whatever its breaker and its rates say, within half a
    /// minute.
    fn test(&self) -> BoxFuture<'_, Vec<TestStep>>;
}

/// What is known of a provider before anything is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderSpec {
    /// Its name, as in [`Operation::provider`].
    pub name: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// The variable with its address.
    pub address_variable: &'static str,
    /// The variable with its key, for as long as the vault has none.
    pub key_variable: &'static str,
}

/// Every provider this process knows, and the vault that keeps their keys. Cheap to clone.
#[derive(Clone, Default)]
pub struct Providers {
    vault: Vault,
    all: Arc<BTreeMap<&'static str, Arc<dyn Provider>>>,
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Providers").field(&self.all.keys().collect::<Vec<_>>()).finish()
    }
}

impl Providers {
    /// These, whose keys `vault` keeps.
    pub(crate) fn new(vault: Vault, all: BTreeMap<&'static str, Arc<dyn Provider>>) -> Providers {
        Providers { vault, all: Arc::new(all) }
    }

    /// The vault.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// All of them, by name.
    fn all(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.all.values()
    }

    /// The one with this name.
    ///
    /// # Errors
    /// [`CommandError::NotFound`] when no pipeline calls one of that name.
    fn find(&self, name: &str) -> Result<&Arc<dyn Provider>, CommandError> {
        let what = || format!("provider {name}");
        self.all.get(name).ok_or_else(|| CommandError::NotFound { what: what() })
    }

    /// `text` without the keys of the provider with this name: it may say back what it was sent.
    pub(crate) fn redact(&self, name: &str, text: &str) -> String {
        self.all.get(name).map_or_else(|| text.to_owned(), |provider| provider.key().redact(text))
    }
}
