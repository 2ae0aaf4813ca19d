//! Server functions of the workers and the scheduler.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::fleet::Fleet;

use crate::error::AppError;
use crate::notice::Notice;

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FleetFacts {
    /// Everybody.
    pub fleet: Fleet,
    /// When this was read.
    pub as_of: Timestamp,
}

/// The workers, the scheduler, and what is stopped.
#[server(prefix = "/api/fn", endpoint = "fleet", output = crate::codec::Json)]
pub(crate) async fn read_fleet() -> Result<FleetFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::fleet;

    let ctx = ctx()?;
    Ok(FleetFacts { fleet: answer(fleet::read(&ctx).await)?, as_of: ctx.now() })
}

/// Stops or starts a part of the fleet.
#[server(prefix = "/api/fn", endpoint = "turn_fleet", output = crate::codec::Json)]
pub(crate) async fn turn_fleet(
    part: String,
    stop: bool,
    reason: String,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::fleet;
    use signalbox_model::fleet::Part;

    let part = Part::from_name(&part);
    let result = if stop {
        fleet::stop(&ctx()?, &part, &reason).await
    } else {
        fleet::start(&ctx()?, &part, &reason).await
    };
    let done = match (&part, stop) {
        (Part::Workers, true) => "All workers are stopped: no job starts.",
        (Part::Workers, false) => "The workers take jobs again.",
        (Part::Worker(_), true) => "The worker is stopped: it takes no more jobs.",
        (Part::Worker(_), false) => "The worker takes jobs again.",
        (Part::Scheduler, true) => "The scheduler is stopped: no schedule ticks.",
        (Part::Scheduler, false) => "The scheduler goes on: the schedules tick again.",
    };
    let page = format!("/admin/workers?part={}", part.name());
    finish(result.map(|()| Notice::done(done)), &page, &[("reason", &reason)]).await
}
