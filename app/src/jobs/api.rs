//! Server functions of jobs.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::breaker::Breaker;
use signalbox_model::job::{Job, JobDetail, JobFilter, JobId};
use signalbox_model::job_bulk::{JobAction, JobsPreview};
use signalbox_model::metrics::{DeadLetterCounts, KindMetrics, QueueDepth};
use signalbox_model::page::Page;
use signalbox_model::saved_view::SavedView;
use signalbox_model::system_log::SystemLog;
use signalbox_model::trend::Span;

use crate::error::AppError;
use crate::notice::Notice;

/// How the whole is, above the list: of the overview what this page shows, and no more. What it need
/// not read, the browser need not fetch code for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Health {
    /// What ran in the last 24 hours, by kind.
    pub metrics: Vec<KindMetrics>,
    /// What waits and runs.
    pub queues: Vec<QueueDepth>,
    /// How many dead letters there are.
    pub dead_letter_counts: DeadLetterCounts,
    /// The newest entries of the log.
    pub recent_logs: Vec<SystemLog>,
    /// The circuit breakers.
    pub circuit_breakers: Vec<Breaker>,
    /// Whether the kill switch is on.
    pub killed: bool,
}

/// What `/admin/jobs` shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobsFacts {
    /// Metrics of the last 24 hours, queues, breakers, log.
    pub health: Health,
    /// The jobs asked for.
    pub jobs: Page<Job>,
    /// How many have come since the newest of them.
    pub newer: i64,
    /// The reader's own views of them.
    pub views: Vec<SavedView>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// Metrics and one page of jobs (OP-8). The filter is that of `GET /api/jobs`, as in
/// `filter[state]=dead`; with `last` only jobs of that span, with `newest` none that is newer.
#[server(prefix = "/api/fn", endpoint = "list_jobs", output = crate::codec::Json)]
pub(crate) async fn list_jobs(
    #[server(default)] filter: JobFilter,
    #[server(default)] last: Option<Span>,
    #[server(default)] newest: Option<JobId>,
) -> Result<JobsFacts, AppError> {
    use crate::request::{answer, ctx, state};
    use signalbox_engine::jobs::list;
    use signalbox_engine::{overview, saved_views};
    use signalbox_model::saved_view::ViewedList;

    let (ctx, registry) = (ctx()?, state()?.registry);
    let filter = within(filter, last, ctx.now());
    let newer = match newest {
        Some(newest) => answer(list::newer(&ctx, &registry, &filter, newest).await)?,
        None => 0,
    };
    let cursor = filter.cursor.or(newest.map(|newest| newest.saturating_add(1)));
    let filter = JobFilter { cursor, ..filter };
    let whole = answer(overview::overview(&ctx, 24, None).await)?;
    let health = Health {
        metrics: whole.metrics,
        queues: whole.queues,
        dead_letter_counts: whole.dead_letter_counts,
        recent_logs: whole.recent_logs,
        circuit_breakers: whole.circuit_breakers,
        killed: whole.kill_switch.active,
    };
    Ok(JobsFacts {
        health,
        jobs: answer(list::list(&ctx, &registry, &filter).await)?,
        newer,
        views: answer(saved_views::list(&ctx, ViewedList::Jobs).await)?,
        as_of: ctx.now(),
    })
}

/// What the preview of a command on many jobs shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ManyFacts {
    /// What would be touched.
    pub preview: JobsPreview,
    /// When this was read.
    pub as_of: Timestamp,
}

/// How many jobs a command would touch. `filter` is a `JobFilter` as JSON, so that a form carries
/// it in one field.
#[server(prefix = "/api/fn", endpoint = "preview_jobs", output = crate::codec::Json)]
pub(crate) async fn preview_jobs(
    action: JobAction,
    filter: String,
    #[server(default)] last: Option<Span>,
) -> Result<ManyFacts, AppError> {
    use crate::request::{answer, ctx, state};
    use signalbox_engine::jobs::bulk;

    let ctx = ctx()?;
    let request = answer(request(&ctx, action, &filter, last))?;
    let preview = answer(bulk::preview(&ctx, &state()?.registry, &request).await)?;
    Ok(ManyFacts { preview, as_of: ctx.now() })
}

/// Acts on many jobs, as their preview said: `confirm` is the number that it showed.
#[server(prefix = "/api/fn", endpoint = "act_on_jobs", output = crate::codec::Json)]
pub(crate) async fn act_on_jobs(
    action: JobAction,
    filter: String,
    #[server(default)] last: Option<Span>,
    up_to: JobId,
    jobs: i64,
    confirm: Option<String>,
    reason: String,
) -> Result<Notice, AppError> {
    use crate::request::{confirmed, ctx, finish, state};
    use signalbox_engine::jobs::bulk;
    use signalbox_model::format::{count, plural};
    use signalbox_model::job_bulk::JobsRequest;

    let ctx = ctx()?;
    let asked =
        confirmed(confirm.as_deref(), jobs).and_then(|()| request(&ctx, action, &filter, last));
    let result = match asked {
        Ok(request) => {
            let request = JobsRequest { up_to: Some(up_to), reason: reason.clone(), ..request };
            bulk::act(&ctx, &state()?.registry, &request).await
        }
        Err(error) => Err(error),
    };
    let result = result.map(|outcome| {
        let done = plural(outcome.done, "job", "jobs");
        let left = match outcome.left {
            0 => String::new(),
            left => format!(" {} more match: do it again.", count(left)),
        };
        Notice::done(format!("{done} {}.{left}", action.past())).link("/admin/jobs", "See the jobs")
    });
    finish(result, "/admin/jobs/bulk", &[("reason", &reason)]).await
}

/// `filter`, for jobs of the last span only.
#[cfg(feature = "ssr")]
fn within(filter: JobFilter, last: Option<Span>, now: Timestamp) -> JobFilter {
    let since = last.map(|span| now - span.length());
    JobFilter { since: filter.since.max(since), ..filter }
}

/// The request that a form carries.
#[cfg(feature = "ssr")]
fn request(
    ctx: &signalbox_engine::Ctx,
    action: JobAction,
    filter: &str,
    last: Option<Span>,
) -> Result<signalbox_model::job_bulk::JobsRequest, signalbox_engine::CommandError> {
    use signalbox_engine::CommandError;
    use signalbox_model::job_bulk::JobsRequest;

    let unreadable = |error: serde_json::Error| CommandError::invalid("filter", error.to_string());
    let filter: JobFilter = serde_json::from_str(filter).map_err(unreadable)?;
    let filter = within(filter, last, ctx.now());
    Ok(JobsRequest { action, filter, reason: String::new(), up_to: None })
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
    use crate::request::{ctx, finish, state};
    use signalbox_pipelines::domains::commands;

    let (ctx, state) = (ctx()?, state()?);
    let result = commands::trigger_discovery(&ctx, &state.registry, limit).await;
    let result = result.map(|job| {
        Notice::done(format!("Discovery is on its way as job {}.", job.id))
            .link(format!("/admin/jobs/{}", job.id), "See the job")
    });
    finish(result, "/admin/jobs", &[("limit", &limit.to_string())]).await
}
