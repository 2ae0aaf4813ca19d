//! Wake-ups by LISTEN/NOTIFY. A notification carries no facts: whoever hears it reads the tables.
//! One that is missed costs a poll interval, never correctness.

use sqlx::postgres::PgListener;
use sqlx::{PgExecutor, PgPool};

/// Jobs became due.
pub const JOBS: &str = "signalbox_jobs";
/// The kill switch, a setting or a breaker changed, or a running job is to stop.
pub const CONTROLS: &str = "signalbox_controls";
/// Runs began or ended: told by each worker a few times a second at most, and not in the
/// transactions themselves, whose throughput it would cost.
pub const RUNS: &str = "signalbox_runs";

/// Tells everyone who listens on `channel`, when the transaction commits.
///
/// # Errors
/// When the database does not answer.
pub async fn notify(db: impl PgExecutor<'_>, channel: &str) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_notify($1, '')").bind(channel).execute(db).await.map(drop)
}

/// Listens to what a worker must hear. The listener reconnects by itself.
///
/// # Errors
/// When the database does not answer.
pub async fn listen(db: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(db).await?;
    listener.listen_all([JOBS, CONTROLS]).await?;
    Ok(listener)
}

/// Listens to everything that a page may show.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn listen_to_all(db: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(db).await?;
    listener.listen_all([JOBS, CONTROLS, RUNS]).await?;
    Ok(listener)
}
