//! What a database holds: the rows of every table and a sum of them, by which a restored one is
//! known to be the same.

use signalbox_model::backup::TableSum;
use sqlx::{PgConnection, Row};

/// Makes a row's text the same on every connection: this is what is summed.
const ONE_FORM: &str = "SET search_path = ''; SET timezone = 'UTC'; SET datestyle = 'ISO, YMD';
    SET intervalstyle = 'postgres'; SET extra_float_digits = 1; SET bytea_output = 'hex';
    SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";

/// Begins a transaction that sees one moment and changes nothing; its snapshot's name, for others to
/// see the same.
pub(super) async fn begin(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    sqlx::raw_sql(ONE_FORM).execute(&mut *connection).await?;
    sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .execute(&mut *connection)
        .await?;
    sqlx::query_scalar("SELECT pg_export_snapshot()").fetch_one(connection).await
}

/// The names of the tables that hold rows, by name, as SQL writes them. Views and materialized views
/// follow from them; what an extension brought comes with the extension.
pub(super) async fn tables(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind = 'r' AND c.relpersistence <> 't'
           AND n.nspname <> 'information_schema' AND NOT pg_catalog.starts_with(n.nspname, 'pg_')
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
                              AND d.objid = c.oid AND d.deptype = 'e')
         ORDER BY 1",
    )
    .fetch_all(connection)
    .await
}

/// The rows and the sum of each table. The sum does not depend on their order, which a restore
/// does not keep.
pub(super) async fn sums(
    connection: &mut PgConnection,
    tables: &[String],
) -> Result<Vec<TableSum>, sqlx::Error> {
    let mut sums = Vec::with_capacity(tables.len());
    for table in tables {
        let sql = format!(
            "SELECT count(*) AS rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text AS sum
             FROM ONLY {table} t"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_one(&mut *connection).await?;
        let (rows, sum) = (row.try_get("rows")?, row.try_get("sum")?);
        sums.push(TableSum { table: table.clone(), rows, sum });
    }
    Ok(sums)
}

/// All of it, as it is now.
pub(super) async fn all(connection: &mut PgConnection) -> Result<Vec<TableSum>, sqlx::Error> {
    begin(connection).await?;
    let tables = tables(connection).await?;
    let sums = sums(connection, &tables).await?;
    sqlx::raw_sql("COMMIT").execute(connection).await?;
    Ok(sums)
}
