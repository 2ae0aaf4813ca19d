//! Users: signing in, the first admin, changing a password.

use serde_json::json;
use signalbox_model::actor::{Actor, Role};
use signalbox_model::problem::FieldError;
use sqlx::{PgPool, Row};

use crate::audit::{self, Act};
use crate::auth::password;
use crate::clock::SharedClock;
use crate::{CommandError, Ctx};

/// The shortest password, in characters (NIST SP 800-63B-4 asks for 15 without a second factor, 8
/// with one; OWASP ASVS 6.2.1 for 8).
pub const PASSWORD_CHARS_MIN: usize = 12;
/// The longest password, in characters.
pub const PASSWORD_CHARS_MAX: usize = 128;
/// Wrong passwords per account and hour after which the password is not looked at any more.
const FAILURES_PER_HOUR: i32 = 100;
/// The first admin's e-mail when nobody names one.
const FIRST_ADMIN: &str = "admin@signalbox.local";

/// Why somebody could not sign in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Unknown e-mail, wrong password, or a disabled account: not told apart.
    #[error("The e-mail or the password is wrong.")]
    Wrong,
    /// Too many wrong passwords for this account.
    #[error("Too many wrong passwords for this account. Try again in {} min.", retry_after_s.div_ceil(60))]
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
}

/// Checks an e-mail and a password.
///
/// # Errors
/// See [`SignInError`].
pub async fn sign_in(
    db: &PgPool,
    clock: &SharedClock,
    email: &str,
    password: &str,
) -> Result<Actor, SignInError> {
    let email = normal(email);
    let now = clock.now();
    let row =
        sqlx::query("SELECT * FROM users WHERE email = $1").bind(&email).fetch_optional(db).await?;
    let mut hash = None;
    if let Some(row) = &row {
        let failures: i32 = row.try_get("failed_sign_ins")?;
        let from: Option<signalbox_model::Timestamp> = row.try_get("failed_window_from")?;
        let left_s = from.map_or(0, |from| 3600 - (now - from).num_seconds());
        if failures >= FAILURES_PER_HOUR && left_s > 0 {
            return Err(SignInError::Throttled { retry_after_s: left_s.unsigned_abs() });
        }
        if !row.try_get::<bool, _>("disabled")? {
            hash = Some(row.try_get("password_hash")?);
        }
    }
    // A longer password cannot be anyone's; it is not worth hashing.
    let password: String = password.chars().take(PASSWORD_CHARS_MAX + 1).collect();
    let right = password::verify(password, hash).await?;
    note_attempt(db, &email, right, now).await?;
    if !right {
        tracing::warn!(event_type = "sign_in_failed", "a sign-in failed");
        return Err(SignInError::Wrong);
    }
    actor_by_email(db, &email).await?.ok_or(SignInError::Wrong)
}

/// Counts a wrong password; a right one starts the count anew.
async fn note_attempt(
    db: &PgPool,
    email: &str,
    right: bool,
    now: signalbox_model::Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE users SET
             failed_sign_ins = CASE WHEN $2 THEN 0
                 WHEN failed_window_from > $3 - interval '1 hour' THEN failed_sign_ins + 1 ELSE 1 END,
             failed_window_from = CASE WHEN $2 THEN NULL
                 WHEN failed_window_from > $3 - interval '1 hour' THEN failed_window_from ELSE $3 END
         WHERE email = $1",
    )
    .bind(email)
    .bind(right)
    .bind(now)
    .execute(db)
    .await
    .map(drop)
}

/// An e-mail as it is stored. U+0000, which PostgreSQL cannot hold, is in nobody's.
fn normal(email: &str) -> String {
    email.trim().replace('\0', "").to_lowercase()
}

/// The actor behind a session, read on every request: a changed role or a disabled account acts at
/// once.
///
/// # Errors
/// When the database does not answer.
pub async fn actor_by_email(db: &PgPool, email: &str) -> Result<Option<Actor>, sqlx::Error> {
    sqlx::query(
        "SELECT email, role, must_change_password FROM users WHERE email = $1 AND NOT disabled",
    )
    .bind(email)
    .try_map(|row: sqlx::postgres::PgRow| {
        let role: String = row.try_get("role")?;
        Ok(Actor {
            email: row.try_get("email")?,
            role: Role::from_name(&role)
                .ok_or_else(|| sqlx::Error::Decode(format!("unknown role {role}").into()))?,
            must_change_password: row.try_get("must_change_password")?,
        })
    })
    .fetch_optional(db)
    .await
}

/// Changes the actor's own password. The one command that a one-time password allows.
///
/// # Errors
/// For the field `current` when it is wrong; for the field `new` when it is too short, too long,
/// or the same; when the database does not answer.
pub async fn change_password(ctx: &Ctx, current: &str, new: &str) -> Result<(), CommandError> {
    check_new(current, new)?;
    let email = &ctx.actor.email;
    let hash: Option<String> =
        sqlx::query_scalar("SELECT password_hash FROM users WHERE email = $1 AND NOT disabled")
            .bind(email)
            .fetch_optional(&ctx.db)
            .await?;
    if !password::verify(current.to_owned(), hash).await.map_err(internal)? {
        return Err(CommandError::invalid("current", "is not your current password"));
    }
    let hash = password::hash(new.to_owned()).await.map_err(internal)?;
    let mut tx = ctx.db.begin().await?;
    sqlx::query(
        "UPDATE users SET password_hash = $2, must_change_password = false WHERE email = $1",
    )
    .bind(email)
    .bind(hash)
    .execute(&mut *tx)
    .await?;
    let act =
        Act { action: "user.change_password", subject: email, reason: None, details: json!({}) };
    audit::record(&mut tx, ctx, act).await?;
    tx.commit().await?;
    Ok(())
}

fn check_new(current: &str, new: &str) -> Result<(), CommandError> {
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

fn internal(error: password::HashError) -> CommandError {
    CommandError::Unavailable(sqlx::Error::Io(std::io::Error::other(error)))
}

/// What [`ensure_first_admin`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstAdmin {
    /// Somebody can sign in already.
    AlreadyThere,
    /// The environment named e-mail and password.
    FromEnvironment {
        /// Its e-mail.
        email: String,
    },
    /// A one-time password was made, to be shown once.
    OneTimePassword {
        /// Its e-mail.
        email: String,
        /// Its password, to be changed at the first sign-in.
        password: String,
    },
}

/// Makes the first admin while no user exists.
///
/// # Errors
/// When the password that was given breaks a rule, or the database does not answer.
pub async fn ensure_first_admin(
    db: &PgPool,
    clock: &SharedClock,
    email: Option<&str>,
    password: Option<&str>,
) -> Result<FirstAdmin, CommandError> {
    let somebody: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM users)").fetch_one(db).await?;
    if somebody {
        return Ok(FirstAdmin::AlreadyThere);
    }
    let email = normal(email.unwrap_or(FIRST_ADMIN));
    if let Some(given) = password {
        check_new("", given)?;
    }
    let secret = password.map_or_else(password::one_time, str::to_owned);
    let one_time = password.is_none();
    create(db, clock, &email, &secret, Role::Admin, one_time).await?;
    Ok(if one_time {
        FirstAdmin::OneTimePassword { email, password: secret }
    } else {
        FirstAdmin::FromEnvironment { email }
    })
}

/// Creates a user. For the command line and tests; the console's own page comes with its command.
///
/// # Errors
/// When the e-mail is taken or makes no sense, or the database does not answer.
pub async fn create(
    db: &PgPool,
    clock: &SharedClock,
    email: &str,
    password: &str,
    role: Role,
    must_change_password: bool,
) -> Result<(), CommandError> {
    let email = normal(email);
    if !(3..=254).contains(&email.len()) || !email.contains('@') {
        return Err(CommandError::invalid("email", "must be an e-mail address"));
    }
    let hash = password::hash(password.to_owned()).await.map_err(internal)?;
    let created = sqlx::query(
        "INSERT INTO users (email, password_hash, role, must_change_password, created_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (email) DO NOTHING",
    )
    .bind(&email)
    .bind(hash)
    .bind(role.name())
    .bind(must_change_password)
    .bind(clock.now())
    .execute(db)
    .await?;
    if created.rows_affected() == 0 {
        return Err(CommandError::Conflict(format!("There is a user {email} already.")));
    }
    Ok(())
}
