//! The vault (AV-7, CP-5): the keys of outside providers, encrypted at rest with a master key that is
//! never in the database. A key is read for every call that needs it, so that a new one is in force
//! with the next call of every worker; nothing is cached that could be stale.

pub mod health;
pub mod key_file;
pub mod keyring;
pub mod rotate;
pub(crate) mod row;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

/// What secrets are passed on in: wiped from memory when it goes, and not shown by `Debug`.
pub use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;

use self::keyring::{Keyring, MasterKey};
use self::row::Row;
use crate::CommandError;

/// Why a key cannot be had from the vault. Never holds a key.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no master key.
    #[error("the vault is locked: {0}")]
    NoKey(String),
    /// This process lacks the master key of a row.
    #[error("the vault is locked for {provider}: this process lacks the master key {key_id}")]
    Locked {
        /// Whose key it is.
        provider: String,
        /// Which master key.
        key_id: String,
    },
    /// A row is not what was written.
    #[error("what the vault holds for {provider} is not what was written: set the key again")]
    Broken {
        /// Whose key it is.
        provider: String,
    },
    /// The database did not answer.
    #[error("the vault cannot be read")]
    Database(#[from] sqlx::Error),
}

impl From<VaultError> for CommandError {
    fn from(error: VaultError) -> CommandError {
        match error {
            VaultError::Database(error) => error.into(),
            other => CommandError::Conflict(format!("Nothing was changed: {other}.")),
        }
    }
}

/// Something that was encrypted, and the master key that it was encrypted with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// The master key's id.
    pub key_id: String,
    /// The nonce.
    pub nonce: Vec<u8>,
    /// The ciphertext with its tag.
    pub ciphertext: Vec<u8>,
}

/// The vault as this process can open it. Cheap to clone. The default is none at all, which holds
/// nothing and takes nothing.
#[derive(Debug, Clone, Default)]
pub struct Vault(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    db: PgPool,
    keys: RwLock<Arc<Keyring>>,
    /// Where the master keys are kept, if not in the environment.
    file: Option<PathBuf>,
}

impl Vault {
    /// The vault in `db`, opened with `keys`.
    pub fn new(db: PgPool, keys: Keyring) -> Vault {
        Vault(Some(Arc::new(Inner { db, keys: RwLock::new(Arc::new(keys)), file: None })))
    }

    /// The vault in `db`, opened with the keys in `file`. Without the file it is locked, and says why.
    pub fn with_file(db: PgPool, file: PathBuf) -> Vault {
        let keys = key_file::read(&file).unwrap_or_else(Keyring::locked);
        Vault(Some(Arc::new(Inner { db, keys: RwLock::new(Arc::new(keys)), file: Some(file) })))
    }

    /// The same, after a new master key was made in the file, if there is none: for the process in which
    /// keys are set.
    #[must_use]
    pub fn with_a_key(self) -> Vault {
        if let Some(Inner { file: Some(file), keys, .. }) = self.0.as_deref() {
            let made = key_file::open(file).unwrap_or_else(Keyring::locked);
            *keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(made);
        }
        self
    }

    /// Whether keys can be put into it, or why not.
    ///
    /// # Errors
    /// [`VaultError::NoKey`] without a master key.
    pub fn ready(&self) -> Result<(), VaultError> {
        self.keys().current().map(drop).map_err(VaultError::NoKey)
    }

    /// The key of `provider`, if it holds one.
    ///
    /// # Errors
    /// When it holds one that cannot be read; when the database does not answer.
    pub async fn read(&self, provider: &str) -> Result<Option<SecretString>, VaultError> {
        let Some(inner) = &self.0 else { return Ok(None) };
        match Row::read(&inner.db, provider).await? {
            Some(row) => self.open(&row).map(Some),
            None => Ok(None),
        }
    }

    /// The key in `row`. A master key that was put into the file meanwhile is found there.
    pub(crate) fn open(&self, row: &Row) -> Result<SecretString, VaultError> {
        if self.keys().find(&row.info.key_id).is_none() {
            self.read_file_again();
        }
        row.open(&self.keys())
    }

    /// Encrypts `plain` with the current master key, and binds `data` to it.
    pub(crate) fn seal(&self, plain: &SecretString, data: &[u8]) -> Result<Sealed, VaultError> {
        let keys = self.keys();
        let master = keys.current().map_err(VaultError::NoKey)?;
        let sealed = master.seal(plain, data);
        let (nonce, ciphertext) =
            sealed.ok_or_else(|| VaultError::NoKey("it cannot encrypt".to_owned()))?;
        Ok(Sealed { key_id: master.id().to_owned(), nonce, ciphertext })
    }

    /// What was encrypted for `whom`, if nothing of it, nor of `data`, is another one.
    pub(crate) fn unseal(
        &self,
        sealed: &Sealed,
        data: &[u8],
        whom: &str,
    ) -> Result<SecretString, VaultError> {
        if self.keys().find(&sealed.key_id).is_none() {
            self.read_file_again();
        }
        let (keys, provider) = (self.keys(), whom.to_owned());
        let Some(master) = keys.find(&sealed.key_id) else {
            return Err(VaultError::Locked { provider, key_id: sealed.key_id.clone() });
        };
        let opened = master.open(&sealed.nonce, &sealed.ciphertext, data);
        opened.ok_or(VaultError::Broken { provider })
    }

    pub(crate) fn keys(&self) -> Arc<Keyring> {
        match &self.0 {
            Some(inner) => inner.keys.read().unwrap_or_else(PoisonError::into_inner).clone(),
            None => Arc::new(Keyring::locked("this process has none".to_owned())),
        }
    }

    /// Takes another master key into use, for `signalbox rotate-vault-key`: a new one in the file, or
    /// none where they come from the environment, which has been given the new one already.
    ///
    /// # Errors
    /// In words, when the file cannot be written.
    pub fn add_master_key(&self) -> Result<(), String> {
        let Some(inner) = &self.0 else { return Ok(()) };
        let Some(file) = &inner.file else { return Ok(()) };
        let keys = key_file::add(file, MasterKey::generate())?;
        *inner.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }

    fn read_file_again(&self) {
        let Some(inner) = &self.0 else { return };
        if let Some(keys) = inner.file.as_ref().and_then(|file| key_file::read(file).ok()) {
            *inner.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        }
    }
}
