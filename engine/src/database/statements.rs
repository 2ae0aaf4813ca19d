//! The statements that take the most time (JS-5, CP-8), as pg_stat_statements counts them.

use signalbox_model::database::{Statement, Statements};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use super::text;

/// As many are shown.
const SHOWN: i64 = 15;

const NOT_LOADED: &str = "The server does not count statements. Add pg_stat_statements to \
     shared_preload_libraries, restart PostgreSQL, then run CREATE EXTENSION pg_stat_statements \
     in this database.";
const NOT_CREATED: &str = "The server counts statements, but this database cannot read them. Run \
     CREATE EXTENSION pg_stat_statements in it, as a superuser.";
const NOT_READABLE: &str = "pg_stat_statements is here, but its figures cannot be read. Grant the \
     console's role pg_read_all_stats, and see that the extension lies in the schema public.";

/// Those that took the most time in this database since they are counted.
pub(super) async fn read(db: &PgPool) -> Result<Statements, sqlx::Error> {
    let missing = |remedy: &str| Ok(Statements::Missing { remedy: remedy.to_owned() });
    match state(db).await? {
        (false, _) => return missing(NOT_LOADED),
        (true, false) => return missing(NOT_CREATED),
        (true, true) => {}
    }
    match (top(db).await, since(db).await) {
        (Ok(top), Ok(since)) => Ok(Statements::Counted { since, top }),
        (Err(sqlx::Error::Database(_)), _) | (_, Err(sqlx::Error::Database(_))) => {
            missing(NOT_READABLE)
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// Whether the server has the library loaded, and whether this database has the extension.
async fn state(db: &PgPool) -> Result<(bool, bool), sqlx::Error> {
    sqlx::query_as(
        "SELECT current_setting('pg_stat_statements.max', true) IS NOT NULL,
                to_regclass('pg_stat_statements') IS NOT NULL",
    )
    .fetch_one(db)
    .await
}

async fn top(db: &PgPool) -> Result<Vec<Statement>, sqlx::Error> {
    sqlx::query(
        "SELECT query, calls, rows, total_exec_time::bigint AS total_ms,
                (1000 * mean_exec_time)::bigint AS mean_us, (1000 * max_exec_time)::bigint AS max_us,
                coalesce(100 * total_exec_time / nullif(sum(total_exec_time) OVER (), 0), 0)::bigint AS share
         FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
         ORDER BY total_exec_time DESC LIMIT $1",
    )
    .bind(SHOWN)
    .try_map(|row: PgRow| {
        Ok(Statement {
            text: text::shown(row.try_get("query")?),
            calls: row.try_get("calls")?,
            total_ms: row.try_get("total_ms")?,
            share_percent: row.try_get("share")?,
            mean_us: row.try_get("mean_us")?,
            max_us: row.try_get("max_us")?,
            rows: row.try_get("rows")?,
        })
    })
    .fetch_all(db)
    .await
}

async fn since(db: &PgPool) -> Result<Option<signalbox_model::Timestamp>, sqlx::Error> {
    sqlx::query_scalar("SELECT stats_reset FROM pg_stat_statements_info").fetch_one(db).await
}

/// Lets a database of our own read what its server counts. Where that cannot be, the page says what
/// is missing.
pub async fn enable(db: &PgPool) {
    if !matches!(state(db).await, Ok((true, false))) {
        return;
    }
    let created =
        sqlx::query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").execute(db).await;
    if let Err(error) = created {
        tracing::warn!(%error, "statements cannot be counted");
    }
}
