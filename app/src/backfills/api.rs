//! Server functions of the backfills.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::backfill::Backfills;

use crate::error::AppError;
use crate::notice::Notice;

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BackfillsFacts {
    /// The backfills, and the rate they keep to.
    pub shown: Backfills,
    /// When this was read.
    pub as_of: Timestamp,
}

/// The backfills that wait, run, or have ended lately (OP-11).
#[server(prefix = "/api/fn", endpoint = "list_backfills", output = crate::codec::Json)]
pub(crate) async fn list_backfills() -> Result<BackfillsFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_pipelines::domains::commands;

    let ctx = ctx()?;
    Ok(BackfillsFacts { shown: answer(commands::backfills(&ctx).await)?, as_of: ctx.now() })
}

/// Starts a backfill over the last `days` days (OP-11).
#[server(prefix = "/api/fn", endpoint = "trigger_backfill", output = crate::codec::Json)]
pub(crate) async fn trigger_backfill(days: i64, limit: i64) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state};
    use signalbox_pipelines::domains::commands;

    let (ctx, state) = (ctx()?, state()?);
    let result = commands::trigger_backfill(&ctx, &state.registry, days, limit).await;
    let result = result.map(|job| {
        Notice::done(format!("The backfill of {days} days is on its way as job {}.", job.id))
            .link(format!("/admin/jobs/{}", job.id), "See the job")
    });
    let input = [("days", days.to_string()), ("limit", limit.to_string())];
    let input = input.each_ref().map(|(name, value)| (*name, value.as_str()));
    finish(result, "/admin/jobs/backfill", &input).await
}
