//! The system's own jobs (OP-16): its health check, the refresh of the materialized views, the
//! cleanup, and what maintains the database.

mod health_check;

use std::time::Duration;

use serde::Deserialize;
use signalbox_model::format::plural;
use signalbox_model::sweep::{Sweep, Swept};
use signalbox_model::system_log::LogLevel;

use crate::backups;
use crate::database::Maintain;
use crate::jobs::JobContext;
use crate::jobs::handler::{Job, JobError, KindSpec, RegistryBuilder, Timeout};
use crate::matviews::{self, Refresh};
use crate::schedules::ScheduleSpec;
use crate::sweeps;

/// The queue of all upkeep (ST-6).
const QUEUE: &str = "maintenance";

const CLEANUP: &str = "system.cleanup";

/// When the system's own jobs run.
pub fn schedules() -> Vec<ScheduleSpec> {
    vec![
        ScheduleSpec::new("health-check", health_check::KIND, "*/5 * * * *"),
        ScheduleSpec::new("materialized-views-refresh", matviews::KIND, "*/5 * * * *"),
        ScheduleSpec::new("cleanup", CLEANUP, "0 2 * * 7"),
        backups::schedule(),
    ]
}

pub(crate) fn register(builder: &mut RegistryBuilder) {
    builder
        .add::<health_check::HealthCheck>(())
        .add::<RefreshMatviews>(())
        .add::<Cleanup>(())
        .add::<Maintain>(());
}

pub(crate) const fn spec(name: &'static str, minutes: u64) -> KindSpec {
    KindSpec {
        name,
        queue: QUEUE,
        max_attempts: 3,
        timeout: Timeout::Fixed(Duration::from_secs(minutes * 60)),
        concurrency: None,
        calls: None,
    }
}

/// `materialized-views-refresh` (OP-10).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefreshMatviews {
    /// An operator asked for it: it does not mind the load.
    #[serde(default)]
    forced: bool,
}

impl Job for RefreshMatviews {
    type Resources = ();
    const SPEC: KindSpec = spec(matviews::KIND, 30);

    async fn run(self, cx: &JobContext, (): &()) -> Result<(), JobError> {
        if let Refresh::Done(views) = matviews::refresh(&cx.db, &cx.clock, self.forced).await? {
            let took_ms: i64 = views.iter().filter_map(|view| view.duration_ms).sum();
            tracing::debug!(views = views.len(), took_ms, "materialized views refreshed");
        }
        Ok(())
    }
}

/// `system.cleanup`: drops what is older than 90 days (OP-16).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cleanup {}

impl Job for Cleanup {
    type Resources = ();
    const SPEC: KindSpec = spec(CLEANUP, 30);

    async fn run(self, cx: &JobContext, (): &()) -> Result<(), JobError> {
        let swept = sweeps::run(&cx.db, &cx.clock, Sweep::Retention).await?;
        if let Swept::Retention { partitions_dropped, counters_deleted } = swept {
            let message = format!(
                "Pruned {} of finished jobs, attempts and logs, and {}, older than {} days",
                plural(partitions_dropped, "daily partition", "daily partitions"),
                plural(counters_deleted, "counter", "counters"),
                sweeps::KEEP_DAYS
            );
            cx.log("cleanup", LogLevel::Info, message).await?;
        }
        Ok(())
    }
}
