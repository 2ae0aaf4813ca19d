//! The database: connecting, migrating, and whether it answers.

use std::time::Duration;

use signalbox_model::Timestamp;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgConnection, PgPool, Row};

/// The migrations, embedded in the binary.
static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// How long a caller waits for a connection before the database counts as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The oldest PostgreSQL that is supported.
const OLDEST_VERSION: i32 = 15;

/// What our connections call themselves.
pub(crate) const APPLICATION: &str = "signalbox";

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The URL makes no sense, or nobody answers there.
    #[error(
        "cannot connect to the database: {0}. Check DATABASE_URL, or unset it for a private cluster"
    )]
    Connect(#[source] sqlx::Error),
    /// A migration failed.
    #[error("cannot migrate the database: {0}")]
    Migrate(#[source] MigrateError),
    /// The schema is of a later version.
    #[error(
        "the database's schema is newer than this binary, which does not know migration {0}. Start \
         the newer one; or, if this is a roll back, set SIGNALBOX_ROLLED_BACK=true"
    )]
    Newer(i64),
    /// The server is too old.
    #[error("PostgreSQL {found} is too old; {OLDEST_VERSION} or newer is needed")]
    TooOld {
        /// Its major version.
        found: i32,
    },
}

impl DatabaseError {
    /// Whether it may be over in a while: nobody answers, or the server is just starting.
    pub fn may_pass(&self) -> bool {
        match self {
            DatabaseError::Connect(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut) => true,
            // cannot_connect_now, by Appendix A of PostgreSQL's manual.
            DatabaseError::Connect(sqlx::Error::Database(error)) => {
                error.code().as_deref() == Some("57P03")
            }
            _ => false,
        }
    }
}

/// A pool of at most `max_connections` connections to `url`.
///
/// # Errors
/// When nobody answers at `url`, or the server is too old.
pub async fn connect(url: &str, max_connections: u32) -> Result<PgPool, DatabaseError> {
    let options: PgConnectOptions = url.parse().map_err(DatabaseError::Connect)?;
    let pool = PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options.application_name(APPLICATION))
        .await
        .map_err(DatabaseError::Connect)?;
    let version: i32 =
        sqlx::query_scalar("SELECT current_setting('server_version_num')::int / 10000")
            .fetch_one(&pool)
            .await
            .map_err(DatabaseError::Connect)?;
    if version < OLDEST_VERSION {
        return Err(DatabaseError::TooOld { found: version });
    }
    Ok(pool)
}

/// A pool of one connection, for one task alone, to the same database as `db`.
pub(crate) fn own_pool(db: &PgPool) -> PgPool {
    let options = db.options().clone().max_connections(1);
    options.connect_lazy_with(db.connect_options().as_ref().clone())
}

/// A connection that one task of the hot loop holds for good: no pool tests it, before or after its
/// use. Opened when it is first needed. Whoever sees it fail closes it; the next use opens another.
#[derive(Debug)]
pub(crate) struct HeldConnection {
    options: PgConnectOptions,
    open: Option<PgConnection>,
}

impl HeldConnection {
    /// One to the same database as `db`.
    pub(crate) fn like(db: &PgPool) -> HeldConnection {
        HeldConnection { options: db.connect_options().as_ref().clone(), open: None }
    }

    /// The connection.
    pub(crate) async fn get(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        let open = match self.open.take() {
            Some(open) => open,
            None => tokio::time::timeout(ACQUIRE_TIMEOUT, self.options.connect())
                .await
                .map_err(|_| sqlx::Error::PoolTimedOut)??,
        };
        Ok(self.open.insert(open))
    }

    /// Closes it.
    pub(crate) fn close(&mut self) {
        self.open = None;
    }
}

/// Brings the schema up to date, under a lock: any number of processes may start at once.
///
/// # Errors
/// When a migration fails, or the database holds migrations that this binary does not know.
pub async fn migrate(db: &PgPool) -> Result<(), DatabaseError> {
    MIGRATIONS.run(db).await.map_err(DatabaseError::from)
}

/// The same for a binary that was rolled back: the migrations that it does not know stay as they
/// are. They have only added to what it does know (AV-10).
///
/// # Errors
/// When a migration fails.
pub async fn migrate_rolled_back(db: &PgPool) -> Result<(), DatabaseError> {
    let mut migrations =
        Migrator { migrations: MIGRATIONS.migrations.clone(), ..Migrator::DEFAULT };
    migrations.set_ignore_missing(true).run(db).await.map_err(DatabaseError::from)
}

impl From<MigrateError> for DatabaseError {
    fn from(error: MigrateError) -> DatabaseError {
        match error {
            MigrateError::VersionMissing(version) => DatabaseError::Newer(version),
            error => DatabaseError::Migrate(error),
        }
    }
}

/// What the doctor asks of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// PostgreSQL's version.
    pub version: String,
    /// Its clock.
    pub now: Timestamp,
    /// Whether it waits for the disk.
    pub fsync: bool,
    /// Whether a page that was half written is repaired.
    pub full_page_writes: bool,
    /// Whether a commit waits until it is safe.
    pub synchronous_commit: bool,
    /// Connections in use, on the whole server.
    pub connections: i64,
    /// The most that it takes.
    pub max_connections: i64,
}

/// Examines the database.
///
/// # Errors
/// When it does not answer.
pub async fn examine(db: &PgPool) -> Result<Examined, sqlx::Error> {
    let row = sqlx::query(
        "SELECT current_setting('server_version') AS version, clock_timestamp() AS now,
                current_setting('fsync') = 'on' AS fsync,
                current_setting('full_page_writes') = 'on' AS full_page_writes,
                current_setting('synchronous_commit') <> 'off' AS synchronous_commit,
                (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
                current_setting('max_connections')::bigint AS max_connections",
    )
    .fetch_one(db)
    .await?;
    Ok(Examined {
        version: row.try_get("version")?,
        now: row.try_get("now")?,
        fsync: row.try_get("fsync")?,
        full_page_writes: row.try_get("full_page_writes")?,
        synchronous_commit: row.try_get("synchronous_commit")?,
        connections: row.try_get("connections")?,
        max_connections: row.try_get("max_connections")?,
    })
}

/// Whether the database answers.
///
/// # Errors
/// When it does not.
pub async fn ping(db: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT 1").execute(db).await.map(drop)
}
