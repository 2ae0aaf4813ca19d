//! The database of this process: the one `DATABASE_URL` names, or a private cluster.

use std::time::Duration;

use signalbox_cluster::{Cluster, ClusterError};
use signalbox_engine::clock::SystemClock;
use signalbox_engine::database::statements;
use signalbox_engine::db::{self, DatabaseError};
use signalbox_engine::{Ctx, PgPool};
use signalbox_model::actor::Actor;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::run::RunError;

/// Connections of one process: requests, the worker's batches, and what listens.
const CONNECTIONS: u32 = 32;
/// How often a database that does not answer yet is tried again.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// How often the private cluster is looked after.
const HEALTH_CHECK_EVERY: Duration = Duration::from_secs(5);
/// How long connections may take to be given back at the end.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);
/// The database of the private cluster.
const DATABASE: &str = "postgres";

/// The database, connected and with its schema up to date.
pub struct Database {
    /// The context in which this process acts on its own account.
    pub system: Ctx,
    keeper: Option<Keeper>,
}

/// Looks after the private cluster, and stops it in the end.
struct Keeper {
    stop: CancellationToken,
    task: JoinHandle<Result<bool, ClusterError>>,
}

impl Database {
    /// Connects, and brings the schema up to date. A database that does not answer yet is waited
    /// for as long as `patience`: processes may be started in any order (ST-1).
    ///
    /// # Errors
    /// When the database cannot be started, reached or migrated.
    pub async fn open(config: &Config, patience: Duration) -> Result<Database, RunError> {
        let database = Database::connect(config, patience).await?;
        match config.rolled_back {
            false => db::migrate(&database.system.db).await?,
            true => db::migrate_rolled_back(&database.system.db).await?,
        }
        if database.keeper.is_some() {
            statements::enable(&database.system.db).await;
        }
        Ok(database)
    }

    /// Connects, and leaves the schema as it is: what is restored brings its own.
    ///
    /// # Errors
    /// When the database cannot be started or reached.
    pub async fn connect(config: &Config, patience: Duration) -> Result<Database, RunError> {
        let (url, keeper) = match &config.database_url {
            Some(url) => (url.expose().to_owned(), None),
            None => {
                let cluster = Cluster::start(&config.data_dir).await?;
                (cluster.url(DATABASE), Some(Keeper::new(cluster)))
            }
        };
        let pool = connect(&url, patience).await?;
        let system = Ctx::new(pool, SystemClock::shared(), Actor::system("server"));
        Ok(Database { system, keeper })
    }

    /// Gives the connections back and stops the private cluster.
    pub async fn close(self) {
        if tokio::time::timeout(CLOSE_WITHIN, self.system.db.close()).await.is_err() {
            tracing::warn!("some database connections were still in use");
        }
        if let Some(keeper) = self.keeper {
            keeper.stop().await;
        }
    }
}

async fn connect(url: &str, patience: Duration) -> Result<PgPool, DatabaseError> {
    let began = Instant::now();
    loop {
        match db::connect(url, CONNECTIONS).await {
            Err(error) if error.may_pass() && began.elapsed() < patience => {
                tracing::warn!(%error, "waiting for the database");
                tokio::time::sleep(RETRY_EVERY).await;
            }
            connected => return connected,
        }
    }
}

impl Keeper {
    fn new(mut cluster: Cluster) -> Keeper {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(HEALTH_CHECK_EVERY);
            while stopped.run_until_cancelled(ticks.tick()).await.is_some() {
                match cluster.revive().await {
                    Ok(false) => {}
                    Ok(true) => tracing::warn!("the private PostgreSQL was gone; started it again"),
                    Err(error) => tracing::error!(%error, "the private PostgreSQL does not answer"),
                }
            }
            cluster.stop().await
        });
        Keeper { stop, task }
    }

    async fn stop(self) {
        self.stop.cancel();
        match self.task.await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!(%error, "cannot stop the private PostgreSQL"),
            Err(error) => tracing::error!(%error, "cannot stop the private PostgreSQL"),
        }
    }
}
