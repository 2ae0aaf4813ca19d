//! Server functions of the schedules.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::schedule::Schedule;

use crate::error::AppError;

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SchedulesFacts {
    /// Every schedule.
    pub schedules: Vec<Schedule>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// Every schedule.
#[server(prefix = "/api/fn", endpoint = "list_schedules", output = crate::codec::Json)]
pub(crate) async fn list_schedules() -> Result<SchedulesFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::schedules;

    let ctx = ctx()?;
    Ok(SchedulesFacts { schedules: answer(schedules::list(&ctx).await)?, as_of: ctx.now() })
}
