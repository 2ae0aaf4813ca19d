//! Every way a job changes its state, and nothing else. The diagram is `docs/job-states.md`.
//!
//! A state is a table, a transition moves the row: one `DELETE … RETURNING` that feeds one
//! `INSERT`, in one statement. A transition out of `running` names the lease's fencing token; it
//! returns whether the row was still there, and a caller who lost its lease changes nothing.

use serde_json::Value;
use signalbox_model::Timestamp;
use signalbox_model::error_class::ErrorClass;
use signalbox_model::job::{AttemptOutcome, JobId};
use sqlx::{PgConnection, Row};

use crate::jobs::fingerprint::fingerprint;
use crate::jobs::row::{ClaimedJob, Lease};
use crate::notify;

/// The columns that every place of a live job has.
macro_rules! columns {
    () => {
        "id, kind, queue, priority, payload, attempt, max_attempts, interruptions, created_at, \
         run_at, provider_failed_at, last_error, last_error_class, dead_letter_id"
    };
}

mod claim;
mod hold;

pub(crate) use claim::{Allowance, claim, claim_expedited};
pub(crate) use hold::{hold_waiting, release_hold};

/// A job to be inserted, validated.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Insert {
    pub kind: String,
    pub queue: String,
    pub priority: i16,
    pub payload: Value,
    pub max_attempts: i16,
    pub run_at: Timestamp,
}

/// → `available`, and the workers hear of it: all in one statement, however many jobs. Those beyond
/// the end of `ids` get new ones. Returns all ids, in ascending order.
pub(crate) async fn insert_ready(
    tx: &mut PgConnection,
    ids: &[JobId],
    jobs: &[&Insert],
    now: Timestamp,
) -> Result<Vec<JobId>, sqlx::Error> {
    let inserted = "WITH added AS (
             INSERT INTO jobs_ready (id, kind, queue, priority, payload, max_attempts, run_at, created_at)
             SELECT coalesce(id, nextval('job_ids')), kind, queue, priority, payload, max_attempts, run_at, $8
             FROM unnest($1::bigint[], $2::text[], $3::text[], $4::smallint[], $5::jsonb[],
                         $6::smallint[], $7::timestamptz[])
                 AS job(id, kind, queue, priority, payload, max_attempts, run_at)
             RETURNING id
         )
         SELECT array_agg(id ORDER BY id), pg_notify($9, '') FROM added";
    let inserted = bind_jobs(sqlx::query(inserted), ids, jobs, now).bind(notify::JOBS);
    inserted.fetch_one(tx).await?.try_get(0)
}

/// → `scheduled`: jobs that are not due yet.
pub(crate) async fn insert_scheduled(
    tx: &mut PgConnection,
    ids: &[JobId],
    jobs: &[&Insert],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let inserted = "INSERT INTO jobs_scheduled (id, kind, queue, priority, payload, max_attempts, run_at,
             created_at, wait_reason)
         SELECT *, $8, 'delayed' FROM unnest($1::bigint[], $2::text[], $3::text[], $4::smallint[], $5::jsonb[],
                                             $6::smallint[], $7::timestamptz[])";
    bind_jobs(sqlx::query(inserted), ids, jobs, now).execute(tx).await.map(drop)
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn bind_jobs<'q>(
    query: Query<'q>,
    ids: &'q [JobId],
    jobs: &[&'q Insert],
    now: Timestamp,
) -> Query<'q> {
    query
        .bind(ids)
        .bind(jobs.iter().map(|job| job.kind.as_str()).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.queue.as_str()).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.priority).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| &job.payload).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.max_attempts).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.run_at).collect::<Vec<_>>())
        .bind(now)
}

/// `scheduled` → `available`, for at most `limit` jobs that are due. Returns how many.
///
/// # Errors
/// When the database does not answer.
pub async fn promote_due(
    tx: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let moved = sqlx::query(concat!(
        "WITH due AS (
             SELECT id FROM jobs_scheduled WHERE run_at <= $1
             ORDER BY run_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
         ), moved AS (
             DELETE FROM jobs_scheduled s USING due WHERE s.id = due.id RETURNING s.*
         )
         INSERT INTO jobs_ready (",
        columns!(),
        ") SELECT ",
        columns!(),
        " FROM moved"
    ))
    .bind(now)
    .bind(limit)
    .execute(tx)
    .await?;
    Ok(moved.rows_affected())
}

/// `scheduled` → `available`, for one job, due or not, unless it is held. Returns whether it is
/// available now.
pub(crate) async fn promote(
    tx: &mut PgConnection,
    id: JobId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    sqlx::query(concat!(
        "WITH moved AS (DELETE FROM jobs_scheduled WHERE id = $1 AND wait_reason <> 'held' RETURNING *)
         INSERT INTO jobs_ready (",
        columns!(),
        ") SELECT id, kind, queue, priority, payload, attempt, max_attempts, interruptions, created_at,
             least(run_at, $2), provider_failed_at, last_error, last_error_class, dead_letter_id
         FROM moved"
    ))
    .bind(id)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM jobs_ready WHERE id = $1)")
        .bind(id)
        .fetch_one(tx)
        .await
}

/// `running` → `completed`, for all whose lease still holds; returns their ids. A dead letter the
/// job was retried from is resolved with it.
pub(crate) async fn complete(
    tx: &mut PgConnection,
    leases: &[Lease],
    now: Timestamp,
) -> Result<Vec<JobId>, sqlx::Error> {
    let done: Vec<JobId> = sqlx::query_scalar(
        "WITH done AS (
             DELETE FROM jobs_running r USING unnest($1::bigint[], $2::bigint[]) AS c(id, token)
             WHERE r.id = c.id AND r.lease_token = c.token RETURNING r.*
         )
         INSERT INTO jobs_finished (id, kind, queue, priority, payload, attempt, max_attempts,
             interruptions, created_at, run_at, state, worker_id, started_at, finished_at)
         SELECT id, kind, queue, priority, payload, attempt, max_attempts,
             interruptions, created_at, run_at, 'completed', worker_id, started_at, $3 FROM done
         RETURNING id",
    )
    .bind(leases.iter().map(|lease| lease.job_id).collect::<Vec<_>>())
    .bind(leases.iter().map(|lease| lease.token).collect::<Vec<_>>())
    .bind(now)
    .fetch_all(&mut *tx)
    .await?;
    let letters: Vec<i64> = leases.iter().filter_map(|lease| lease.dead_letter_id).collect();
    if !letters.is_empty() {
        sqlx::query("DELETE FROM dead_letter_queue WHERE id = ANY($1) AND job_id = ANY($2)")
            .bind(letters)
            .bind(&done)
            .execute(tx)
            .await?;
    }
    Ok(done)
}

/// How an unfinished attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unfinished<'a> {
    pub outcome: AttemptOutcome,
    pub error: &'a str,
    pub class: Option<ErrorClass>,
}

/// `running` → `scheduled`: tried again at `run_at`. `spent` says whether it costs an attempt.
pub(crate) async fn postpone(
    tx: &mut PgConnection,
    job: &ClaimedJob,
    ended: Unfinished<'_>,
    (run_at, wait_reason): (Timestamp, &str),
    spent: bool,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let provider_failed = ended.outcome == AttemptOutcome::ProviderFailed;
    let moved = sqlx::query(
        "WITH moved AS (
             DELETE FROM jobs_running WHERE id = $1 AND lease_token = $2 RETURNING *
         ), noted AS (
             INSERT INTO job_attempts (job_id, started_at, finished_at, outcome, worker_id, error, error_class)
             SELECT id, started_at, $3, $4, worker_id, $5, $6 FROM moved
         )
         INSERT INTO jobs_scheduled (id, kind, queue, priority, payload, attempt, max_attempts,
             interruptions, created_at, run_at, provider_failed_at, last_error, last_error_class,
             dead_letter_id, wait_reason)
         SELECT id, kind, queue, priority, payload, attempt + $7, max_attempts,
             interruptions + 1 - $7, created_at, $8,
             CASE WHEN $9 THEN $3 ELSE provider_failed_at END, $5, $6, dead_letter_id, $10
         FROM moved",
    )
    .bind(job.id)
    .bind(job.lease_token)
    .bind(now)
    .bind(ended.outcome.name())
    .bind(ended.error)
    .bind(ended.class.map(ErrorClass::name))
    .bind(i16::from(spent))
    .bind(run_at)
    .bind(provider_failed)
    .bind(wait_reason)
    .execute(tx)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// `running` → `available`: the system took the job back; no attempt is spent.
pub(crate) async fn release(
    tx: &mut PgConnection,
    job: &ClaimedJob,
    reason: &str,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query(concat!(
        "WITH moved AS (
             DELETE FROM jobs_running WHERE id = $1 AND lease_token = $2 RETURNING *
         ), noted AS (
             INSERT INTO job_attempts (job_id, started_at, finished_at, outcome, worker_id, error)
             SELECT id, started_at, $3, 'interrupted', worker_id, $4 FROM moved
         )
         INSERT INTO jobs_ready (",
        columns!(),
        ")
         SELECT id, kind, queue, priority, payload, attempt, max_attempts, interruptions + 1,
             created_at, run_at, provider_failed_at, last_error, last_error_class, dead_letter_id
         FROM moved"
    ))
    .bind(job.id)
    .bind(job.lease_token)
    .bind(now)
    .bind(reason)
    .execute(tx)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// `running` → `available`, for every job whose worker is no longer alive; → `cancelled`, where
/// that was asked for. Returns the ids of those that are available again.
pub(crate) async fn reclaim(
    tx: &mut PgConnection,
    now: Timestamp,
) -> Result<Vec<JobId>, sqlx::Error> {
    sqlx::query_scalar(concat!(
        "WITH lost AS (
             SELECT r.id FROM jobs_running r
             WHERE NOT EXISTS (SELECT FROM workers w WHERE w.id = r.worker_id AND w.lease_until > $1)
             FOR UPDATE SKIP LOCKED
         ), moved AS (
             DELETE FROM jobs_running r USING lost WHERE r.id = lost.id RETURNING r.*
         ), noted AS (
             INSERT INTO job_attempts (job_id, started_at, finished_at, outcome, worker_id, error)
             SELECT id, started_at, $1, 'lost', worker_id, 'the worker disappeared' FROM moved
             WHERE cancel_requested_at IS NULL
         ), cancelled AS (
             INSERT INTO jobs_finished (id, kind, queue, priority, payload, attempt, max_attempts,
                 interruptions, created_at, run_at, state, worker_id, started_at, finished_at,
                 last_error, last_error_class)
             SELECT id, kind, queue, priority, payload, attempt, max_attempts, interruptions,
                 created_at, run_at, 'cancelled', worker_id, started_at, $1, last_error, last_error_class
             FROM moved WHERE cancel_requested_at IS NOT NULL
         ), resolved AS (
             DELETE FROM dead_letter_queue d USING moved
             WHERE d.job_id = moved.id AND moved.cancel_requested_at IS NOT NULL
         )
         INSERT INTO jobs_ready (",
        columns!(),
        ")
         SELECT id, kind, queue, priority, payload, attempt, max_attempts, interruptions + 1,
             created_at, run_at, provider_failed_at, last_error, last_error_class, dead_letter_id
         FROM moved WHERE cancel_requested_at IS NULL RETURNING id"
    ))
    .bind(now)
    .fetch_all(tx)
    .await
}

/// `running` → `dead`: a letter is put into the dead letter queue, or the job's old one becomes
/// pending again.
pub(crate) async fn bury(
    tx: &mut PgConnection,
    job: &ClaimedJob,
    class: ErrorClass,
    error: &str,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query(
        "WITH moved AS (
             DELETE FROM jobs_running WHERE id = $1 AND lease_token = $2 RETURNING *
         ), noted AS (
             INSERT INTO job_attempts (job_id, started_at, finished_at, outcome, worker_id, error, error_class)
             SELECT id, started_at, $3, 'failed', worker_id, $4, $5 FROM moved
         )
         INSERT INTO dead_letter_queue (job_id, kind, queue, priority, payload, max_attempts,
             created_at, status, error, error_class, fingerprint, first_failed_at, last_failed_at, attempts)
         SELECT id, kind, queue, priority, payload, max_attempts, created_at, 'pending', $4, $5, $6,
             coalesce((SELECT min(a.finished_at) FROM job_attempts a
                       WHERE a.job_id = moved.id AND a.outcome = 'failed'), $3),
             $3, attempt + 1
         FROM moved
         ON CONFLICT (job_id) DO UPDATE SET status = 'pending', error = excluded.error,
             error_class = excluded.error_class, fingerprint = excluded.fingerprint,
             last_failed_at = excluded.last_failed_at,
             attempts = dead_letter_queue.attempts + excluded.attempts",
    )
    .bind(job.id)
    .bind(job.lease_token)
    .bind(now)
    .bind(error)
    .bind(class.name())
    .bind(fingerprint(class, error))
    .execute(tx)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// `running` → `cancelled`, after an operator asked for it.
pub(crate) async fn cancel_running(
    tx: &mut PgConnection,
    job: &ClaimedJob,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query(
        "WITH moved AS (
             DELETE FROM jobs_running WHERE id = $1 AND lease_token = $2 RETURNING *
         ), resolved AS (
             DELETE FROM dead_letter_queue d USING moved WHERE d.job_id = moved.id
         )
         INSERT INTO jobs_finished (id, kind, queue, priority, payload, attempt, max_attempts,
             interruptions, created_at, run_at, state, worker_id, started_at, finished_at,
             last_error, last_error_class)
         SELECT id, kind, queue, priority, payload, attempt, max_attempts, interruptions,
             created_at, run_at, 'cancelled', worker_id, started_at, $3, last_error, last_error_class
         FROM moved",
    )
    .bind(job.id)
    .bind(job.lease_token)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// `available` or `scheduled` → `cancelled`.
pub(crate) async fn cancel_waiting(
    tx: &mut PgConnection,
    id: JobId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query(concat!(
        "WITH ready AS (DELETE FROM jobs_ready WHERE id = $1 RETURNING ",
        columns!(),
        "),
         scheduled AS (DELETE FROM jobs_scheduled WHERE id = $1 RETURNING ",
        columns!(),
        "),
         waiting AS (SELECT * FROM ready UNION ALL SELECT * FROM scheduled),
         resolved AS (
             DELETE FROM dead_letter_queue d USING waiting WHERE d.job_id = waiting.id
         ), no_longer_expedited AS (
             DELETE FROM expedited_jobs WHERE job_id = $1
         )
         INSERT INTO jobs_finished (id, kind, queue, priority, payload, attempt, max_attempts,
             interruptions, created_at, run_at, state, finished_at, last_error, last_error_class)
         SELECT id, kind, queue, priority, payload, attempt, max_attempts, interruptions,
             created_at, run_at, 'cancelled', $2, last_error, last_error_class
         FROM waiting"
    ))
    .bind(id)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Asks a running job to stop; its worker moves it to `cancelled`.
pub(crate) async fn request_cancel(
    tx: &mut PgConnection,
    id: JobId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let asked = sqlx::query(
        "UPDATE jobs_running SET cancel_requested_at = coalesce(cancel_requested_at, $2) WHERE id = $1",
    )
    .bind(id)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(asked.rows_affected() == 1)
}

/// `dead` → gone: removes pending letters and their jobs for good. Returns those that were pending,
/// each with its job.
pub(crate) async fn discard(
    tx: &mut PgConnection,
    letters: &[i64],
) -> Result<Vec<(i64, JobId)>, sqlx::Error> {
    sqlx::query_as(
        "DELETE FROM dead_letter_queue WHERE id = ANY($1) AND status = 'pending'
         RETURNING id, job_id",
    )
    .bind(letters)
    .fetch_all(tx)
    .await
}

/// `dead` → `available`, with all their attempts to spend anew. The letters stay until the retry
/// has ended. Returns each letter with its job; none for a letter that is not pending.
pub(crate) async fn redrive(
    tx: &mut PgConnection,
    letters: &[i64],
    now: Timestamp,
) -> Result<Vec<(i64, JobId)>, sqlx::Error> {
    sqlx::query_as(
        "WITH retried AS (
             UPDATE dead_letter_queue SET status = 'retry_scheduled'
             WHERE id = ANY($1) AND status = 'pending' RETURNING *
         )
         INSERT INTO jobs_ready (id, kind, queue, priority, payload, max_attempts, created_at, run_at,
             last_error, last_error_class, dead_letter_id)
         SELECT job_id, kind, queue, priority, payload, max_attempts, created_at, $2, error, error_class, id
         FROM retried RETURNING dead_letter_id, id",
    )
    .bind(letters)
    .bind(now)
    .fetch_all(tx)
    .await
}
