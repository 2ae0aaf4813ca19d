//! P3: what PostgreSQL itself does with our statements: pgbench claims and completes in a loop, with nothing in between.
//!
//! The statements are not copied: they are read from a worker at work, that is held up at each of them by a lock. Each becomes the
//! body of an SQL function, word by word, which pgbench calls.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

use crate::contender::{Product, Work};
use crate::drain;
use crate::drains::Drains;
use crate::options::Options;
use crate::peers;
use crate::process::{self, Process};
use crate::report::{Metric, Row, rate};
use crate::server::{Database, Server};
use crate::stats::median;

/// Jobs in one claim and one completion: as many as the engine settles at once.
const BATCH: u64 = 1000;
/// Connections that claim and complete side by side.
const CLIENTS: u64 = 2;

/// The arguments of our claim: the worker; the time; queues, kinds, how many of each, from which place on (priority, time, id), and
/// whether the bound of its queue was minded.
const CLAIM: &str = "(uuid, timestamp with time zone, text[], text[], bigint[], smallint[], timestamp with time zone[], bigint[], boolean[])";
/// The arguments of our completion: ids and lease tokens; the time.
const COMPLETE: &str = "(bigint[], bigint[], timestamp with time zone)";

/// What pgbench repeats. A worker of its own would compute the arrays; `\gset` hands them on.
const SCRIPT: &str = r"SELECT quote_literal(array_agg(id)) AS ids, quote_literal(array_agg(lease_token)) AS tokens
    FROM bench_claim('00000000-0000-0000-0000-000000000001', now(), ARRAY['system'], ARRAY['system.noop'], ARRAY[:batch::bigint], ARRAY[0::smallint], ARRAY['-infinity'::timestamptz], ARRAY[0::bigint], ARRAY[false]) \gset
SELECT count(*) FROM bench_complete(:ids, :tokens, now());
";

/// Ready to be measured.
pub struct Ceiling {
    product: Product,
    pgbench: PathBuf,
    functions: String,
}

/// Reads the row from the drains.
pub fn row(drains: &Drains) -> Row {
    let ours = drains.ours().map_or(f64::NAN, |ours| ours.median());
    let ceiling = median(&drains.ceiling);
    Row {
        id: "P3",
        what: format!("share of the ceiling, batches of {BATCH}"),
        ours: rate(ours),
        against: format!("pgbench, {CLIENTS} clients, our statements {}", rate(ceiling)),
        metrics: vec![Metric::higher("fraction_of_ceiling", ours / ceiling, 0.55, 0.80, "%")],
    }
}

impl Ceiling {
    /// Reads the statements from a worker. The template of ours must have been made.
    pub async fn prepare(server: &Server, options: &Options) -> Result<Ceiling> {
        let product = peers::ours(options);
        let database = product.database(server, "statements").await?;
        let functions = functions(&database, &product).await;
        server.drop(database).await?;
        let pgbench = Server::client_programs()?.join("pgbench");
        Ok(Ceiling { product, pgbench, functions: functions? })
    }

    /// Lets pgbench drain a fresh database of `jobs`. Returns jobs per second.
    pub async fn measure(&self, server: &Server, jobs: u64) -> Result<f64> {
        let database = self.product.database(server, "ceiling").await?;
        self.product.enqueue(&database, jobs).await?;
        database.execute(&self.functions).await?;
        database
            .execute(
                "INSERT INTO workers (id, name, kinds, started_at, heartbeat_at, lease_until)
                 VALUES ('00000000-0000-0000-0000-000000000001', 'pgbench', '{system.noop}', now(), now(),
                         now() + interval '1 hour')",
            )
            .await?;
        database.settle().await?;
        let script = PathBuf::from("target/bench-ceiling.sql");
        std::fs::write(&script, SCRIPT)?;
        let mut command = Command::new(&self.pgbench);
        command
            .args(["--no-vacuum", "--define", &format!("batch={BATCH}")])
            .args(["--client", &CLIENTS.to_string(), "--jobs", &CLIENTS.to_string()])
            .args(["--transactions", &(jobs / BATCH / CLIENTS).to_string()])
            .arg("--file")
            .arg(&script)
            .arg(&database.url);
        let printed = process::output(command).await?;
        let left: i64 =
            sqlx::query_scalar("SELECT count(*) FROM jobs_ready").fetch_one(&database.pool).await?;
        server.drop(database).await?;
        if left > 0 {
            bail!("pgbench left {left} jobs");
        }
        let line =
            printed.lines().find_map(|line| line.strip_prefix("tps = ")).context("no tps")?;
        let per_second: f64 = line.split(' ').next().unwrap_or_default().parse()?;
        eprintln!("  {:<36} {}", "the ceiling", rate(per_second * BATCH as f64));
        Ok(per_second * BATCH as f64)
    }
}

/// The two functions around a worker's own statements.
async fn functions(database: &Database, product: &Product) -> Result<String> {
    let claim = overhear(database, product, "jobs_running").await?;
    let complete = overhear(database, product, "jobs_finished").await?;
    for (statement, arguments) in [(&claim, CLAIM), (&complete, COMPLETE)] {
        expect_arguments(database, statement, arguments).await?;
    }
    // Only what pgbench hands on is named; the rest of a claimed row would be read by the worker.
    Ok(format!(
        "CREATE FUNCTION bench_claim{CLAIM} RETURNS TABLE {} LANGUAGE sql AS $bench${claim}$bench$;
         CREATE FUNCTION bench_complete{COMPLETE} RETURNS SETOF bigint LANGUAGE sql AS $bench${complete}$bench$;",
        columns(database, &claim).await?,
    ))
}

/// The statement with which a worker that has jobs wants to write `table`.
async fn overhear(database: &Database, product: &Product, table: &str) -> Result<String> {
    product.enqueue(database, BATCH).await?;
    let gate = database.close_gate(table).await?;
    let mut worker = [product.start_worker(database, Work::Best(1000))?];
    drain::until_all_wait(database, &mut worker).await?;
    let heard = database.waiting_for_locks().await?;
    gate.open().await?;
    let [worker] = worker;
    until_done(database, product, worker).await?;
    let statement = heard.into_iter().find(|statement| statement.contains(table));
    statement.with_context(|| format!("no statement of the worker writes {table}"))
}

async fn until_done(database: &Database, product: &Product, mut worker: Process) -> Result<()> {
    while database.holds(product.tables.unfinished).await? {
        worker.check()?;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    worker.kill().await
}

/// PostgreSQL's own reading of a statement's arguments. The engine may change; then this file has to.
async fn expect_arguments(database: &Database, statement: &str, expected: &str) -> Result<()> {
    let mut connection = database.pool.acquire().await?;
    let prepare = format!("PREPARE overheard AS {statement}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(prepare.as_str())).execute(&mut *connection).await?;
    let found: String = sqlx::query_scalar(
        "SELECT '(' || array_to_string(parameter_types, ', ') || ')' FROM pg_prepared_statements
         WHERE name = 'overheard'",
    )
    .fetch_one(&mut *connection)
    .await?;
    sqlx::raw_sql("DEALLOCATE overheard").execute(&mut *connection).await?;
    if found != expected {
        bail!(
            "a statement takes {found}, not {expected}: adapt bench/runner/src/p3_ceiling.rs to:\n{statement}"
        );
    }
    Ok(())
}

/// `(id bigint, …)`: what the statement returns.
async fn columns(database: &Database, statement: &str) -> Result<String> {
    use sqlx::{Column as _, Executor as _, SqlSafeStr as _, Statement as _, TypeInfo as _};
    let mut connection = database.pool.acquire().await?;
    let prepared = connection.prepare(sqlx::AssertSqlSafe(statement).into_sql_str()).await?;
    let columns = prepared.columns().iter();
    let columns: Vec<String> =
        columns.map(|column| format!("{} {}", column.name(), column.type_info().name())).collect();
    Ok(format!("({})", columns.join(", ")))
}
