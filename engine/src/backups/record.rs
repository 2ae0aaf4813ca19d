//! The table of backups.

use signalbox_model::Timestamp;
use signalbox_model::backup::{Backup, Manifest, Stage, TableSum, Verification};
use signalbox_model::job::JobId;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};

/// As many are shown.
const SHOWN: i64 = 50;

/// A backup as the jobs that take and verify it see it.
pub(super) struct Taken {
    pub id: i64,
    pub file: String,
    pub sha256: String,
    pub content: Vec<TableSum>,
}

/// Notes that a backup was asked for, to be taken by `job`.
pub(super) async fn open(
    db: impl PgExecutor<'_>,
    job: JobId,
    by: &str,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "INSERT INTO backups (job_id, requested_by, reason, requested_at) VALUES ($1, $2, $3, $4)
         RETURNING id",
    )
    .bind(job)
    .bind(by)
    .bind(reason)
    .bind(now)
    .fetch_one(db)
    .await
}

/// Notes that `job` begins its backup, which it opens itself if nobody asked for it (a schedule did).
pub(super) async fn begin(
    db: &PgPool,
    job: JobId,
    by: &str,
    now: Timestamp,
) -> Result<i64, sqlx::Error> {
    let id = sqlx::query_scalar("SELECT id FROM backups WHERE job_id = $1")
        .bind(job)
        .fetch_optional(db)
        .await?;
    let id = match id {
        Some(id) => id,
        None => open(db, job, by, None, now).await?,
    };
    sqlx::query("UPDATE backups SET started_at = $2 WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute(db)
        .await?;
    Ok(id)
}

/// Notes that it was taken.
pub(super) async fn taken(
    tx: &mut PgConnection,
    id: i64,
    path: &str,
    manifest: &Manifest,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE backups SET ended_at = $2, file = $3, bytes = $4, sha256 = $5, server_version = $6,
             content = $7, error = NULL WHERE id = $1",
    )
    .bind(id)
    .bind(now)
    .bind(path)
    .bind(manifest.bytes)
    .bind(&manifest.sha256)
    .bind(&manifest.server_version)
    .bind(Json(&manifest.content))
    .execute(tx)
    .await
    .map(drop)
}

/// Notes why an attempt failed.
pub(super) async fn failed(db: &PgPool, id: i64, error: &str) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE backups SET error = $2 WHERE id = $1")
        .bind(id)
        .bind(error)
        .execute(db)
        .await
        .map(drop)
}

/// Notes that `job` is to verify the backup `id`.
pub(super) async fn verification_asked(
    tx: &mut PgConnection,
    id: i64,
    job: JobId,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE backups SET verify_job_id = $2, verify_started_at = NULL, verify_ended_at = NULL,
             differences = NULL, verify_error = NULL WHERE id = $1",
    )
    .bind(id)
    .bind(job)
    .execute(tx)
    .await
    .map(drop)
}

/// What `job` is to verify: the backup that it was enqueued for, or the last one.
pub(super) async fn to_verify(
    db: &PgPool,
    job: JobId,
    now: Timestamp,
) -> Result<Option<Taken>, sqlx::Error> {
    sqlx::query(
        "UPDATE backups SET verify_job_id = $1, verify_started_at = $2, verify_ended_at = NULL,
             differences = NULL, verify_error = NULL
         WHERE id = (SELECT id FROM backups WHERE ended_at IS NOT NULL AND removed_at IS NULL
                     ORDER BY (verify_job_id = $1) DESC NULLS LAST, id DESC LIMIT 1)
         RETURNING *",
    )
    .bind(job)
    .bind(now)
    .try_map(|row: PgRow| {
        let content: Json<Vec<TableSum>> = row.try_get("content")?;
        Ok(Taken {
            id: row.try_get("id")?,
            file: row.try_get("file")?,
            sha256: row.try_get("sha256")?,
            content: content.0,
        })
    })
    .fetch_optional(db)
    .await
}

/// Notes how a verification went: compared, with these differences, or not for this error.
pub(super) async fn verified(
    db: impl PgExecutor<'_>,
    id: i64,
    outcome: Result<&[String], &str>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE backups SET differences = $2, verify_error = $3,
             verify_ended_at = CASE WHEN $2 IS NOT NULL THEN $4 END WHERE id = $1",
    )
    .bind(id)
    .bind(outcome.ok())
    .bind(outcome.err())
    .bind(now)
    .execute(db)
    .await
    .map(drop)
}

/// The files beyond the newest `kept`, but the newest verified one.
pub(super) async fn surplus(db: &PgPool, kept: i64) -> Result<Vec<(i64, String)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, file FROM backups WHERE ended_at IS NOT NULL AND removed_at IS NULL
           AND id IS DISTINCT FROM (SELECT max(id) FROM backups WHERE differences = '{}' AND removed_at IS NULL)
         ORDER BY id DESC OFFSET $1",
    )
    .bind(kept)
    .fetch_all(db)
    .await
}

/// Notes that a file was removed.
pub(super) async fn removed(db: &PgPool, id: i64, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE backups SET removed_at = $2 WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute(db)
        .await
        .map(drop)
}

/// The last ones, the newest first.
pub(super) async fn list(db: impl PgExecutor<'_>) -> Result<Vec<Backup>, sqlx::Error> {
    sqlx::query(
        "SELECT b.*, j.state AS job_state, v.state AS verify_job_state,
                jsonb_array_length(b.content)::bigint AS tables,
                (SELECT sum((t->>'rows')::bigint)::bigint FROM jsonb_array_elements(b.content) t) AS rows
         FROM (SELECT * FROM backups ORDER BY id DESC LIMIT $1) b
         LEFT JOIN LATERAL (SELECT state FROM jobs WHERE id = b.job_id LIMIT 1) j ON true
         LEFT JOIN LATERAL (SELECT state FROM jobs WHERE id = b.verify_job_id LIMIT 1) v ON true
         ORDER BY b.id DESC",
    )
    .bind(SHOWN)
    .try_map(backup)
    .fetch_all(db)
    .await
}

fn backup(row: PgRow) -> Result<Backup, sqlx::Error> {
    let ended_at: Option<Timestamp> = row.try_get("ended_at")?;
    let job_state: Option<String> = row.try_get("job_state")?;
    let verify_job: Option<JobId> = row.try_get("verify_job_id")?;
    Ok(Backup {
        id: row.try_get("id")?,
        stage: Stage::of(ended_at.is_some(), job_state.as_deref()),
        job_id: row.try_get("job_id")?,
        requested_by: row.try_get("requested_by")?,
        reason: row.try_get("reason")?,
        requested_at: row.try_get("requested_at")?,
        started_at: row.try_get("started_at")?,
        ended_at,
        file: row.try_get("file")?,
        bytes: row.try_get("bytes")?,
        sha256: row.try_get("sha256")?,
        server_version: row.try_get("server_version")?,
        tables: row.try_get("tables")?,
        rows: row.try_get("rows")?,
        error: row.try_get("error")?,
        verification: verify_job.map(|job| verification(&row, job)).transpose()?,
        removed_at: row.try_get("removed_at")?,
    })
}

fn verification(row: &PgRow, job_id: JobId) -> Result<Verification, sqlx::Error> {
    let ended_at: Option<Timestamp> = row.try_get("verify_ended_at")?;
    let job_state: Option<String> = row.try_get("verify_job_state")?;
    let differences: Option<Vec<String>> = row.try_get("differences")?;
    Ok(Verification {
        stage: Stage::of(ended_at.is_some(), job_state.as_deref()),
        job_id,
        ended_at,
        differences: differences.unwrap_or_default(),
        error: row.try_get("verify_error")?,
    })
}
