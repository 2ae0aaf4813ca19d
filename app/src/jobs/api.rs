//! Server functions of jobs.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::job::{Job, JobDetail, JobFilter, JobId};
use signalbox_model::metrics::Overview;
use signalbox_model::page::Page;

use crate::error::AppError;
use crate::notice::Notice;

/// What `/admin/jobs` shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobsFacts {
    /// Metrics of the last 24 hours, queues, breakers, log.
    pub overview: Overview,
    /// The jobs asked for.
    pub jobs: Page<Job>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// Metrics and one page of jobs (OP-8). The filter is that of `GET /api/jobs`, as in `filter[state]=dead`.
#[server(prefix = "/api/fn", endpoint = "list_jobs", output = crate::codec::Json)]
pub(crate) async fn list_jobs(#[server(default)] filter: JobFilter) -> Result<JobsFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::jobs::list;
    use signalbox_engine::overview;

    let ctx = ctx()?;
    Ok(JobsFacts {
        overview: answer(overview::overview(&ctx, 24, None).await)?,
        jobs: answer(list::list(&ctx, &filter).await)?,
        as_of: ctx.now(),
    })
}

/// One job with its attempts, its log, and why it is not running.
#[server(prefix = "/api/fn", endpoint = "job_detail", output = crate::codec::Json)]
pub(crate) async fn read_job(id: JobId) -> Result<JobDetail, AppError> {
    use crate::request::{answer, ctx, state};
    use signalbox_engine::jobs::list;

    answer(list::detail(&ctx()?, &state()?.registry, id).await)
}

/// Cancels a job.
#[server(prefix = "/api/fn", endpoint = "cancel_job", output = crate::codec::Json)]
pub(crate) async fn cancel_job(id: JobId) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::jobs::commands;

    let result = commands::cancel(&ctx()?, id).await;
    let page = format!("/admin/jobs/{id}");
    let result = result.map(|()| {
        Notice::done(format!("Job {id} is cancelled.")).link(page.clone(), "See the job")
    });
    finish(result, &page, &[]).await
}

/// Retries a job that lies in the dead letter queue.
#[server(prefix = "/api/fn", endpoint = "retry_job", output = crate::codec::Json)]
pub(crate) async fn retry_job(id: JobId) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::jobs::commands;

    let result = commands::retry(&ctx()?, id).await;
    let page = format!("/admin/jobs/{id}");
    let result = result.map(|()| {
        Notice::done(format!("Job {id} is scheduled again.")).link(page.clone(), "See the job")
    });
    finish(result, &page, &[]).await
}

/// Puts a waiting job before all others, even from a paused queue.
#[server(prefix = "/api/fn", endpoint = "run_job_next", output = crate::codec::Json)]
pub(crate) async fn run_job_next(id: JobId) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::jobs::commands;

    let result = commands::run_next(&ctx()?, id).await;
    let result = result.map(|()| Notice::done(format!("Job {id} is before all others now.")));
    finish(result, &format!("/admin/jobs/{id}"), &[]).await
}

/// Holds a job until it is released.
#[server(prefix = "/api/fn", endpoint = "hold_job", output = crate::codec::Json)]
pub(crate) async fn hold_job(id: JobId, reason: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::jobs::hold;

    let result = hold::hold(&ctx()?, id, &reason).await;
    let page = format!("/admin/jobs/{id}");
    let result = result.map(|()| {
        Notice::done(format!("Job {id} is held until it is released."))
            .link(page.clone(), "See the job")
    });
    finish(result, &page, &[("reason", &reason)]).await
}

/// Lets a held job go on.
#[server(prefix = "/api/fn", endpoint = "release_job", output = crate::codec::Json)]
pub(crate) async fn release_job(id: JobId) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::jobs::hold;

    let result = hold::release(&ctx()?, id).await;
    let page = format!("/admin/jobs/{id}");
    let result = result
        .map(|()| Notice::done(format!("Job {id} is released.")).link(page.clone(), "See the job"));
    finish(result, &page, &[]).await
}

/// Starts a discovery for at most `limit` posts (OP-11).
#[server(prefix = "/api/fn", endpoint = "trigger_discovery", output = crate::codec::Json)]
pub(crate) async fn trigger_discovery(limit: i64) -> Result<Notice, AppError> {
    use crate::request::{finish, state};
    use signalbox_pipelines::domains::commands;

    let state = state()?;
    let ctx = state.ctx()?;
    let result = commands::trigger_discovery(&ctx, &state.registry, limit).await;
    let result = result.map(|job| {
        Notice::done(format!("Discovery is on its way as job {}.", job.id))
            .link(format!("/admin/jobs/{}", job.id), "See the job")
    });
    finish(result, "/admin/jobs", &[("limit", &limit.to_string())]).await
}
