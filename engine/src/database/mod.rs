//! The database as operators see and maintain it (JS-5, JS-7, CP-8): who is connected, what is
//! slow, how large the tables are; closing connections, and maintenance by jobs.

mod connections;
mod maintain;
mod sessions;
pub mod statements;
mod tables;
mod text;

use signalbox_model::actor::Permission;
use signalbox_model::database::{Database, OldestXmin, Pool};
use sqlx::{PgPool, Row};

use crate::{CommandError, Ctx};

pub use connections::{Own, close};
pub(crate) use maintain::Maintain;
pub use maintain::{ask, last};
pub use tables::tables;

/// How the database stands, and who works in it.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn read(ctx: &Ctx) -> Result<Database, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let row = sqlx::query(
        "SELECT current_database() AS name, current_setting('server_version') AS version,
                pg_database_size(current_database()) AS bytes",
    )
    .fetch_one(&ctx.db)
    .await?;
    Ok(Database {
        name: row.try_get("name")?,
        version: row.try_get("version")?,
        bytes: row.try_get("bytes")?,
        connections: sessions::count(&ctx.db).await?,
        pool: pool(&ctx.db),
        sessions: sessions::list(&ctx.db).await?,
        blocked: sessions::blocked(&ctx.db).await?,
        oldest_xmin: oldest_xmin(&ctx.db).await?,
        statements: statements::read(&ctx.db).await?,
        as_of: ctx.now(),
    })
}

fn pool(db: &PgPool) -> Pool {
    let idle = i64::try_from(db.num_idle()).unwrap_or(i64::MAX);
    Pool {
        in_use: (i64::from(db.size()) - idle).max(0),
        idle,
        max: db.options().get_max_connections().into(),
    }
}

/// The oldest snapshot that anybody holds: no row that died since can be removed. Statements just
/// under way hold one too; only what is older than a thousand transactions is worth a word.
async fn oldest_xmin(db: &PgPool) -> Result<Option<OldestXmin>, sqlx::Error> {
    let oldest = sqlx::query(
        "SELECT age(xmin)::bigint AS transactions, holder FROM (
             SELECT backend_xmin AS xmin, 'connection ' || pid AS holder FROM pg_stat_activity
             WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()
             UNION ALL
             SELECT xmin, 'replication slot ' || slot_name FROM pg_replication_slots WHERE xmin IS NOT NULL
             UNION ALL
             SELECT transaction, 'prepared transaction ' || gid FROM pg_prepared_xacts) held
         WHERE age(xmin) > 1000 ORDER BY age(xmin) DESC LIMIT 1",
    )
    .fetch_optional(db)
    .await?;
    oldest
        .map(|row| {
            Ok(OldestXmin {
                transactions: row.try_get("transactions")?,
                holder: row.try_get("holder")?,
            })
        })
        .transpose()
}
