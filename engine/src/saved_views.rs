//! Saved views: each person's own filters of the console's lists, under names.

use serde_json::json;
use signalbox_model::actor::Permission;
use signalbox_model::saved_view::{SavedView, VIEWS_MAX, ViewedList, problems};
use sqlx::Row;

use crate::audit::{self, Act};
use crate::{CommandError, Ctx};

/// The actor's views of `list`, by name.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn list(ctx: &Ctx, list: ViewedList) -> Result<Vec<SavedView>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let views = sqlx::query(
        "SELECT id, name, query FROM saved_views WHERE owner = $1 AND list = $2 ORDER BY lower(name), id",
    )
    .bind(&ctx.actor.email)
    .bind(list.name())
    .try_map(|row: sqlx::postgres::PgRow| {
        Ok(SavedView {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            query: row.try_get("query")?,
        })
    })
    .fetch_all(&ctx.db)
    .await?;
    Ok(views)
}

/// Keeps `query` as the actor's view `name` of `list`, in place of the one of that name.
///
/// # Errors
/// Without [`Permission::ReadConsole`]; for a name or a query that breaks a rule; when the actor
/// has [`VIEWS_MAX`] others of that list; when the database does not answer.
pub async fn save(
    ctx: &Ctx,
    list: ViewedList,
    name: &str,
    query: &str,
) -> Result<SavedView, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let (name, query) = (name.trim(), query.trim());
    CommandError::unless_fine(problems(name, query))?;
    let mut tx = ctx.db.begin().await?;
    // The owner's row is locked, so that two windows cannot each add the last one.
    let others: i64 = sqlx::query_scalar(
        "WITH owner AS (SELECT email FROM users WHERE email = $1 FOR NO KEY UPDATE)
         SELECT count(*) FROM owner JOIN saved_views v ON v.owner = owner.email
         WHERE v.list = $2 AND v.name <> $3",
    )
    .bind(&ctx.actor.email)
    .bind(list.name())
    .bind(name)
    .fetch_one(&mut *tx)
    .await?;
    if others >= VIEWS_MAX {
        return Err(CommandError::Conflict(format!(
            "You keep {VIEWS_MAX} views of this list already. Remove one first."
        )));
    }
    let id = sqlx::query_scalar(
        "INSERT INTO saved_views (owner, list, name, query, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (owner, list, name) DO UPDATE SET query = excluded.query RETURNING id",
    )
    .bind(&ctx.actor.email)
    .bind(list.name())
    .bind(name)
    .bind(query)
    .bind(ctx.now())
    .fetch_one(&mut *tx)
    .await?;
    let details = json!({ "list": list.name(), "query": query });
    let act = Act { action: "saved_view.save", subject: name, reason: None, details };
    audit::record(&mut tx, ctx, act).await?;
    tx.commit().await?;
    Ok(SavedView { id, name: name.to_owned(), query: query.to_owned() })
}

/// Forgets the actor's view `id`. Returns what it was called.
///
/// # Errors
/// Without [`Permission::ReadConsole`]; when the actor has no such view; when the database does not
/// answer.
pub async fn remove(ctx: &Ctx, id: i64) -> Result<String, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let mut tx = ctx.db.begin().await?;
    let name: Option<String> =
        sqlx::query_scalar("DELETE FROM saved_views WHERE id = $1 AND owner = $2 RETURNING name")
            .bind(id)
            .bind(&ctx.actor.email)
            .fetch_optional(&mut *tx)
            .await?;
    let name = name.ok_or_else(|| CommandError::not_found("saved view", id))?;
    let act = Act { action: "saved_view.remove", subject: &name, reason: None, details: json!({}) };
    audit::record(&mut tx, ctx, act).await?;
    tx.commit().await?;
    Ok(name)
}
