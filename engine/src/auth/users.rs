//! Users: who they are, the first admin, changing one's own password.

use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::actor::{Actor, Permission, Role};
use sqlx::{PgConnection, PgPool, Row};

use super::budget::Budget;
use super::{password, sessions};
use crate::audit::{self, Act};
use crate::clock::SharedClock;
use crate::{CommandError, Ctx};

/// The first admin's e-mail when nobody names one.
const FIRST_ADMIN: &str = "admin@signalbox.local";

/// An e-mail as it is stored. U+0000, which PostgreSQL cannot hold, is in nobody's.
pub(super) fn normal(email: &str) -> String {
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
        let role = Role::from_name(&role)
            .ok_or_else(|| sqlx::Error::Decode(format!("unknown role {role}").into()))?;
        Ok(Actor {
            must_change_password: row.try_get("must_change_password")?,
            ..Actor::new(row.try_get::<String, _>("email")?, role)
        })
    })
    .fetch_optional(db)
    .await
}

/// Changes the actor's own password, and ends their other sessions: all but the one whose handle is
/// `this`. The one command that a one-time password allows.
///
/// # Errors
/// For a token; for the field `current` when it is wrong, or was wrong too often; for the field
/// `new` when it is too short, too long, or the same; when the database does not answer.
pub async fn change_password(
    ctx: &Ctx,
    this: Option<&str>,
    current: &str,
    new: &str,
) -> Result<(), CommandError> {
    if ctx.actor.token.is_some() {
        return Err(CommandError::Forbidden { permission: Permission::ManageUsers });
    }
    password::check_new(current, new)?;
    let email = &ctx.actor.email;
    let budget = Budget::Own(email, b"change of password");
    budget.spend_on(ctx, "current").await?;
    let hash: Option<String> =
        sqlx::query_scalar("SELECT password_hash FROM users WHERE email = $1 AND NOT disabled")
            .bind(email)
            .fetch_optional(&ctx.db)
            .await?;
    if !password::verify(current.to_owned(), hash).await.map_err(internal)? {
        return Err(CommandError::invalid("current", "is not your current password"));
    }
    budget.refund(&ctx.db).await?;
    let hash = password::hash(new.to_owned()).await.map_err(internal)?;
    let mut tx = ctx.db.begin().await?;
    sqlx::query(
        "UPDATE users SET password_hash = $2, must_change_password = false WHERE email = $1",
    )
    .bind(email)
    .bind(hash)
    .execute(&mut *tx)
    .await?;
    let sessions = sessions::end_of(&mut tx, email, this).await?;
    let details = json!({ "otherSessions": sessions });
    let act = Act { action: "user.change_password", subject: email, reason: None, details };
    audit::record(&mut tx, ctx, act).await?;
    tx.commit().await?;
    Ok(())
}

/// Something of our own failed, and the operator cannot help it.
pub(super) fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CommandError {
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
        password::check_new("", given)?;
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

/// Creates a user. For the first admin, the command line and tests; see
/// [`invite`](super::manage::invite) for the operator's command.
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
    let hash = password::hash(password.to_owned()).await.map_err(internal)?;
    let mut tx = db.acquire().await?;
    create_in(&mut tx, &normal(email), &hash, role, must_change_password, clock.now()).await
}

pub(super) async fn create_in(
    tx: &mut PgConnection,
    email: &str,
    hash: &str,
    role: Role,
    must_change_password: bool,
    now: Timestamp,
) -> Result<(), CommandError> {
    let printable = !email.chars().any(|c| c.is_control() || c.is_whitespace());
    if !(3..=254).contains(&email.len()) || !email.contains('@') || !printable {
        return Err(CommandError::invalid("email", "must be an e-mail address"));
    }
    let created = sqlx::query(
        "INSERT INTO users (email, password_hash, role, must_change_password, created_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (email) DO NOTHING",
    )
    .bind(email)
    .bind(hash)
    .bind(role.name())
    .bind(must_change_password)
    .bind(now)
    .execute(tx)
    .await?;
    if created.rows_affected() == 0 {
        return Err(CommandError::Conflict(format!("There is a user {email} already.")));
    }
    Ok(())
}
