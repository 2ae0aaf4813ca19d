//! Support for tests: a migrated database of one's own, dropped at the end.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{Connection, Executor, PgConnection, PgPool};

/// A fresh, migrated database on the server that `DATABASE_URL` names.
#[derive(Debug)]
pub struct TestDb {
    /// A pool on it.
    pub pool: PgPool,
    /// Its URL, for other processes.
    pub url: String,
    admin_url: String,
    name: String,
}

static COUNTER: AtomicU32 = AtomicU32::new(0);

impl TestDb {
    /// Creates and migrates one.
    ///
    /// # Panics
    /// Without `DATABASE_URL`, or when the server does not answer: a test cannot go on.
    #[allow(clippy::expect_used)]
    pub async fn new() -> TestDb {
        let admin_url = std::env::var("DATABASE_URL")
            .expect("DATABASE_URL names no server; run the tests with `make test`");
        let n = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{n}", std::process::id());
        let mut admin = PgConnection::connect(&admin_url).await.expect("the test server answers");
        let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        admin.execute(sqlx::AssertSqlSafe(drop)).await.expect("an old test database is dropped");
        admin
            .execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .await
            .expect("a test database is created");
        let url = with_database(&admin_url, &name);
        let pool = crate::db::connect(&url, 12).await.expect("the test database answers");
        crate::db::migrate(&pool).await.expect("the migrations apply");
        TestDb { pool, url, admin_url, name }
    }
}

/// Everything that stands in the database, as text: what a dump of it shows.
///
/// # Errors
/// When the database does not answer.
pub async fn dump(pool: &PgPool) -> Result<String, sqlx::Error> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT quote_ident(table_name) FROM information_schema.tables
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1",
    )
    .fetch_all(pool)
    .await?;
    let mut text = String::new();
    for table in tables {
        let rows = format!("SELECT coalesce(string_agg(t::text, E'\n'), '') FROM {table} t");
        let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(rows)).fetch_one(pool).await?;
        text += &format!("{table}\n{rows}\n");
    }
    Ok(text)
}

/// `url` with its database replaced by `name`.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(b, q)| (b, Some(q)));
    let server = base.rsplit_once('/').map_or(base, |(server, _)| server);
    match query {
        Some(query) => format!("{server}/{name}?{query}"),
        None => format!("{server}/{name}"),
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let (url, name) = (self.admin_url.clone(), self.name.clone());
        // The test's runtime may be ending: the drop runs on one of its own.
        let dropped = std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build()
            else {
                return;
            };
            runtime.block_on(async {
                if let Ok(mut admin) = PgConnection::connect(&url).await {
                    let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                    admin.execute(sqlx::AssertSqlSafe(drop)).await.ok();
                }
            });
        });
        dropped.join().ok();
    }
}

/// A worker for tests: claims, runs and settles in the caller's own time, with no task and no
/// timer. What it does is what a real worker does.
#[derive(Debug)]
pub struct TestWorker {
    db: PgPool,
    clock: crate::SharedClock,
    registry: crate::jobs::Registry,
    id: uuid::Uuid,
}

impl TestWorker {
    /// One with a lease of a year.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn new(
        db: &PgPool,
        clock: crate::SharedClock,
        registry: &crate::jobs::Registry,
    ) -> Result<TestWorker, sqlx::Error> {
        let year = std::time::Duration::from_secs(365 * 86_400);
        let id = crate::jobs::register(db, registry, "test", year, clock.now()).await?;
        Ok(TestWorker { db: db.clone(), clock, registry: registry.clone(), id })
    }

    /// Its id.
    pub fn id(&self) -> uuid::Uuid {
        self.id
    }

    /// Leases up to `free` jobs.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn claim(&self, free: usize) -> Result<Vec<crate::jobs::ClaimedJob>, sqlx::Error> {
        let mut conn = self.db.acquire().await?;
        let mut claimer = crate::jobs::claim::Claimer::default();
        let claimed = claimer.claim(&mut conn, &self.registry, self.id, free, self.clock.now());
        Ok(claimed.await?.jobs)
    }

    /// Runs `job` to its end.
    pub async fn run(&self, job: crate::jobs::ClaimedJob) -> crate::jobs::Ended {
        let stop = tokio_util::sync::CancellationToken::new();
        crate::jobs::execute(&self.db, &self.clock, &self.registry, job, stop).await
    }

    /// Runs `job`, which is asked to stop before it begins.
    pub async fn run_stopped(&self, job: crate::jobs::ClaimedJob) -> crate::jobs::Ended {
        let stop = tokio_util::sync::CancellationToken::new();
        stop.cancel();
        crate::jobs::execute(&self.db, &self.clock, &self.registry, job, stop).await
    }

    /// Records the ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn settle(
        &self,
        ended: &[crate::jobs::Ended],
    ) -> Result<crate::jobs::Settled, sqlx::Error> {
        let mut conn = self.db.acquire().await?;
        crate::jobs::settle(&mut conn, ended, self.clock.now(), "asked to stop").await
    }

    /// Works until nothing can be claimed at the clock's time. Returns how many runs that took.
    ///
    /// # Errors
    /// When the database does not answer.
    ///
    /// # Panics
    /// After 100,000 runs: something feeds itself.
    pub async fn drain(&self) -> Result<usize, sqlx::Error> {
        let mut runs = 0;
        loop {
            let jobs = self.claim(10).await?;
            if jobs.is_empty() {
                return Ok(runs);
            }
            for job in jobs {
                runs += 1;
                let ended = self.run(job).await;
                self.settle(&[ended]).await?;
            }
            assert!(runs < 100_000, "the queue feeds itself");
        }
    }
}
