//! The transitions of a job that an operator holds. The hold itself is a row of `job_holds`, which
//! keeps when the job was due.

use signalbox_model::Timestamp;
use signalbox_model::job::JobId;
use sqlx::PgConnection;

/// When a held job is due: later than anything else.
const NEVER: &str = "timestamptz '9999-12-31 00:00:00+00'";

/// `available` or `scheduled` → `scheduled`, held: for all of `jobs` that have a hold, which keeps
/// when they were due. Returns how many moved.
pub(crate) async fn hold_waiting(
    tx: &mut PgConnection,
    jobs: &[JobId],
) -> Result<u64, sqlx::Error> {
    let moved = sqlx::query(sqlx::AssertSqlSafe(format!(
        "WITH wanted AS (SELECT job_id FROM job_holds WHERE job_id = ANY($1)),
         ready AS (
             DELETE FROM jobs_ready USING wanted WHERE id = job_id RETURNING {columns}
         ), scheduled AS (
             DELETE FROM jobs_scheduled USING wanted WHERE id = job_id AND wait_reason <> 'held'
             RETURNING {columns}, wait_reason
         ), waiting AS (
             SELECT *, 'delayed' AS wait_reason FROM ready UNION ALL SELECT * FROM scheduled
         ), no_longer_expedited AS (
             DELETE FROM expedited_jobs e USING waiting w WHERE e.job_id = w.id
         ), noted AS (
             UPDATE job_holds h SET run_at = w.run_at, wait_reason = w.wait_reason
             FROM waiting w WHERE h.job_id = w.id
         )
         INSERT INTO jobs_scheduled ({columns}, wait_reason)
         SELECT id, kind, queue, priority, payload, attempt, max_attempts, interruptions, created_at,
             {NEVER}, provider_failed_at, last_error, last_error_class, dead_letter_id, 'held'
         FROM waiting",
        columns = columns!()
    )))
    .bind(jobs)
    .execute(tx)
    .await?;
    Ok(moved.rows_affected())
}

/// `scheduled`, held → `available`, or → `scheduled` if it was not due yet when it was held. A
/// running job is no longer kept from coming back. Returns whether there was a hold to end.
pub(crate) async fn release_hold(
    tx: &mut PgConnection,
    id: JobId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(concat!(
        "WITH hold AS (
             DELETE FROM job_holds WHERE job_id = $1
                 AND (EXISTS (SELECT FROM jobs_scheduled WHERE id = $1)
                      OR EXISTS (SELECT FROM jobs_running WHERE id = $1))
             RETURNING run_at AS due_at, wait_reason AS waited_for
         ), moved AS (
             DELETE FROM jobs_scheduled USING hold WHERE id = $1 AND wait_reason = 'held'
             RETURNING jobs_scheduled.*, due_at, waited_for
         ), later AS (
             INSERT INTO jobs_scheduled (",
        columns!(),
        ", wait_reason)
             SELECT id, kind, queue, priority, payload, attempt, max_attempts, interruptions,
                 created_at, due_at, provider_failed_at, last_error, last_error_class,
                 dead_letter_id, waited_for
             FROM moved WHERE due_at > $2
         ), due AS (
             INSERT INTO jobs_ready (",
        columns!(),
        ")
             SELECT id, kind, queue, priority, payload, attempt, max_attempts, interruptions,
                 created_at, due_at, provider_failed_at, last_error, last_error_class, dead_letter_id
             FROM moved WHERE due_at <= $2
         )
         SELECT EXISTS (SELECT FROM hold)"
    ))
    .bind(id)
    .bind(now)
    .fetch_one(tx)
    .await
}
