//! What an operator does with the pipeline (OP-11).

use serde_json::json;
use signalbox_engine::jobs::{Registry, enqueue, list};
use signalbox_engine::settings::Settings;
use signalbox_engine::{CommandError, Ctx};
use signalbox_model::actor::Permission;
use signalbox_model::backfill::{Backfills, DAYS_BOUND, LIMIT_BOUND};
use signalbox_model::job::{Enqueued, NewJob};

use crate::domains::provider::SEARCH;
use crate::domains::{QUEUE, backfill, jobs, store};

/// Searches up to `limit` posts now.
///
/// # Errors
/// Without [`Permission::RunJobs`]; when `limit` is not 1 to [`LIMIT_BOUND`]; when the database
/// does not answer.
pub async fn trigger_discovery(
    ctx: &Ctx,
    registry: &Registry,
    limit: i64,
) -> Result<Enqueued, CommandError> {
    within("limit", limit, LIMIT_BOUND)?;
    let job = NewJob::new("domains.discovery", json!({ "limit": limit }));
    enqueue::enqueue(ctx, registry, job).await
}

/// Reads a post's comments again.
///
/// # Errors
/// Without [`Permission::RunJobs`]; when there is no such post; when the database does not answer.
pub async fn trigger_harvesting(
    ctx: &Ctx,
    registry: &Registry,
    post_id: i64,
) -> Result<Enqueued, CommandError> {
    ctx.demand(Permission::RunJobs)?;
    if store::post_url(&ctx.db, post_id).await?.is_none() {
        return Err(CommandError::not_found("post", post_id));
    }
    enqueue::enqueue(ctx, registry, jobs::harvesting(post_id)).await
}

/// Searches up to `limit` posts for each of the last `days` days, today included.
///
/// # Errors
/// Without [`Permission::RunJobs`]; when `days` is not 1 to [`DAYS_BOUND`] or `limit` not 1 to
/// [`LIMIT_BOUND`]; when the database does not answer.
pub async fn trigger_backfill(
    ctx: &Ctx,
    registry: &Registry,
    days: i64,
    limit: i64,
) -> Result<Enqueued, CommandError> {
    within("days", days, DAYS_BOUND)?;
    within("limit", limit, LIMIT_BOUND)?;
    let job = NewJob::new(backfill::KIND, json!({ "days": days, "limit": limit }));
    enqueue::enqueue(ctx, registry, job).await
}

/// The backfills that wait, run, or have ended lately, and the rate that they keep to.
///
/// # Errors
/// Without [`Permission::ReadConsole`]; when the database does not answer.
pub async fn backfills(ctx: &Ctx) -> Result<Backfills, CommandError> {
    let backfills = list::recent_of_kind(ctx, backfill::KIND, QUEUE).await?;
    let searches_per_minute = Settings::read(&ctx.db, ctx.now()).await?.get(SEARCH.rate);
    Ok(Backfills { backfills, searches_per_minute })
}

fn within(field: &str, value: i64, bound: i64) -> Result<(), CommandError> {
    signalbox_model::backfill::within(field, value, bound)
        .map_err(|error| CommandError::Invalid(vec![error]))
}
