//! The audit log: what operators did. Append-only by trigger, and a chain of seals, so that what was
//! changed all the same is found.

use serde_json::{Value, json};
use signalbox_model::actor::Permission;
use signalbox_model::audit::{AuditEntry, AuditFilter, AuditVerdict};
use signalbox_model::page::{Page, page_rows};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

use crate::exports::{self, CsvStream};
use crate::{CommandError, Ctx, wanted};

/// What an operator did to what.
#[derive(Debug, Clone, PartialEq)]
pub struct Act<'a> {
    /// The command, such as `kill_switch.activate`.
    pub action: &'a str,
    /// What it was done to, such as `job 12`.
    pub subject: &'a str,
    /// The reason that was given.
    pub reason: Option<&'a str>,
    /// Further facts.
    pub details: Value,
}

/// Records `act` of the context's actor in the command's own transaction.
///
/// # Errors
/// When the database does not answer.
pub async fn record(tx: &mut PgConnection, ctx: &Ctx, mut act: Act<'_>) -> Result<(), sqlx::Error> {
    if let (Some(token), Some(details)) = (&ctx.actor.token, act.details.as_object_mut()) {
        details.insert("token".to_owned(), json!(token.name));
    }
    sqlx::query(
        "INSERT INTO audit_log (actor, action, subject, reason, details, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&ctx.actor.email)
    .bind(act.action)
    .bind(act.subject)
    .bind(act.reason)
    .bind(act.details)
    .bind(ctx.now())
    .execute(tx)
    .await
    .map(drop)
}

/// The entries that match, the newest first.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn search(ctx: &Ctx, filter: &AuditFilter) -> Result<Page<AuditEntry>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let limit = page_rows(filter.limit);
    let rows = sqlx::query(
        "SELECT * FROM audit_log
         WHERE ($1::bigint IS NULL OR id < $1)
           AND ($2::text IS NULL OR actor = $2)
           AND ($3::text IS NULL OR starts_with(action, $3))
           AND ($4::text IS NULL OR strpos(lower(subject || ' ' || coalesce(reason, '')), lower($4)) > 0)
         ORDER BY id DESC LIMIT $5",
    )
    .bind(filter.cursor)
    .bind(wanted(filter.actor.as_deref()))
    .bind(wanted(filter.action.as_deref()))
    .bind(wanted(filter.q.as_deref()))
    .bind(limit + 1)
    .try_map(entry)
    .fetch_all(&ctx.db)
    .await?;
    Ok(Page::from_rows(rows, limit, |entry| entry.id))
}

/// As many entries are sealed at once.
const SEALED_AT_ONCE: i32 = 10_000;

/// Seals the entries that are new, for the leader. Until then they are only append-only.
///
/// # Errors
/// When the database does not answer.
pub async fn seal(db: &PgPool) -> Result<i32, sqlx::Error> {
    // Most seconds nobody has done anything; then nothing is locked.
    let new: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM audit_unsealed u JOIN audit_log a ON a.id = u.audit_id
                        WHERE NOT EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = a.id))",
    )
    .fetch_one(db)
    .await?;
    if !new {
        return Ok(0);
    }
    sqlx::query_scalar("SELECT seal_audit_log($1)").bind(SEALED_AT_ONCE).fetch_one(db).await
}

/// Computes the chain anew, from its first entry on, and looks for `kept`, a seal that somebody has
/// kept elsewhere. Costs as much as there are entries.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn verify(ctx: &Ctx, kept: Option<&str>) -> Result<AuditVerdict, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let row = sqlx::query(
        "WITH linked AS (
             SELECT seq, audit_id, seal, lag(seal, 1, ''::bytea) OVER (ORDER BY seq) AS before
             FROM audit_chain
         ), checked AS (
             SELECT seq, audit_id, seal IS NOT DISTINCT FROM audit_seal(before, a) AND a.id IS NOT NULL AS ok
             FROM linked LEFT JOIN audit_log a ON a.id = audit_id
         )
         SELECT (SELECT count(*) FROM audit_log) AS entries,
                (SELECT encode(seal, 'hex') FROM audit_chain ORDER BY seq DESC LIMIT 1) AS head,
                coalesce((SELECT audit_id FROM checked WHERE NOT ok ORDER BY seq LIMIT 1),
                         (SELECT min(audit_id) FROM audit_unsealed u
                          WHERE NOT EXISTS (SELECT FROM audit_log a WHERE a.id = u.audit_id))) AS broken_at,
                (SELECT count(*) FROM audit_log a
                 WHERE NOT EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = a.id)
                   AND NOT EXISTS (SELECT FROM audit_unsealed u WHERE u.audit_id = a.id)) AS slipped_in,
                (SELECT count(*) FROM audit_unsealed u
                 WHERE NOT EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = u.audit_id)) AS waiting,
                EXISTS (SELECT FROM audit_chain WHERE encode(seal, 'hex') = lower($1)) AS kept",
    )
    .bind(kept.map(str::trim))
    .fetch_one(&ctx.db)
    .await?;
    Ok(AuditVerdict {
        entries: row.try_get("entries")?,
        head: row.try_get("head")?,
        broken_at: row.try_get("broken_at")?,
        slipped_in: row.try_get("slipped_in")?,
        waiting: row.try_get("waiting")?,
        kept_is_there: kept.is_some().then(|| row.try_get("kept")).transpose()?,
    })
}

/// All entries as CSV, the oldest first, each with its seal.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn csv(ctx: &Ctx) -> Result<impl CsvStream + use<>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let select = "SELECT a.id, csv_time(a.created_at) AS at, csv_cell(a.actor) AS actor, a.action,
                         csv_cell(a.subject) AS subject, csv_cell(a.reason) AS reason,
                         csv_cell(a.details::text) AS details, encode(c.seal, 'hex') AS seal
                  FROM audit_log a LEFT JOIN audit_chain c ON c.audit_id = a.id ORDER BY c.seq, a.id";
    exports::csv(ctx, "audit log", json!({}), select.to_owned()).await
}

fn entry(row: PgRow) -> Result<AuditEntry, sqlx::Error> {
    Ok(AuditEntry {
        id: row.try_get("id")?,
        actor: row.try_get("actor")?,
        action: row.try_get("action")?,
        subject: row.try_get("subject")?,
        reason: row.try_get("reason")?,
        details: row.try_get("details")?,
        created_at: row.try_get("created_at")?,
    })
}
