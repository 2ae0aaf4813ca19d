//! Runbooks that run (RB): what an incident's four steps come to now, the levers, and the record.

mod backfill_gap;
mod breaker_open;
mod database;
mod dlq_growth;
mod failure_rate;
mod levers;
mod record;
mod slow_pages;
mod stuck_jobs;

use chrono::Duration;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::format;
use signalbox_model::runbook::{Finding, Incident, Remedy, Runbook};

use crate::jobs::handler::Registry;
use crate::{CommandError, Ctx, alerts};

pub use levers::pull;
pub use record::{end, note, run, start};

/// The steps of an incident, as they stand now.
#[derive(Debug, Default)]
struct Steps {
    detection: Vec<Finding>,
    diagnosis: Vec<Finding>,
    remedies: Vec<Remedy>,
    verification: Vec<Finding>,
}

impl Steps {
    /// What shows the incident shows by its being in order again that it is over.
    fn check(&mut self, finding: Finding) {
        self.detection.push(finding.clone());
        self.verification.push(finding);
    }
}

/// The runbook of `incident` as it stands now.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn read(
    ctx: &Ctx,
    registry: &Registry,
    incident: Incident,
) -> Result<Runbook, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let Steps { detection, diagnosis, remedies, verification } =
        look(ctx, registry, incident).await?;
    let alerts = alerts::of_incident(ctx, incident).await?;
    let (run, past) = record::of(ctx, incident).await?;
    let as_of = ctx.now();
    Ok(Runbook { incident, alerts, detection, diagnosis, remedies, verification, run, past, as_of })
}

/// Every runbook.
///
/// # Errors
/// As [`read`].
pub async fn list(ctx: &Ctx, registry: &Registry) -> Result<Vec<Runbook>, CommandError> {
    let mut runbooks = Vec::new();
    for incident in Incident::ALL {
        runbooks.push(read(ctx, registry, incident).await?);
    }
    Ok(runbooks)
}

/// A span of time as a finding tells it: `4 min 10 s`.
pub(crate) fn span(time: Duration) -> String {
    format::duration_ms(time.num_milliseconds())
}

/// A moment as a finding tells it: `15:04 UTC on 7 May`.
pub(crate) fn clock_time(at: Timestamp) -> String {
    at.format("%H:%M UTC on %-d %B").to_string()
}

/// What shows whether `incident` is happening. For the watch, which asks every few seconds: no
/// more is read than that takes.
pub(crate) async fn detection(
    ctx: &Ctx,
    registry: &Registry,
    incident: Incident,
) -> Result<Vec<Finding>, CommandError> {
    match incident {
        Incident::BreakerOpen => breaker_open::detection(ctx).await,
        Incident::StuckJobs => stuck_jobs::detection(ctx, registry).await,
        Incident::SlowPages => slow_pages::detection(ctx).await,
        Incident::Database => database::detection(ctx).await,
        // Rules of their own watch these.
        Incident::DlqGrowth | Incident::FailureRate | Incident::BackfillGap => {
            Ok(look(ctx, registry, incident).await?.detection)
        }
    }
}

async fn look(ctx: &Ctx, registry: &Registry, incident: Incident) -> Result<Steps, CommandError> {
    match incident {
        Incident::BreakerOpen => breaker_open::look(ctx).await,
        Incident::DlqGrowth => dlq_growth::look(ctx).await,
        Incident::StuckJobs => stuck_jobs::look(ctx, registry).await,
        Incident::FailureRate => failure_rate::look(ctx).await,
        Incident::SlowPages => slow_pages::look(ctx).await,
        Incident::BackfillGap => backfill_gap::look(ctx).await,
        Incident::Database => database::look(ctx).await,
    }
}
