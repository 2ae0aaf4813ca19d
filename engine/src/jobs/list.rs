//! Reading jobs.

use signalbox_model::actor::Permission;
use signalbox_model::job::{Attempt, AttemptOutcome, Job, JobDetail, JobFilter, JobId, JobState};
use signalbox_model::page::{NEWER_CAP, Page, page_rows};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::jobs::filter::{bind_filter, filter_sql};
use crate::jobs::handler::Registry;
use crate::jobs::{hold, progress, row, why};
use crate::{CommandError, Ctx, logs};

/// The jobs that match, the newest first.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn list(
    ctx: &Ctx,
    registry: &Registry,
    filter: &JobFilter,
) -> Result<Page<Job>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let limit = page_rows(filter.limit);
    let list = sqlx::query(concat!(
        "SELECT * FROM jobs WHERE ",
        filter_sql!(),
        " AND ($11::bigint IS NULL OR id < $11) ORDER BY id DESC LIMIT $12"
    ));
    let rows = bind_filter!(list, filter, registry)
        .bind(filter.cursor)
        .bind(limit + 1)
        .try_map(row::job)
        .fetch_all(&ctx.db)
        .await?;
    let rows = whole(ctx, rows).await?;
    Ok(Page::from_rows(rows, limit, |job| job.id))
}

/// How many of the jobs that match are newer than `than`, counted to [`NEWER_CAP`].
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn newer(
    ctx: &Ctx,
    registry: &Registry,
    filter: &JobFilter,
    than: JobId,
) -> Result<i64, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let count = sqlx::query_scalar(concat!(
        "SELECT count(*) FROM (SELECT FROM jobs WHERE ",
        filter_sql!(),
        " AND id > $11 LIMIT $12) newer"
    ));
    let count = bind_filter!(count, filter, registry).bind(than).bind(NEWER_CAP);
    Ok(count.fetch_one(&ctx.db).await?)
}

/// The most jobs of [`recent_of_kind`].
const RECENT: i64 = 20;

/// The jobs of one kind that wait or run in its queue, or have told of their progress lately; the
/// newest first. Its cost does not grow with the history, however rare the kind is.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn recent_of_kind(ctx: &Ctx, kind: &str, queue: &str) -> Result<Vec<Job>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let ids: Vec<JobId> = sqlx::query_scalar(
        "SELECT id FROM jobs_ready WHERE queue = $2 AND kind = $1
         UNION SELECT id FROM jobs_scheduled WHERE queue = $2 AND kind = $1
         UNION SELECT id FROM jobs_running WHERE kind = $1
         UNION SELECT job_id FROM job_progress WHERE kind = $1
         ORDER BY id DESC LIMIT $3",
    )
    .bind(kind)
    .bind(queue)
    .bind(RECENT)
    .fetch_all(&ctx.db)
    .await?;
    let jobs = sqlx::query("SELECT * FROM jobs WHERE id = ANY($1) ORDER BY id DESC")
        .bind(ids)
        .try_map(row::job)
        .fetch_all(&ctx.db)
        .await?;
    Ok(whole(ctx, jobs).await?)
}

/// The same jobs, with what lies beside their rows.
async fn whole(ctx: &Ctx, jobs: Vec<Job>) -> Result<Vec<Job>, sqlx::Error> {
    let jobs = hold::added_to(jobs, &ctx.db).await?;
    progress::added_to(jobs, &ctx.db, ctx.now()).await
}

/// One job, without its history.
pub(crate) async fn read(ctx: &Ctx, id: JobId) -> Result<Job, CommandError> {
    let job = sqlx::query("SELECT * FROM jobs WHERE id = $1")
        .bind(id)
        .try_map(row::job)
        .fetch_all(&ctx.db)
        .await?;
    whole(ctx, job).await?.into_iter().next().ok_or_else(|| CommandError::not_found("job", id))
}

/// One job with everything its page shows.
///
/// # Errors
/// Without [`Permission::ReadConsole`]; when there is no such job; when the database does not
/// answer.
pub async fn detail(ctx: &Ctx, registry: &Registry, id: JobId) -> Result<JobDetail, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let job = read(ctx, id).await?;
    let verdict = why::verdict(ctx, registry, &job).await?;
    let mut attempts = attempts(ctx, id).await?;
    // The running and the last attempt have no row of their own: the job's row is their record.
    if let Some(started_at) = job.started_at {
        attempts.insert(0, current_attempt(ctx, &job, started_at).await?);
    }
    let logs = logs::about_job(&ctx.db, id).await?;
    Ok(JobDetail { job, attempts, logs, verdict, as_of: ctx.now() })
}

async fn attempts(ctx: &Ctx, id: JobId) -> Result<Vec<Attempt>, sqlx::Error> {
    sqlx::query(
        "SELECT a.*, coalesce(w.name, a.worker_id::text) AS worker
         FROM job_attempts a LEFT JOIN workers w ON w.id = a.worker_id
         WHERE job_id = $1 ORDER BY a.started_at DESC LIMIT 100",
    )
    .bind(id)
    .try_map(|row: PgRow| {
        let outcome: String = row.try_get("outcome")?;
        Ok(Attempt {
            started_at: row.try_get("started_at")?,
            finished_at: row.try_get("finished_at")?,
            outcome: AttemptOutcome::from_name(&outcome),
            worker: row.try_get("worker")?,
            error: row.try_get("error")?,
            error_class: row::error_class(&row, "error_class")?,
        })
    })
    .fetch_all(&ctx.db)
    .await
}

async fn current_attempt(
    ctx: &Ctx,
    job: &Job,
    started_at: signalbox_model::Timestamp,
) -> Result<Attempt, sqlx::Error> {
    let worker: Option<String> = sqlx::query_scalar(
        "SELECT coalesce(w.name, j.worker_id::text)
         FROM jobs j LEFT JOIN workers w ON w.id = j.worker_id WHERE j.id = $1",
    )
    .bind(job.id)
    .fetch_optional(&ctx.db)
    .await?
    .flatten();
    Ok(Attempt {
        started_at,
        finished_at: job.finished_at,
        outcome: match job.state {
            JobState::Completed => Some(AttemptOutcome::Completed),
            JobState::Cancelled => Some(AttemptOutcome::Cancelled),
            _ => None,
        },
        worker: worker.unwrap_or_default(),
        error: None,
        error_class: None,
    })
}
