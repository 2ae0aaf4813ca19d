//! The PostgreSQL that everything runs against: one private server with the product's settings, default durability, and a database
//! for each measurement.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use signalbox_cluster::{Cluster, Options};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};

/// What differs from the product's settings: room for the peers' connections, and statements shown whole in `pg_stat_activity`.
const SETTINGS: [(&str, &str); 2] =
    [("max_connections", "300"), ("track_activity_query_size", "32kB")];

/// What is said of the server above the table.
const SHOWN: &str = "SELECT string_agg(name || ' = ' || setting || coalesce(' ' || unit, ''), ', ' ORDER BY name)
     FROM pg_settings WHERE name IN ('synchronous_commit', 'fsync', 'full_page_writes', 'shared_buffers', 'max_wal_size',
                                     'wal_compression', 'jit')";

/// The server.
pub struct Server {
    cluster: Cluster,
    admin: PgPool,
    /// `PostgreSQL 15.14`.
    pub version: String,
    /// The settings that matter here.
    pub settings: String,
}

impl Server {
    /// Starts it, and drops what an interrupted run has left.
    pub async fn start(data_dir: &Path) -> Result<Server> {
        let settings = SETTINGS.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let options = Options { settings: settings.collect(), ..Options::default() };
        let cluster = Cluster::start_with(data_dir, options).await?;
        let admin = pool(&cluster.url("postgres"), 4).await?;
        let version: String = sqlx::query_scalar("SHOW server_version").fetch_one(&admin).await?;
        let version = version.split(' ').next().unwrap_or_default().to_owned();
        let settings = sqlx::query_scalar(SHOWN).fetch_one(&admin).await?;
        let server = Server { cluster, admin, version: format!("PostgreSQL {version}"), settings };
        let left: Vec<String> =
            sqlx::query_scalar("SELECT datname FROM pg_database WHERE datname LIKE 'bench%'")
                .fetch_all(&server.admin)
                .await?;
        for name in left {
            server.drop_database(&name).await?;
        }
        Ok(server)
    }

    /// A new database, a copy of `template` if one is named.
    pub async fn create(&self, name: &str, template: Option<&str>) -> Result<Database> {
        self.drop_database(name).await?;
        let template = template.unwrap_or("template0");
        // FILE_COPY would force a checkpoint at either end.
        self.run(format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")).await?;
        let url = self.cluster.url(name);
        Ok(Database { pool: pool(&url, 8).await?, name: name.to_owned(), url })
    }

    /// Drops it, whoever is connected.
    pub async fn drop(&self, database: Database) -> Result<()> {
        database.pool.close().await;
        self.drop_database(&database.name).await
    }

    /// Drops the database of this name, if there is one.
    pub async fn drop_database(&self, name: &str) -> Result<()> {
        self.run(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await
    }

    async fn run(&self, statement: String) -> Result<()> {
        sqlx::query(AssertSqlSafe(statement.as_str()))
            .execute(&self.admin)
            .await
            .with_context(|| statement.clone())?;
        Ok(())
    }

    /// Stops it.
    pub async fn stop(self) -> Result<()> {
        self.admin.close().await;
        self.cluster.stop().await?;
        Ok(())
    }

    /// The folder of `psql` and `pgbench`.
    pub fn client_programs() -> Result<PathBuf> {
        let mut folders: Vec<PathBuf> =
            std::env::var_os("SIGNALBOX_PG_BIN").map(PathBuf::from).into_iter().collect();
        let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut installed: Vec<PathBuf> = installed.map(|dir| dir.path().join("bin")).collect();
        installed.sort();
        folders.extend(installed.into_iter().rev());
        folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        match folders.into_iter().find(|dir| dir.join("pgbench").exists()) {
            Some(dir) => Ok(dir),
            None => bail!(
                "there is no pgbench: apt-get install postgresql-contrib, or set SIGNALBOX_PG_BIN"
            ),
        }
    }
}

/// One database of the server.
#[derive(Clone)]
pub struct Database {
    /// Connections of the bench itself.
    pub pool: PgPool,
    /// Its name.
    pub name: String,
    /// Its URL.
    pub url: String,
}

impl Database {
    /// Runs a statement that returns nothing.
    pub async fn execute(&self, statement: &str) -> Result<()> {
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&self.pool)
            .await
            .with_context(|| statement.to_owned())?;
        Ok(())
    }

    /// Statistics, visibility and a checkpoint, so that no measurement pays for what was done before it.
    pub async fn settle(&self) -> Result<()> {
        self.execute("VACUUM ANALYZE").await?;
        self.execute("CHECKPOINT").await
    }

    /// Whether a query that returns one boolean says yes.
    pub async fn holds(&self, query: &str) -> Result<bool> {
        Ok(sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&self.pool).await?)
    }

    /// The statements that wait for a lock in this database.
    pub async fn waiting_for_locks(&self) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(
            "SELECT query FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Holds writers off `tables` until the gate is opened.
    pub async fn close_gate(&self, tables: &str) -> Result<Gate> {
        let mut tx = self.pool.begin().await?;
        sqlx::query(AssertSqlSafe(format!("LOCK TABLE {tables} IN EXCLUSIVE MODE")))
            .execute(&mut *tx)
            .await?;
        Ok(Gate(tx))
    }
}

/// A lock on tables, held until [`Gate::open`].
pub struct Gate(sqlx::Transaction<'static, sqlx::Postgres>);

impl Gate {
    /// Lets the writers go on.
    pub async fn open(self) -> Result<()> {
        Ok(self.0.commit().await?)
    }
}

async fn pool(url: &str, connections: u32) -> Result<PgPool> {
    let options = PgPoolOptions::new().max_connections(connections);
    Ok(options.acquire_timeout(Duration::from_secs(30)).connect(url).await?)
}
