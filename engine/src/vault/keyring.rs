//! Master keys: 32 bytes each, known by the beginning of a hash of them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::RngExt as _;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use sha2::{Digest as _, Sha256};

/// The bytes of a master key.
const KEY_BYTES: usize = 32;
/// The bytes of a nonce: so many that drawing them at random never draws the same twice.
pub(crate) const NONCE_BYTES: usize = 24;
/// The bytes of its hash that a key is known by.
const ID_BYTES: usize = 8;

/// A text is no master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 32 bytes in base64, such as from: openssl rand -base64 32")]
pub struct MasterKeyError;

/// A master key. `Debug` shows its id.
pub struct MasterKey {
    id: String,
    bytes: SecretBox<[u8; KEY_BYTES]>,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MasterKey").field(&self.id).finish()
    }
}

impl MasterKey {
    /// The key in `text`.
    ///
    /// # Errors
    /// When it is not 32 bytes in base64.
    pub fn from_base64(text: &str) -> Result<MasterKey, MasterKeyError> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| MasterKeyError)?;
        let bytes = SecretBox::new(Box::new(bytes.try_into().map_err(|_| MasterKeyError)?));
        Ok(MasterKey::new(bytes))
    }

    /// A new one.
    pub fn generate() -> MasterKey {
        MasterKey::new(SecretBox::init_with(|| rand::rng().random()))
    }

    fn new(bytes: SecretBox<[u8; KEY_BYTES]>) -> MasterKey {
        let hash =
            Sha256::new().chain_update("signalbox vault").chain_update(bytes.expose_secret());
        let id = hash.finalize().iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect();
        MasterKey { id, bytes }
    }

    /// What it is known by. Says nothing about the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// As [`MasterKey::from_base64`] reads it.
    pub(super) fn to_base64(&self) -> SecretString {
        STANDARD.encode(self.bytes.expose_secret()).into()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.bytes.expose_secret().into())
    }

    /// Encrypts `plain`, and binds `data` to it. A new nonce each time.
    pub(super) fn seal(&self, plain: &SecretString, data: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let nonce: [u8; NONCE_BYTES] = rand::rng().random();
        let payload = Payload { msg: plain.expose_secret().as_bytes(), aad: data };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).ok()?;
        Some((nonce.to_vec(), sealed))
    }

    /// What was encrypted, if nothing of it, nor of `data`, is another one.
    pub(super) fn open(&self, nonce: &[u8], sealed: &[u8], data: &[u8]) -> Option<SecretString> {
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().ok()?;
        let payload = Payload { msg: sealed, aad: data };
        let plain = self.cipher().decrypt(&XNonce::from(nonce), payload).ok()?;
        String::from_utf8(plain).ok().map(SecretString::from)
    }
}

/// The master keys of this process: one that encrypts, and older ones that are read only.
#[derive(Debug)]
pub struct Keyring {
    keys: Vec<MasterKey>,
    no_key: String,
}

impl Keyring {
    /// `current` encrypts; `old` ones still open what they have encrypted.
    pub fn new(current: MasterKey, old: Vec<MasterKey>) -> Keyring {
        let keys = std::iter::once(current).chain(old).collect();
        Keyring { keys, no_key: String::new() }
    }

    /// None, and why.
    pub fn locked(reason: String) -> Keyring {
        Keyring { keys: Vec::new(), no_key: reason }
    }

    /// The one that encrypts.
    ///
    /// # Errors
    /// Why there is none.
    pub fn current(&self) -> Result<&MasterKey, String> {
        self.keys.first().ok_or_else(|| self.no_key.clone())
    }

    /// The one with this id.
    pub(super) fn find(&self, id: &str) -> Option<&MasterKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    pub(super) fn into_keys(self) -> Vec<MasterKey> {
        self.keys
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_master_key_is_32_bytes_in_base64_and_is_not_shown() {
        let text = STANDARD.encode([7; 32]);
        let key = MasterKey::from_base64(&format!(" {text}\n")).unwrap();
        assert_eq!(key.to_base64().expose_secret(), text);
        assert!(!format!("{key:?}").contains(&text));
        assert_ne!(key.id(), MasterKey::generate().id());
        for bad in ["", "short", &STANDARD.encode([7; 31]), &STANDARD.encode([7; 33])] {
            assert!(MasterKey::from_base64(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_key_and_data_only() {
        let key = MasterKey::generate();
        let plain = SecretString::from("sk-secret");
        let (nonce, sealed) = key.seal(&plain, b"data").unwrap();
        let opened = key.open(&nonce, &sealed, b"data").unwrap();
        assert_eq!(opened.expose_secret(), "sk-secret");
        assert!(key.open(&nonce, &sealed, b"date").is_none());
        assert!(MasterKey::generate().open(&nonce, &sealed, b"data").is_none());
        assert_ne!(key.seal(&plain, b"data").unwrap().0, nonce, "a new nonce each time");
    }
}
