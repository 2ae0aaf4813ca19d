//! Passwords: argon2id with OWASP's parameters (19 MiB, 2 passes, 1 lane), off the async threads
//! and a few at a time, so that a storm of sign-ins exhausts neither memory nor cores.

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use rand::RngExt;
use signalbox_model::problem::FieldError;
use tokio::sync::Semaphore;

use crate::CommandError;

/// The shortest password, in characters (NIST SP 800-63B-4 asks for 15 without a second factor, 8
/// with one; OWASP ASVS 6.2.1 for 8).
pub const PASSWORD_CHARS_MIN: usize = 12;
/// The longest password, in characters.
pub const PASSWORD_CHARS_MAX: usize = 128;
/// Hashes computed at once.
const AT_ONCE: usize = 2;

static PLACES: Semaphore = Semaphore::const_new(AT_ONCE);

/// A hash of a password nobody has: checked for unknown users, so that they take as long as known
/// ones.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash_now("nobody has this password"));

/// Hashing failed, for want of memory or threads.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct HashError;

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

fn hash_now(password: &str) -> Option<String> {
    argon2().hash_password(password.as_bytes()).ok().map(|hash| hash.to_string())
}

async fn in_place<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, HashError> {
    let _place = PLACES.acquire().await.map_err(|_| HashError)?;
    tokio::task::spawn_blocking(work).await.map_err(|_| HashError)
}

/// The hash of `password`, as a PHC string.
pub(super) async fn hash(password: String) -> Result<String, HashError> {
    in_place(move || hash_now(&password)).await?.ok_or(HashError)
}

/// Whether `password` is the one behind `hash`; takes as long without a hash.
pub(super) async fn verify(password: String, hash: Option<String>) -> Result<bool, HashError> {
    in_place(move || {
        let known = hash.is_some();
        let Some(hash) = hash.or_else(|| NOBODY.clone()) else { return false };
        let right = PasswordHash::new(&hash)
            .is_ok_and(|parsed| argon2().verify_password(password.as_bytes(), &parsed).is_ok());
        known && right
    })
    .await
}

/// Whether `new` may follow `current`.
///
/// # Errors
/// For the field `new`.
pub(super) fn check_new(current: &str, new: &str) -> Result<(), CommandError> {
    let chars = new.chars().count();
    let problem = if chars < PASSWORD_CHARS_MIN {
        format!("must have at least {PASSWORD_CHARS_MIN} characters")
    } else if chars > PASSWORD_CHARS_MAX {
        format!("must have at most {PASSWORD_CHARS_MAX} characters")
    } else if new == current {
        "must differ from the current one".to_owned()
    } else {
        return Ok(());
    };
    Err(CommandError::Invalid(vec![FieldError::new("new", problem)]))
}

/// A one-time password: 20 characters without look-alikes, 100 bits.
pub(super) fn one_time() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789Q";
    let mut rng = rand::rng();
    (0..20).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])).collect()
}
