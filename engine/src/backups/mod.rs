//! Backups (JS-7): a dump of the database by a job, its verification by restoring it into a database
//! of its own and comparing what both held at one moment, and the restore after a loss.

mod commands;
mod content;
mod error;
mod files;
mod place;
mod record;
mod restore;
mod run;
mod take;
mod verify;

use serde_json::json;
use sqlx::{PgConnection, PgExecutor, Row};

use crate::jobs::handler::RegistryBuilder;
use crate::schedules::ScheduleSpec;

pub use commands::{ask, ask_verification, list};
pub use error::BackupError;
pub use place::{Place, Search};
pub use restore::{Restored, note, restore};

/// The advisory lock of the one backup or verification that runs: two numbers of our own.
const LOCK: (i32, i32) = (7_391, 1);

/// Adds the kinds that take and verify backups at `place`.
pub fn register(builder: &mut RegistryBuilder, place: Place) {
    builder.add::<take::Take>(place.clone()).add::<verify::Verify>(place);
}

/// A backup and its verification every week (JS-7).
pub(crate) fn schedule() -> ScheduleSpec {
    ScheduleSpec::new("backup", take::KIND, "30 3 * * 7").with_payload(json!({ "verify": true }))
}

/// The folder of the programs that back up the database of `db`.
///
/// # Errors
/// When none fit, with the remedy; when the database does not answer.
pub async fn programs(db: &sqlx::PgPool, place: &Place) -> Result<std::path::PathBuf, BackupError> {
    let (_, major) = server_version(db).await?;
    Ok(place.programs(major).await?.dir().to_path_buf())
}

/// The version of a server, as text and its first number.
async fn server_version(db: impl PgExecutor<'_>) -> Result<(String, u32), sqlx::Error> {
    let row = sqlx::query(
        "SELECT current_setting('server_version') AS version,
                current_setting('server_version_num')::int / 10000 AS major",
    )
    .fetch_one(db)
    .await?;
    let major: i32 = row.try_get("major")?;
    Ok((row.try_get("version")?, major.unsigned_abs()))
}

/// Goes on as the only one of its kind, until `connection` is closed.
async fn alone(connection: &mut PgConnection) -> Result<(), BackupError> {
    let (class, object) = LOCK;
    let free: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2)")
        .bind(class)
        .bind(object)
        .fetch_one(connection)
        .await?;
    if free { Ok(()) } else { Err(BackupError::Busy) }
}
