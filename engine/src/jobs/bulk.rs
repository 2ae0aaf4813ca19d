//! Acts on many jobs with one command, as a whole or not at all: preview, then act.

use serde_json::json;
use signalbox_model::actor::Permission;
use signalbox_model::format::plural;
use signalbox_model::job::JobId;
use signalbox_model::job_bulk::{JOBS_AT_ONCE, JobAction, JobsDone, JobsPreview, JobsRequest};
use signalbox_model::kill_switch::reason;
use signalbox_model::metrics::COUNT_CAP;
use signalbox_model::problem::FieldError;
use signalbox_model::system_log::LogLevel;
use sqlx::PgConnection;

use crate::audit::{self, Act};
use crate::jobs::filter::{bind_filter, filter_sql};
use crate::jobs::handler::Registry;
use crate::jobs::{hold, transitions};
use crate::logs::{self, NewLog};
use crate::{CommandError, Ctx, notify};

/// How many jobs `request` would touch. Its reason is not asked for yet.
///
/// # Errors
/// Without [`Permission::ReadConsole`]; for a request that makes no sense; when the database does
/// not answer.
pub async fn preview(
    ctx: &Ctx,
    registry: &Registry,
    request: &JobsRequest,
) -> Result<JobsPreview, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    CommandError::unless_fine(request.problems())?;
    let mut conn = ctx.db.acquire().await?;
    Ok(count(&mut conn, registry, request).await?)
}

/// Does it with the oldest jobs that match, at most [`JOBS_AT_ONCE`] of them. A job that runs is
/// asked to stop.
///
/// # Errors
/// Without [`Permission::RunJobs`]; without a reason, or for a request that makes no sense; when no
/// job matches; when the database does not answer. Nothing was changed then.
pub async fn act(
    ctx: &Ctx,
    registry: &Registry,
    request: &JobsRequest,
) -> Result<JobsDone, CommandError> {
    ctx.demand(Permission::RunJobs)?;
    let why = reason(&request.reason);
    let mut problems = request.problems();
    problems.extend(why.err().map(|detail| FieldError::new("reason", detail)));
    CommandError::unless_fine(problems)?;
    let why = request.reason.trim();
    let mut tx = ctx.db.begin().await?;
    let mut done = Vec::new();
    for id in matching(&mut tx, registry, request).await? {
        if carry_out(&mut tx, ctx, request.action, id, why).await? {
            done.push(id);
        }
    }
    if done.is_empty() {
        let past = request.action.past();
        return Err(CommandError::Conflict(format!("No job matches that could be {past}.")));
    }
    record(&mut tx, ctx, request.action, why, &done).await?;
    let channel =
        if request.action == JobAction::Release { notify::JOBS } else { notify::CONTROLS };
    notify::notify(&mut *tx, channel).await?;
    let left = count(&mut tx, registry, request).await?.count;
    tx.commit().await?;
    Ok(JobsDone { done: i64::try_from(done.len()).unwrap_or(i64::MAX), left })
}

/// Does it with one job; false for one that has moved on meanwhile.
async fn carry_out(
    tx: &mut PgConnection,
    ctx: &Ctx,
    action: JobAction,
    id: JobId,
    why: &str,
) -> Result<bool, sqlx::Error> {
    let now = ctx.now();
    match action {
        JobAction::Cancel => Ok(transitions::cancel_waiting(tx, id, now).await?
            || transitions::request_cancel(tx, id, now).await?),
        JobAction::Hold => hold::hold_in(tx, ctx, id, why).await.map(|held| held.is_some()),
        JobAction::Release => transitions::release_hold(tx, id, now).await,
    }
}

async fn record(
    tx: &mut PgConnection,
    ctx: &Ctx,
    action: JobAction,
    why: &str,
    done: &[JobId],
) -> Result<(), sqlx::Error> {
    let jobs = plural(i64::try_from(done.len()).unwrap_or(i64::MAX), "job", "jobs");
    let message = format!("{jobs} {} by {}: {why}", action.past(), ctx.actor.email);
    let facts = json!({ "reason": why, "requestedBy": ctx.actor.email, "jobs": done });
    let log = NewLog::new("job_bulk", LogLevel::Info, message).with(facts);
    logs::write(&mut *tx, ctx.now(), log).await?;
    let details = json!({ "jobs": done });
    let action = format!("job.{}_many", action.name());
    let act = Act { action: &action, subject: &jobs, reason: Some(why), details };
    audit::record(tx, ctx, act).await
}

/// The jobs that a filter finds and an action can be done with, as SQL over `$1` to `$12`.
macro_rules! touched {
    () => {
        concat!(
            filter_sql!(),
            " AND state IN ('available', 'scheduled', 'running')
              AND ($11::bigint IS NULL OR id <= $11)
              AND ($12 = 'cancel'
                   OR EXISTS (SELECT FROM job_holds h WHERE h.job_id = jobs.id) = ($12 = 'release'))"
        )
    };
}

async fn count(
    conn: &mut PgConnection,
    registry: &Registry,
    JobsRequest { action, filter, up_to, .. }: &JobsRequest,
) -> Result<JobsPreview, sqlx::Error> {
    let query = sqlx::query_as(concat!(
        "SELECT count(*), max(id) FROM (SELECT id FROM jobs WHERE ",
        touched!(),
        " ORDER BY id LIMIT $13) touched"
    ));
    let query = bind_filter!(query, filter, registry).bind(up_to).bind(action.name());
    let (count, up_to) = query.bind(COUNT_CAP).fetch_one(conn).await?;
    Ok(JobsPreview { count, up_to })
}

async fn matching(
    conn: &mut PgConnection,
    registry: &Registry,
    JobsRequest { action, filter, up_to, .. }: &JobsRequest,
) -> Result<Vec<JobId>, sqlx::Error> {
    let query = sqlx::query_scalar(concat!(
        "SELECT id FROM jobs WHERE ",
        touched!(),
        " ORDER BY id LIMIT $13"
    ));
    let query = bind_filter!(query, filter, registry).bind(up_to).bind(action.name());
    query.bind(JOBS_AT_ONCE).fetch_all(conn).await
}
