//! API tokens: what scripts and Prometheus sign in with. A token acts for its owner, within its
//! scopes, until it ends; it is 256 random bits, shown once and kept as a digest.

use chrono::TimeDelta;
use rand::RngExt as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use signalbox_model::Timestamp;
use signalbox_model::actor::{ActingToken, Actor, Permission, Role};
use signalbox_model::user::{ApiToken, MadeToken, NewToken};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use super::given;
use crate::audit::{self, Act};
use crate::{CommandError, Ctx};

/// What every token begins with, so that scanners find those that were committed by mistake.
pub const PREFIX: &str = "sbx_";
/// Last characters that are shown of a token.
const HINT_CHARS: usize = 4;
/// Uses are noted this often.
const NOTE_USE_EVERY: TimeDelta = TimeDelta::minutes(1);

fn digest(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

fn new_token() -> String {
    let bits: [u8; 32] = rand::rng().random();
    let hex: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{PREFIX}{hex}")
}

/// Who acts by `token`: read on every request, so that an end, or a change of its owner, acts at
/// once. Nobody, if it has ended or its owner is disabled.
///
/// # Errors
/// When the database does not answer.
pub async fn actor(db: &PgPool, token: &str, now: Timestamp) -> Result<Option<Actor>, sqlx::Error> {
    if !token.starts_with(PREFIX) {
        return Ok(None);
    }
    let found = sqlx::query(
        "SELECT t.id, t.name, t.scopes, t.last_used_at, u.email, u.role, u.must_change_password
         FROM api_tokens t JOIN users u ON u.email = t.owner
         WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND t.expires_at > $2 AND NOT u.disabled",
    )
    .bind(digest(token))
    .bind(now)
    .fetch_optional(db)
    .await?;
    let Some(row) = found else { return Ok(None) };
    let used: Option<Timestamp> = row.try_get("last_used_at")?;
    if used.is_none_or(|used| now - used >= NOTE_USE_EVERY) {
        sqlx::query("UPDATE api_tokens SET last_used_at = $2 WHERE id = $1")
            .bind(row.try_get::<i64, _>("id")?)
            .bind(now)
            .execute(db)
            .await?;
    }
    let role: String = row.try_get("role")?;
    let role = Role::from_name(&role)
        .ok_or_else(|| sqlx::Error::Decode(format!("unknown role {role}").into()))?;
    Ok(Some(Actor {
        must_change_password: row.try_get("must_change_password")?,
        token: Some(ActingToken { name: row.try_get("name")?, scopes: scopes(&row)? }),
        ..Actor::new(row.try_get::<String, _>("email")?, role)
    }))
}

/// A permission that no longer exists is none.
fn scopes(row: &PgRow) -> Result<Vec<Permission>, sqlx::Error> {
    let names: Vec<String> = row.try_get("scopes")?;
    Ok(names.iter().filter_map(|name| Permission::from_name(name)).collect())
}

/// Every token, those that work first, the newest first.
///
/// # Errors
/// Without [`Permission::ManageUsers`], or when the database does not answer.
pub async fn list(ctx: &Ctx) -> Result<Vec<ApiToken>, CommandError> {
    ctx.demand(Permission::ManageUsers)?;
    let tokens = sqlx::query(
        "SELECT * FROM api_tokens ORDER BY revoked_at IS NULL AND expires_at > $1 DESC, id DESC",
    )
    .bind(ctx.now())
    .try_map(|row| token(&row))
    .fetch_all(&ctx.db)
    .await?;
    Ok(tokens)
}

fn token(row: &PgRow) -> Result<ApiToken, sqlx::Error> {
    Ok(ApiToken {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        owner: row.try_get("owner")?,
        scopes: scopes(row)?,
        hint: row.try_get("hint")?,
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
        last_used_at: row.try_get("last_used_at")?,
        revoked_at: row.try_get("revoked_at")?,
    })
}

/// Makes a token that acts for the actor.
///
/// # Errors
/// Without [`Permission::ManageUsers`]; for a name, scopes or days that break a rule; when the
/// database does not answer.
pub async fn make(ctx: &Ctx, new: &NewToken) -> Result<MadeToken, CommandError> {
    ctx.demand(Permission::ManageUsers)?;
    CommandError::unless_fine(new.problems())?;
    let (name, secret, now) = (new.name.trim(), new_token(), ctx.now());
    let scopes: Vec<&str> = new.scopes.iter().map(|scope| scope.name()).collect();
    let mut tx = ctx.db.begin().await?;
    let facts = sqlx::query(
        "INSERT INTO api_tokens (owner, name, token_hash, hint, scopes, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *",
    )
    .bind(&ctx.actor.email)
    .bind(name)
    .bind(digest(&secret))
    .bind(&secret[secret.len() - HINT_CHARS..])
    .bind(&scopes)
    .bind(now)
    .bind(now + TimeDelta::days(new.days))
    .try_map(|row| token(&row))
    .fetch_one(&mut *tx)
    .await?;
    let details = json!({ "id": facts.id, "scopes": scopes, "days": new.days });
    let act = Act { action: "token.make", subject: name, reason: None, details };
    audit::record(&mut tx, ctx, act).await?;
    tx.commit().await?;
    Ok(MadeToken { facts, token: secret })
}

/// Ends a token at once.
///
/// # Errors
/// Without [`Permission::ManageUsers`] or a reason; when there is no such token, or it has been
/// ended; when the database does not answer.
pub async fn revoke(ctx: &Ctx, id: i64, reason: &str) -> Result<String, CommandError> {
    ctx.demand(Permission::ManageUsers)?;
    let reason = given(reason)?;
    let mut tx = ctx.db.begin().await?;
    let name: Option<String> =
        sqlx::query_scalar("SELECT name FROM api_tokens WHERE id = $1 FOR UPDATE")
            .bind(id)
            .fetch_optional(&mut *tx)
            .await?;
    let name = name.ok_or_else(|| CommandError::not_found("token", id))?;
    let revoked =
        sqlx::query("UPDATE api_tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
            .bind(id)
            .bind(ctx.now())
            .execute(&mut *tx)
            .await?;
    if revoked.rows_affected() == 0 {
        return Err(CommandError::Conflict(format!("The token “{name}” has been ended already.")));
    }
    let details = json!({ "id": id });
    let act = Act { action: "token.revoke", subject: &name, reason: Some(reason), details };
    audit::record(&mut tx, ctx, act).await?;
    tx.commit().await?;
    Ok(name)
}
