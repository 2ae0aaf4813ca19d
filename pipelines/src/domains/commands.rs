//! What an operator does with the pipeline (OP-11).

use serde_json::json;
use signalbox_engine::jobs::{Registry, enqueue};
use signalbox_engine::{CommandError, Ctx};
use signalbox_model::actor::Permission;
use signalbox_model::job::{Enqueued, NewJob};
use signalbox_model::problem::FieldError;

use crate::domains::{jobs, store};

/// The most posts of one discovery.
pub const LIMIT_BOUND: i64 = 1000;
/// The longest backfill, in days.
pub const DAYS_BOUND: i64 = 90;

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

/// Searches up to `limit` posts for each of the last `days` days.
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
    let job = NewJob::new("domains.backfill", json!({ "days": days, "limit": limit }));
    enqueue::enqueue(ctx, registry, job).await
}

fn within(field: &str, value: i64, bound: i64) -> Result<(), CommandError> {
    if (1..=bound).contains(&value) {
        Ok(())
    } else {
        let error = FieldError::new(field, format!("must be a whole number from 1 to {bound}"));
        Err(CommandError::Invalid(vec![error]))
    }
}
