//! Signing in.

use std::net::IpAddr;

use signalbox_model::Timestamp;
use signalbox_model::actor::Actor;
use sqlx::{PgPool, Row};

use super::budget::Budget;
use super::password::{self, PASSWORD_CHARS_MAX};
use super::users::{actor_by_email, normal};
use super::{devices, second_factor};
use crate::CommandError;
use crate::clock::SharedClock;
use crate::vault::Vault;

/// Somebody who wants in.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// Who they say they are.
    pub email: &'a str,
    /// How they prove it.
    pub password: &'a str,
    /// The code of their second factor, for those who have one.
    pub code: Option<&'a str>,
    /// The device that their browser says it is, if it has signed in before.
    pub device: Option<&'a str>,
    /// Where they are.
    pub address: Option<IpAddr>,
}

/// Somebody who is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub actor: Actor,
    /// Their device from now on, for its browser to keep.
    pub device: String,
}

/// Why somebody could not sign in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Unknown e-mail, wrong password, or a disabled account: not told apart.
    #[error("The e-mail or the password is wrong.")]
    Wrong,
    /// The password is right; the code of the second factor is missing, wrong or used already.
    #[error("Your second factor's code is missing or wrong. Type the one that it shows now.")]
    CodeNeeded,
    /// Too many wrong passwords for this account, or from this address.
    #[error("Too many wrong passwords. Try again in {} min.", retry_after_s.div_ceil(60))]
    Throttled {
        /// When the count starts anew, in seconds.
        retry_after_s: u64,
    },
    /// The database did not answer.
    #[error("The database is not available.")]
    Unavailable(#[from] sqlx::Error),
    /// The password could not be checked.
    #[error(transparent)]
    Hash(#[from] password::HashError),
    /// The password is right, but the second factor cannot be checked now.
    #[error("Second factors cannot be checked now. An admin finds the reason in the log.")]
    FactorUnreadable,
    /// The password was right, but no session could be begun.
    #[error("The session could not be stored.")]
    Session,
}

/// Checks an e-mail and a password. What is asked of the database is the same for accounts that
/// exist and those that do not, and so is the time it takes.
///
/// # Errors
/// See [`SignInError`].
pub async fn sign_in(
    db: &PgPool,
    clock: &SharedClock,
    vault: &Vault,
    attempt: Attempt<'_>,
) -> Result<SignedIn, SignInError> {
    let (email, now) = (normal(attempt.email), clock.now());
    let own = devices::recognise(db, &email, attempt.device, attempt.address, now).await?;
    let budgets = match &own {
        Some(own) => vec![Budget::Own(&email, own)],
        None => {
            let address = attempt.address.map(Budget::Address);
            address.into_iter().chain([Budget::Account(&email)]).collect()
        }
    };
    for budget in &budgets {
        if let Some(retry_after_s) = budget.spend(db, now).await? {
            return Err(SignInError::Throttled { retry_after_s });
        }
    }
    // A longer password cannot be anyone's; it is not worth hashing.
    let password = attempt.password.chars().take(PASSWORD_CHARS_MAX + 1).collect();
    if !password::verify(password, hash_of(db, &email).await?).await? {
        tracing::warn!(event_type = "sign_in_failed", "a sign-in failed");
        return Err(SignInError::Wrong);
    }
    if second_factor::is_due(db, &email).await? {
        check_code(db, vault, &email, attempt.code.unwrap_or_default(), now).await?;
    }
    for budget in &budgets {
        budget.refund(db).await?;
    }
    let actor = actor_by_email(db, &email).await?.ok_or(SignInError::Wrong)?;
    let device = attempt.device.filter(|id| is_known(own.as_deref(), id));
    let device = device.map_or_else(devices::new_id, str::to_owned);
    note(db, &email, &device, attempt.address, now).await?;
    Ok(SignedIn { actor, device })
}

/// Goes on only if `code` counts. A wrong one uses a try up, as a wrong password does.
async fn check_code(
    db: &PgPool,
    vault: &Vault,
    email: &str,
    code: &str,
    now: Timestamp,
) -> Result<(), SignInError> {
    match second_factor::check(db, vault, email, code, now).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(SignInError::CodeNeeded),
        Err(CommandError::Unavailable(error)) => Err(SignInError::Unavailable(error)),
        Err(error) => {
            tracing::error!(%error, "a second factor cannot be checked");
            Err(SignInError::FactorUnreadable)
        }
    }
}

/// Whether the id is the device's that was recognised: one that nobody knows is not taken over.
fn is_known(own: Option<&[u8]>, id: &str) -> bool {
    own == Some(devices::digest(id).as_slice())
}

async fn hash_of(db: &PgPool, email: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query("SELECT password_hash FROM users WHERE email = $1 AND NOT disabled")
        .bind(email)
        .try_map(|row: sqlx::postgres::PgRow| row.try_get("password_hash"))
        .fetch_optional(db)
        .await
}

async fn note(
    db: &PgPool,
    email: &str,
    device: &str,
    address: Option<IpAddr>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    devices::remember(db, email, device, address, now).await?;
    sqlx::query("UPDATE users SET last_sign_in_at = $2 WHERE email = $1")
        .bind(email)
        .bind(now)
        .execute(db)
        .await
        .map(drop)
}
