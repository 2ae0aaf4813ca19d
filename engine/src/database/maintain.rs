//! ANALYZE, VACUUM and REINDEX by jobs (JS-7): of one table or of all, with progress, and to be
//! cancelled.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use signalbox_model::actor::Permission;
use signalbox_model::database::Task;
use signalbox_model::error_class::ErrorClass;
use signalbox_model::format::plural;
use signalbox_model::job::{Job as JobRow, JobFilter, JobId, NewJob};
use signalbox_model::kill_switch::reason;
use signalbox_model::system_log::LogLevel;
use sqlx::{ConnectOptions as _, PgConnection, PgExecutor, PgPool};

use crate::audit::{self, Act};
use crate::jobs::handler::{Job, JobError, KindSpec, Registry};
use crate::jobs::{JobContext, enqueue, list};
use crate::{CommandError, Ctx, upkeep};

const KIND: &str = "system.maintain";
/// How often a job says how far its statement is.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// `system.maintain`: its payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Maintain {
    task: Task,
    /// As `/admin/database/tables` names it; all tables when absent.
    #[serde(default)]
    table: Option<String>,
}

/// Has a table, or all, maintained by a job. Returns the job.
///
/// # Errors
/// Without [`Permission::OperateDatabase`]; without a reason; when there is no such table; when the
/// database does not answer.
pub async fn ask(
    ctx: &Ctx,
    registry: &Registry,
    task: Task,
    table: Option<&str>,
    why: &str,
) -> Result<JobId, CommandError> {
    ctx.demand(Permission::OperateDatabase)?;
    let why = reason(why).map_err(|detail| CommandError::invalid("reason", detail))?;
    let table = crate::wanted(table);
    let mut tx = ctx.db.begin().await?;
    if names(&mut *tx, table).await?.is_empty() {
        let table = table.unwrap_or_default();
        return Err(CommandError::invalid("table", format!("there is no table {table}")));
    }
    let payload = json!({ "task": task, "table": table });
    let job = NewJob::new(KIND, payload.clone());
    let enqueued = enqueue::insert(&mut tx, registry, vec![job], ctx.now()).await?;
    let job = enqueued.first().ok_or(sqlx::Error::RowNotFound)?.id;
    let action = format!("database.{}", task.name());
    let subject = table.map_or_else(|| "all tables".to_owned(), |table| format!("table {table}"));
    let act = Act {
        action: &action,
        subject: &subject,
        reason: Some(why),
        details: json!({ "job": job }),
    };
    audit::record(&mut tx, ctx, act).await?;
    tx.commit().await?;
    Ok(job)
}

/// The last maintenance jobs, the newest first.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn last(ctx: &Ctx, registry: &Registry, limit: i64) -> Result<Vec<JobRow>, CommandError> {
    let filter =
        JobFilter { kind: Some(KIND.to_owned()), limit: Some(limit), ..JobFilter::default() };
    Ok(list::list(ctx, registry, &filter).await?.items)
}

/// The tables to maintain, as SQL names them: that of this name, or all; the smallest first, so that
/// many are done before a large one is begun. A partitioned one stands for its partitions. What
/// others have named is only compared, never made a statement of.
async fn names(db: impl PgExecutor<'_>, table: Option<&str>) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT c.oid::regclass::text FROM pg_class c
         JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition
           AND n.nspname <> 'information_schema' AND NOT starts_with(n.nspname, 'pg_')
           AND ($1::text IS NULL OR c.oid::regclass::text = $1)
         ORDER BY c.reltuples, 1",
    )
    .bind(table)
    .fetch_all(db)
    .await
}

impl Job for Maintain {
    type Resources = ();
    const SPEC: KindSpec = upkeep::spec(KIND, 6 * 60);
    const PERMISSION: Permission = Permission::OperateDatabase;

    async fn run(self, cx: &JobContext, (): &()) -> Result<(), JobError> {
        let tables = names(&cx.db, self.table.as_deref()).await?;
        if tables.is_empty() {
            let table = self.table.unwrap_or_default();
            return Err(JobError::fail(
                ErrorClass::InvalidInput,
                format!("there is no table {table}"),
            ));
        }
        let mut server = Server::connect(&cx.db).await?;
        let total = i64::try_from(tables.len()).unwrap_or(i64::MAX);
        for (done, table) in (0..).zip(&tables) {
            cx.check_stop()?;
            if self.task == Task::Reindex {
                server.remove_leftovers(table).await?;
            }
            let statement = format!("{} {table}", self.task.statement());
            cx.progress(done, total, statement.clone()).await;
            server.run(cx, statement, (done, total)).await?;
        }
        cx.progress(total, total, format!("{} done", plural(total, "table", "tables"))).await;
        let what = self.table.as_deref().unwrap_or("all tables");
        let message = format!("{} of {what} done", self.task.statement());
        Ok(cx.log("database_maintenance", LogLevel::Info, message).await?)
    }
}

/// A connection of its own, on which one statement may take hours.
struct Server {
    connection: PgConnection,
    pid: i32,
}

impl Server {
    async fn connect(db: &PgPool) -> Result<Server, sqlx::Error> {
        let mut connection = db.connect_options().connect().await?;
        sqlx::query("SET statement_timeout = 0").execute(&mut connection).await?;
        let pid = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await?;
        Ok(Server { connection, pid })
    }

    /// Runs a statement made of names from the catalogue, and tells how far it is. A job that is
    /// asked to stop cancels it.
    async fn run(
        &mut self,
        cx: &JobContext,
        statement: String,
        (done, total): (i64, i64),
    ) -> Result<(), JobError> {
        let pid = self.pid;
        let running =
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone())).execute(&mut self.connection);
        tokio::pin!(running);
        loop {
            tokio::select! {
                ended = &mut running => return ended.map(drop).map_err(refusal),
                () = cx.stop_requested() => {
                    sqlx::query("SELECT pg_cancel_backend($1)").bind(pid).execute(&cx.db).await?;
                    // Its error is ours: it ends because we asked for it.
                    let _ = running.await;
                    return cx.check_stop();
                }
                () = tokio::time::sleep(LOOK_EVERY) => {
                    if let Some(phase) = phase(&cx.db, pid).await? {
                        cx.progress(done, total, format!("{statement}: {phase}")).await;
                    }
                }
            }
        }
    }

    /// Drops what a broken-off rebuilding of `table` has left: copies of indexes, never valid.
    async fn remove_leftovers(&mut self, table: &str) -> Result<(), sqlx::Error> {
        let leftovers: Vec<String> = sqlx::query_scalar(
            r"SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
             WHERE NOT i.indisvalid AND x.relkind = 'i' AND x.relname ~ '_ccnew\d*$'
               AND coalesce(pg_partition_root(i.indrelid), i.indrelid)::regclass::text = $1",
        )
        .bind(table)
        .fetch_all(&mut self.connection)
        .await?;
        for index in leftovers {
            let drop = format!("DROP INDEX CONCURRENTLY {index}");
            sqlx::raw_sql(sqlx::AssertSqlSafe(drop)).execute(&mut self.connection).await?;
        }
        Ok(())
    }
}

/// What the server says of the statement under way (chapter "Progress Reporting" of its manual).
async fn phase(db: &PgPool, pid: i32) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT relid::regclass || ', ' || phase || coalesce(' ' || 100 * done / nullif(total, 0) || ' %', '')
         FROM (SELECT pid, relid, phase, heap_blks_scanned AS done, heap_blks_total AS total
                 FROM pg_stat_progress_vacuum
               UNION ALL SELECT pid, relid, phase, sample_blks_scanned, sample_blks_total
                 FROM pg_stat_progress_analyze
               UNION ALL SELECT pid, relid, phase, blocks_done, blocks_total
                 FROM pg_stat_progress_create_index) p
         WHERE pid = $1 LIMIT 1",
    )
    .bind(pid)
    .fetch_optional(db)
    .await
}

/// A statement that the role may not run is not tried again.
fn refusal(error: sqlx::Error) -> JobError {
    match &error {
        sqlx::Error::Database(refused) if refused.code().as_deref() == Some("42501") => {
            JobError::fail(
                ErrorClass::Rejected,
                format!("{}: the database's role must own the table", refused.message()),
            )
        }
        _ => error.into(),
    }
}
