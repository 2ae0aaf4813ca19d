//! Who is connected, and who waits for whom.

use signalbox_model::database::{Blocked, Connections, Session};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use super::text;

/// As many connections are listed.
const LISTED: i64 = 100;

/// The connections of the whole server. Those of other users show no state to a role without
/// pg_read_all_stats.
pub(super) async fn count(db: &PgPool) -> Result<Connections, sqlx::Error> {
    let row = sqlx::query(
        "SELECT count(*) FILTER (WHERE state IN ('active', 'fastpath function call')) AS active,
                count(*) FILTER (WHERE state = 'idle') AS idle,
                count(*) FILTER (WHERE starts_with(state, 'idle in transaction')) AS in_transaction,
                count(*) AS used, current_setting('max_connections')::bigint AS max
         FROM pg_stat_activity WHERE backend_type = 'client backend'",
    )
    .fetch_one(db)
    .await?;
    let (active, idle): (i64, i64) = (row.try_get("active")?, row.try_get("idle")?);
    let (in_transaction, used): (i64, i64) = (row.try_get("in_transaction")?, row.try_get("used")?);
    Ok(Connections {
        active,
        idle,
        idle_in_transaction: in_transaction,
        other: used - active - idle - in_transaction,
        max: row.try_get("max")?,
    })
}

/// The connections to this database, but the one that asks.
pub(super) async fn list(db: &PgPool) -> Result<Vec<Session>, sqlx::Error> {
    sqlx::query(
        "SELECT pid, backend_start, coalesce(usename, '') AS usename, application_name,
                coalesce(client_hostname, host(client_addr), 'this machine') AS client,
                coalesce(state, 'unknown') AS state, state_change, xact_start, query,
                application_name = $1 AS own
         FROM pg_stat_activity
         WHERE datname = current_database() AND backend_type = 'client backend'
           AND pid <> pg_backend_pid()
         ORDER BY xact_start NULLS LAST, state_change NULLS LAST, pid LIMIT $2",
    )
    .bind(crate::db::APPLICATION)
    .bind(LISTED)
    .try_map(session)
    .fetch_all(db)
    .await
}

fn session(row: PgRow) -> Result<Session, sqlx::Error> {
    Ok(Session {
        pid: row.try_get("pid")?,
        started_at: row.try_get("backend_start")?,
        user: row.try_get("usename")?,
        application: row.try_get("application_name")?,
        client: row.try_get("client")?,
        state: row.try_get("state")?,
        state_since: row.try_get("state_change")?,
        transaction_since: row.try_get("xact_start")?,
        statement: text::shown(row.try_get("query")?),
        own: row.try_get("own")?,
    })
}

/// What waits for a lock in this database, the longest first.
pub(super) async fn blocked(db: &PgPool) -> Result<Vec<Blocked>, sqlx::Error> {
    sqlx::query(
        "SELECT a.pid, coalesce(a.state_change, a.xact_start) AS since, a.query, w.by,
                coalesce(b.query, '') AS blocking
         FROM pg_stat_activity a
         CROSS JOIN LATERAL (SELECT pg_blocking_pids(a.pid) AS by) w
         LEFT JOIN pg_stat_activity b ON b.pid = w.by[1]
         WHERE a.datname = current_database() AND a.wait_event_type = 'Lock'
         ORDER BY since LIMIT $1",
    )
    .bind(LISTED)
    .try_map(|row: PgRow| {
        Ok(Blocked {
            pid: row.try_get("pid")?,
            since: row.try_get("since")?,
            statement: text::shown(row.try_get("query")?),
            blocked_by: row.try_get("by")?,
            blocking_statement: text::shown(row.try_get("blocking")?),
        })
    })
    .fetch_all(db)
    .await
}
