//! Second factors: codes of an authenticator (RFC 6238, with its defaults), and recovery codes for
//! those who have lost it.

use rand::RngExt as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use signalbox_model::Timestamp;
use signalbox_model::user::NewFactor;
use sqlx::{PgConnection, PgPool, Row};
use totp_rs::{Builder, Secret, Totp};

use super::budget::Budget;
use super::users::internal;
use crate::audit::{self, Act};
use crate::vault::{ExposeSecret as _, Sealed, SecretString, Vault};
use crate::{CommandError, Ctx};

/// The bytes of a secret (RFC 4226, 4).
const SECRET_BYTES: usize = 20;
/// As many recovery codes are made at once.
const RECOVERY_CODES: usize = 10;

/// What binds a secret to whose it is.
fn bound(email: &str) -> Vec<u8> {
    format!("second_factors {email} secret").into_bytes()
}

fn totp(email: &str, secret: Secret) -> Result<Totp, CommandError> {
    let builder = Builder::new().with_secret(secret).with_account_name(email);
    builder.with_issuer(Some("Signalbox")).build().map_err(internal)
}

/// A second factor, as it is stored.
struct Factor {
    totp: Totp,
    confirmed_at: Option<Timestamp>,
    last_step: i64,
}

/// The second factor of `email`, if there is one.
async fn read(
    db: &mut PgConnection,
    vault: &Vault,
    email: &str,
) -> Result<Option<Factor>, CommandError> {
    let found = sqlx::query("SELECT * FROM second_factors WHERE email = $1 FOR UPDATE")
        .bind(email)
        .fetch_optional(db)
        .await?;
    let Some(row) = found else { return Ok(None) };
    let sealed = Sealed {
        key_id: row.try_get("key_id")?,
        nonce: row.try_get("nonce")?,
        ciphertext: row.try_get("ciphertext")?,
    };
    let secret = vault.unseal(&sealed, &bound(email), email)?;
    let secret = Secret::try_from_base32(secret.expose_secret()).map_err(internal)?;
    Ok(Some(Factor {
        totp: totp(email, secret)?,
        confirmed_at: row.try_get("confirmed_at")?,
        last_step: row.try_get("last_step")?,
    }))
}

/// Whether `email` signs in with a second factor.
///
/// # Errors
/// When the database does not answer.
pub async fn is_due(db: &PgPool, email: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM second_factors WHERE email = $1 AND confirmed_at IS NOT NULL)",
    )
    .bind(email)
    .fetch_one(db)
    .await
}

/// Whether `code` is one that counts now, of the authenticator or for recovery. It counts once.
pub(super) async fn check(
    db: &PgPool,
    vault: &Vault,
    email: &str,
    code: &str,
    now: Timestamp,
) -> Result<bool, CommandError> {
    let mut tx = db.begin().await?;
    let Some(factor) = read(&mut tx, vault, email).await? else { return Ok(false) };
    let right = counts(&mut tx, &factor, email, code, now).await?;
    tx.commit().await?;
    Ok(right)
}

/// The same within a transaction that holds the factor.
async fn counts(
    tx: &mut PgConnection,
    factor: &Factor,
    email: &str,
    code: &str,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let code: String = code.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    let step = factor.totp.check(&code, seconds).and_then(|step| i64::try_from(step).ok());
    if let Some(step) = step.filter(|step| *step > factor.last_step) {
        sqlx::query("UPDATE second_factors SET last_step = $2 WHERE email = $1")
            .bind(email)
            .bind(step)
            .execute(tx)
            .await?;
        return Ok(true);
    }
    let used = sqlx::query("DELETE FROM recovery_codes WHERE email = $1 AND code_hash = $2")
        .bind(email)
        .bind(digest(&code.to_lowercase()))
        .execute(tx)
        .await?;
    Ok(used.rows_affected() == 1)
}

fn digest(code: &str) -> Vec<u8> {
    Sha256::digest(code.as_bytes()).to_vec()
}

/// Begins to set up a second factor for the actor: a new secret, for their authenticator. Until a
/// first code is right it is not asked for.
///
/// # Errors
/// For a token; when there is one already; while the vault is locked; when the database does not
/// answer.
pub async fn begin(ctx: &Ctx, vault: &Vault) -> Result<NewFactor, CommandError> {
    themselves(ctx)?;
    let email = &ctx.actor.email;
    let secret = Secret::from(rand::rng().random::<[u8; SECRET_BYTES]>());
    let base32 = SecretString::from(secret.to_base32());
    let sealed = vault.seal(&base32, &bound(email))?;
    let mut tx = ctx.db.begin().await?;
    let begun = sqlx::query(
        "INSERT INTO second_factors AS f (email, key_id, nonce, ciphertext, created_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (email) DO UPDATE SET key_id = $2, nonce = $3, ciphertext = $4, created_at = $5
         WHERE f.confirmed_at IS NULL",
    )
    .bind(email)
    .bind(&sealed.key_id)
    .bind(&sealed.nonce)
    .bind(&sealed.ciphertext)
    .bind(ctx.now())
    .execute(&mut *tx)
    .await?;
    if begun.rows_affected() == 0 {
        return Err(CommandError::Conflict("You have a second factor already.".to_owned()));
    }
    record(&mut tx, ctx, "second_factor.begin").await?;
    tx.commit().await?;
    shown(&totp(email, secret)?)
}

/// The actor's second factor that waits for its first code, if there is one.
///
/// # Errors
/// While the vault is locked; when the database does not answer.
pub async fn begun(ctx: &Ctx, vault: &Vault) -> Result<Option<NewFactor>, CommandError> {
    let mut conn = ctx.db.acquire().await?;
    match read(&mut conn, vault, &ctx.actor.email).await? {
        Some(factor) if factor.confirmed_at.is_none() => shown(&factor.totp).map(Some),
        _ => Ok(None),
    }
}

fn shown(totp: &Totp) -> Result<NewFactor, CommandError> {
    let url = totp.to_url().map_err(internal)?;
    Ok(NewFactor { secret: totp.secret().to_base32(), url })
}

/// Ends the set-up with a first code of the authenticator. Returns the recovery codes, which only
/// the answer tells.
///
/// # Errors
/// For a token; for a wrong code, or too many; when nothing was begun; while the vault is locked;
/// when the database does not answer.
pub async fn confirm(ctx: &Ctx, vault: &Vault, code: &str) -> Result<Vec<String>, CommandError> {
    themselves(ctx)?;
    let email = &ctx.actor.email;
    own_try(email).spend_on(ctx, "code").await?;
    let mut tx = ctx.db.begin().await?;
    let factor = read(&mut tx, vault, email).await?.filter(|one| one.confirmed_at.is_none());
    let Some(factor) = factor else {
        return Err(CommandError::Conflict(
            "No second factor waits for its first code.".to_owned(),
        ));
    };
    if !counts(&mut tx, &factor, email, code, ctx.now()).await? {
        return Err(wrong());
    }
    sqlx::query("UPDATE second_factors SET confirmed_at = $2 WHERE email = $1")
        .bind(email)
        .bind(ctx.now())
        .execute(&mut *tx)
        .await?;
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| recovery_code()).collect();
    let digests: Vec<_> = codes.iter().map(|code| digest(&code.replace('-', ""))).collect();
    sqlx::query("INSERT INTO recovery_codes (email, code_hash) SELECT $1, unnest($2::bytea[])")
        .bind(email)
        .bind(digests)
        .execute(&mut *tx)
        .await?;
    record(&mut tx, ctx, "second_factor.confirm").await?;
    tx.commit().await?;
    own_try(email).refund(&ctx.db).await?;
    Ok(codes)
}

/// Takes the actor's own second factor away, for a code of it.
///
/// # Errors
/// As [`confirm`].
pub async fn remove(ctx: &Ctx, vault: &Vault, code: &str) -> Result<(), CommandError> {
    themselves(ctx)?;
    let email = &ctx.actor.email;
    own_try(email).spend_on(ctx, "code").await?;
    let mut tx = ctx.db.begin().await?;
    let Some(factor) = read(&mut tx, vault, email).await? else {
        return Err(CommandError::Conflict("You have no second factor.".to_owned()));
    };
    if factor.confirmed_at.is_some() && !counts(&mut tx, &factor, email, code, ctx.now()).await? {
        return Err(wrong());
    }
    forget(&mut tx, email).await?;
    record(&mut tx, ctx, "second_factor.remove").await?;
    tx.commit().await?;
    own_try(email).refund(&ctx.db).await?;
    Ok(())
}

/// Forgets the second factor of `email`. Whether there was one.
pub(super) async fn forget(tx: &mut PgConnection, email: &str) -> Result<bool, sqlx::Error> {
    let gone =
        sqlx::query("DELETE FROM second_factors WHERE email = $1").bind(email).execute(tx).await?;
    Ok(gone.rows_affected() == 1)
}

/// Encrypts every secret anew that is encrypted with an old master key. How many.
pub(crate) async fn seal_anew(tx: &mut PgConnection, vault: &Vault) -> Result<i64, CommandError> {
    let rows = sqlx::query("SELECT * FROM second_factors ORDER BY email FOR UPDATE")
        .fetch_all(&mut *tx)
        .await?;
    let mut anew = 0;
    for row in rows {
        let email: String = row.try_get("email")?;
        let old = Sealed {
            key_id: row.try_get("key_id")?,
            nonce: row.try_get("nonce")?,
            ciphertext: row.try_get("ciphertext")?,
        };
        let secret = vault.unseal(&old, &bound(&email), &email)?;
        let new = vault.seal(&secret, &bound(&email))?;
        if new.key_id == old.key_id {
            continue;
        }
        sqlx::query(
            "UPDATE second_factors SET key_id = $2, nonce = $3, ciphertext = $4 WHERE email = $1",
        )
        .bind(&email)
        .bind(&new.key_id)
        .bind(&new.nonce)
        .bind(&new.ciphertext)
        .execute(&mut *tx)
        .await?;
        anew += 1;
    }
    Ok(anew)
}

/// Only people have second factors.
fn themselves(ctx: &Ctx) -> Result<(), CommandError> {
    match ctx.actor.token {
        Some(_) => Err(CommandError::Conflict("A token has no second factor.".to_owned())),
        None => Ok(()),
    }
}

fn own_try(email: &str) -> Budget<'_> {
    Budget::Own(email, b"second factor")
}

fn wrong() -> CommandError {
    CommandError::invalid("code", "is not the code of now; wait for the next one")
}

/// 80 random bits in groups of four: `abcd-ef23-…`.
fn recovery_code() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut rng = rand::rng();
    let group = |_| -> String {
        (0..4).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])).collect()
    };
    (0..4).map(group).collect::<Vec<_>>().join("-")
}

async fn record(tx: &mut PgConnection, ctx: &Ctx, action: &str) -> Result<(), sqlx::Error> {
    let subject = &ctx.actor.email;
    audit::record(tx, ctx, Act { action, subject, reason: None, details: json!({}) }).await
}
