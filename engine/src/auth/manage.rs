//! What an admin does to users. There is always an admin who can sign in, and nobody locks
//! themselves out.

use serde_json::{Value, json};
use signalbox_model::actor::{Permission, Role};
use signalbox_model::user::{OneTimePassword, User, UserAction};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::users::{create_in, internal, normal};
use super::{given, password, second_factor, sessions};
use crate::audit::{self, Act};
use crate::{CommandError, Ctx};

const USERS: &str = "SELECT u.*,
        (SELECT count(*) FROM sessions s WHERE s.email = u.email AND s.expires_at > $1
           AND (s.data ->> 'began_s')::bigint > $2) AS sessions,
        (SELECT count(*) FROM api_tokens t
         WHERE t.owner = u.email AND t.revoked_at IS NULL AND t.expires_at > $1) AS tokens,
        EXISTS (SELECT FROM second_factors f
                WHERE f.email = u.email AND f.confirmed_at IS NOT NULL) AS second_factor
     FROM users u WHERE $3::text IS NULL OR u.email = $3 ORDER BY u.disabled, u.email";

/// Every user, those who can sign in first.
///
/// # Errors
/// Without [`Permission::ManageUsers`], or when the database does not answer.
pub async fn list(ctx: &Ctx) -> Result<Vec<User>, CommandError> {
    ctx.demand(Permission::ManageUsers)?;
    read_users(ctx, None).await
}

/// One user.
///
/// # Errors
/// As [`list`]; when there is no such user.
pub async fn read(ctx: &Ctx, email: &str) -> Result<User, CommandError> {
    ctx.demand(Permission::ManageUsers)?;
    let email = normal(email);
    read_users(ctx, Some(&email)).await?.pop().ok_or_else(|| nobody(&email))
}

async fn read_users(ctx: &Ctx, email: Option<&str>) -> Result<Vec<User>, CommandError> {
    let users = sqlx::query(USERS)
        .bind(ctx.now())
        .bind((ctx.now() - sessions::LIFETIME).timestamp())
        .bind(email)
        .try_map(|row| user(&row))
        .fetch_all(&ctx.db)
        .await?;
    Ok(users)
}

fn user(row: &PgRow) -> Result<User, sqlx::Error> {
    let role: String = row.try_get("role")?;
    Ok(User {
        email: row.try_get("email")?,
        role: Role::from_name(&role)
            .ok_or_else(|| sqlx::Error::Decode(format!("unknown role {role}").into()))?,
        disabled: row.try_get("disabled")?,
        must_change_password: row.try_get("must_change_password")?,
        second_factor: row.try_get("second_factor")?,
        created_at: row.try_get("created_at")?,
        last_sign_in_at: row.try_get("last_sign_in_at")?,
        sessions: row.try_get("sessions")?,
        tokens: row.try_get("tokens")?,
    })
}

fn nobody(email: &str) -> CommandError {
    CommandError::NotFound { what: format!("user {email}") }
}

/// Invites somebody: a user with a one-time password, which only the answer tells.
///
/// # Errors
/// Without [`Permission::ManageUsers`]; when the e-mail is taken or makes no sense; when the
/// database does not answer.
pub async fn invite(ctx: &Ctx, email: &str, role: Role) -> Result<OneTimePassword, CommandError> {
    ctx.demand(Permission::ManageUsers)?;
    let email = normal(email);
    let secret = password::one_time();
    let hash = password::hash(secret.clone()).await.map_err(internal)?;
    let mut tx = ctx.db.begin().await?;
    create_in(&mut tx, &email, &hash, role, true, ctx.now()).await?;
    record(&mut tx, ctx, "user.invite", &email, None, json!({ "role": role.name() })).await?;
    tx.commit().await?;
    Ok(OneTimePassword { email, one_time_password: secret })
}

/// Does `action` to the user `email`; `role` is the new role, for [`UserAction::ChangeRole`]. The
/// answer has the one-time password that [`UserAction::ResetPassword`] makes.
///
/// # Errors
/// Without [`Permission::ManageUsers`] or a reason; when there is no such user; when it would leave
/// no admin who can sign in, or keep the actor out; when it is so already; when the database does
/// not answer.
pub async fn act(
    ctx: &Ctx,
    email: &str,
    action: UserAction,
    role: Option<Role>,
    reason: &str,
) -> Result<Option<OneTimePassword>, CommandError> {
    ctx.demand(Permission::ManageUsers)?;
    let (email, reason) = (normal(email), given(reason)?);
    let secret = (action == UserAction::ResetPassword).then(password::one_time);
    let hash = match &secret {
        Some(secret) => Some(password::hash(secret.clone()).await.map_err(internal)?),
        None => None,
    };
    let mut tx = ctx.db.begin().await?;
    let before = lock(&mut tx, &email).await?;
    let details = match (action, role) {
        (UserAction::ChangeRole, Some(role)) => change_role(&mut tx, ctx, &before, role).await?,
        (UserAction::ChangeRole, None) => {
            return Err(CommandError::invalid("role", "is missing"));
        }
        (_, Some(_)) => return Err(CommandError::invalid("role", "only goes with change_role")),
        (UserAction::Disable, _) => disable(&mut tx, ctx, &before).await?,
        (UserAction::Enable, _) => enable(&mut tx, &before).await?,
        (UserAction::ResetPassword, _) => reset_password(&mut tx, ctx, &before, hash).await?,
        (UserAction::EndSessions, _) => {
            json!({ "sessions": sessions::end_of(&mut tx, &email, None).await? })
        }
        (UserAction::RemoveSecondFactor, _) => {
            if !second_factor::forget(&mut tx, &email).await? {
                return Err(conflict(format!("{email} has no second factor.")));
            }
            json!({})
        }
    };
    let name = format!("user.{}", action.name());
    record(&mut tx, ctx, &name, &email, Some(reason), details).await?;
    tx.commit().await?;
    Ok(secret.map(|one_time_password| OneTimePassword { email, one_time_password }))
}

/// A user as they are, while nobody changes users at the same time.
struct Locked {
    email: String,
    role: String,
    disabled: bool,
}

async fn lock(tx: &mut PgConnection, email: &str) -> Result<Locked, CommandError> {
    // All of them, in one order: which admin is the last is a question about all.
    sqlx::query(
        "SELECT FROM users WHERE role = 'admin' OR email = $1 ORDER BY id FOR NO KEY UPDATE",
    )
    .bind(email)
    .execute(&mut *tx)
    .await?;
    let found = sqlx::query("SELECT role, disabled FROM users WHERE email = $1")
        .bind(email)
        .fetch_optional(tx)
        .await?;
    let row = found.ok_or_else(|| nobody(email))?;
    Ok(Locked {
        email: email.to_owned(),
        role: row.try_get("role")?,
        disabled: row.try_get("disabled")?,
    })
}

async fn change_role(
    tx: &mut PgConnection,
    ctx: &Ctx,
    before: &Locked,
    role: Role,
) -> Result<Value, CommandError> {
    if before.role == role.name() {
        return Err(conflict(format!("{} is {} already.", before.email, role.with_article())));
    }
    not_oneself(ctx, before, "give yourself another role")?;
    sqlx::query("UPDATE users SET role = $2 WHERE email = $1")
        .bind(&before.email)
        .bind(role.name())
        .execute(&mut *tx)
        .await?;
    an_admin_is_left(tx).await?;
    Ok(json!({ "from": before.role, "to": role.name() }))
}

async fn disable(tx: &mut PgConnection, ctx: &Ctx, before: &Locked) -> Result<Value, CommandError> {
    if before.disabled {
        return Err(conflict(format!("{} is disabled already.", before.email)));
    }
    not_oneself(ctx, before, "disable yourself")?;
    sqlx::query("UPDATE users SET disabled = true WHERE email = $1")
        .bind(&before.email)
        .execute(&mut *tx)
        .await?;
    an_admin_is_left(tx).await?;
    Ok(json!({ "sessions": sessions::end_of(tx, &before.email, None).await? }))
}

async fn enable(tx: &mut PgConnection, before: &Locked) -> Result<Value, CommandError> {
    if !before.disabled {
        return Err(conflict(format!("{} can sign in already.", before.email)));
    }
    sqlx::query("UPDATE users SET disabled = false WHERE email = $1")
        .bind(&before.email)
        .execute(tx)
        .await?;
    Ok(json!({}))
}

async fn reset_password(
    tx: &mut PgConnection,
    ctx: &Ctx,
    before: &Locked,
    hash: Option<String>,
) -> Result<Value, CommandError> {
    not_oneself(ctx, before, "reset your own password: change it")?;
    sqlx::query(
        "UPDATE users SET password_hash = $2, must_change_password = true WHERE email = $1",
    )
    .bind(&before.email)
    .bind(hash)
    .execute(&mut *tx)
    .await?;
    Ok(json!({ "sessions": sessions::end_of(tx, &before.email, None).await? }))
}

fn not_oneself(ctx: &Ctx, user: &Locked, what: &str) -> Result<(), CommandError> {
    match user.email == ctx.actor.email {
        true => Err(conflict(format!("You cannot {what}. Another admin can."))),
        false => Ok(()),
    }
}

async fn an_admin_is_left(tx: &mut PgConnection) -> Result<(), CommandError> {
    let left: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM users WHERE role = 'admin' AND NOT disabled)",
    )
    .fetch_one(tx)
    .await?;
    match left {
        true => Ok(()),
        false => Err(conflict("This is the last admin who can sign in.".to_owned())),
    }
}

fn conflict(text: String) -> CommandError {
    CommandError::Conflict(text)
}

async fn record(
    tx: &mut PgConnection,
    ctx: &Ctx,
    action: &str,
    subject: &str,
    reason: Option<&str>,
    details: Value,
) -> Result<(), sqlx::Error> {
    audit::record(tx, ctx, Act { action, subject, reason, details }).await
}
