//! How large the tables and indexes are, how they are used, and how well they are kept (JS-7, CP-8).

use signalbox_model::actor::Permission;
use signalbox_model::database::{Index, Table, Tables};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use crate::{CommandError, Ctx};

/// The tables and their indexes; what is partitioned stands in one line.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn tables(ctx: &Ctx) -> Result<Tables, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let counted_since = sqlx::query_scalar(
        "SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()",
    )
    .fetch_one(&ctx.db)
    .await?;
    Ok(Tables {
        tables: sizes(&ctx.db).await?,
        indexes: indexes(&ctx.db).await?,
        counted_since,
        as_of: ctx.now(),
    })
}

/// Bloat by the average width of a row, a header of 28 bytes each, and pages of which 24 bytes are
/// head: what `reltuples` such rows would need less than there is.
async fn sizes(db: &PgPool) -> Result<Vec<Table>, sqlx::Error> {
    sqlx::query(
        "WITH width AS (
             SELECT schemaname, tablename, sum((1 - null_frac) * avg_width) AS bytes
             FROM pg_stats GROUP BY schemaname, tablename),
         parts AS (
             SELECT coalesce(pg_partition_root(c.oid), c.oid) AS root, c.relispartition,
                    pg_table_size(c.oid) AS bytes, pg_indexes_size(c.oid) AS index_bytes,
                    CASE WHEN c.reltuples > 0 THEN greatest(0, pg_relation_size(c.oid)
                        - 8192 * ceil(c.reltuples * (28 + w.bytes) / 8168)) ELSE 0 END AS bloat,
                    s.n_live_tup, s.n_dead_tup, s.seq_scan, s.idx_scan,
                    greatest(s.last_vacuum, s.last_autovacuum) AS vacuumed_at,
                    greatest(s.last_analyze, s.last_autoanalyze) AS analyzed_at
             FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid
             LEFT JOIN width w ON w.schemaname = s.schemaname AND w.tablename = s.relname
             WHERE c.relkind IN ('r', 'm'))
         SELECT root::regclass::text AS name, count(*) FILTER (WHERE relispartition) AS partitions,
                sum(n_live_tup)::bigint AS rows, sum(n_dead_tup)::bigint AS dead_rows,
                sum(bytes)::bigint AS bytes, sum(index_bytes)::bigint AS index_bytes,
                coalesce(sum(bloat), 0)::bigint AS bloat, max(vacuumed_at) AS vacuumed_at,
                max(analyzed_at) AS analyzed_at, sum(seq_scan)::bigint AS whole_reads,
                coalesce(sum(idx_scan), 0)::bigint AS index_reads
         FROM parts GROUP BY root ORDER BY sum(bytes + index_bytes) DESC, name",
    )
    .try_map(|row: PgRow| {
        Ok(Table {
            name: row.try_get("name")?,
            partitions: row.try_get("partitions")?,
            rows: row.try_get("rows")?,
            dead_rows: row.try_get("dead_rows")?,
            bytes: row.try_get("bytes")?,
            index_bytes: row.try_get("index_bytes")?,
            bloat_bytes: row.try_get("bloat")?,
            vacuumed_at: row.try_get("vacuumed_at")?,
            analyzed_at: row.try_get("analyzed_at")?,
            whole_reads: row.try_get("whole_reads")?,
            index_reads: row.try_get("index_reads")?,
        })
    })
    .fetch_all(db)
    .await
}

async fn indexes(db: &PgPool) -> Result<Vec<Index>, sqlx::Error> {
    sqlx::query(
        "WITH parts AS (
             SELECT coalesce(pg_partition_root(s.indexrelid), s.indexrelid) AS root,
                    coalesce(pg_partition_root(s.relid), s.relid) AS of, s.idx_scan,
                    pg_relation_size(s.indexrelid) AS bytes, i.indisunique, i.indisvalid
             FROM pg_stat_user_indexes s JOIN pg_index i ON i.indexrelid = s.indexrelid)
         SELECT root::regclass::text AS name, of::regclass::text AS of, sum(idx_scan)::bigint AS scans,
                sum(bytes)::bigint AS bytes, bool_or(indisunique) AS keeps_rule,
                bool_or(NOT indisvalid) AS invalid
         FROM parts GROUP BY root, of ORDER BY sum(bytes) DESC, name",
    )
    .try_map(|row: PgRow| {
        Ok(Index {
            name: row.try_get("name")?,
            table: row.try_get("of")?,
            scans: row.try_get("scans")?,
            bytes: row.try_get("bytes")?,
            keeps_rule: row.try_get("keeps_rule")?,
            invalid: row.try_get("invalid")?,
        })
    })
    .fetch_all(db)
    .await
}
