//! Jobs run longer than they may, or wait too long.

use chrono::Duration;
use signalbox_model::Timestamp;
use signalbox_model::breaker::BreakerState;
use signalbox_model::format;
use signalbox_model::queue::QueueState;
use signalbox_model::runbook::{Finding, Incident, Lever, Remedy};
use sqlx::Row;

use super::{Steps, clock_time, span};
use crate::breaker::store;
use crate::jobs::handler::Registry;
use crate::settings::Settings;
use crate::{CommandError, Ctx, fleet, kill_switch, overview, queues};

/// A job that waits longer than this is stuck, whatever holds it: that is for the diagnosis.
const WAIT_MINUTES: i64 = 15;
/// As many jobs are shown.
const SHOWN: i64 = 10;

/// A job that runs past its timeout: its number, its kind, and since when it runs.
type Overdue = (i64, String, Timestamp);

pub(super) async fn detection(
    ctx: &Ctx,
    registry: &Registry,
) -> Result<Vec<Finding>, CommandError> {
    let overdue = overdue(ctx, registry).await?;
    Ok(vec![running(&overdue), longest_wait(ctx).await?])
}

pub(super) async fn look(ctx: &Ctx, registry: &Registry) -> Result<Steps, CommandError> {
    let mut steps = Steps::default();
    let overdue = overdue(ctx, registry).await?;
    steps.check(running(&overdue));
    for (id, kind, since) in overdue {
        let what = format!("Job {id}, {kind}");
        let detail = format!("runs since {}", clock_time(since));
        steps.diagnosis.push(Finding::new(what, false, detail).at(format!("/admin/jobs/{id}")));
        steps.remedies.push(Remedy::new(
            Lever::CancelJob,
            id.to_string(),
            format!("Cancel job {id}"),
            "It is asked to stop and ends as cancelled. Retry it from its page.",
        ));
    }
    steps.check(longest_wait(ctx).await?);
    holds(ctx, registry, &mut steps).await?;
    Ok(steps)
}

fn running(overdue: &[Overdue]) -> Finding {
    let detail = match overdue.len() {
        0 => "none runs past its timeout".to_owned(),
        n => format!("{n} run past their timeout"),
    };
    let running = Finding::new("Running jobs", overdue.is_empty(), detail);
    running.at("/admin/jobs?state=running#list")
}

/// Jobs that run past their kind's timeout, the oldest first.
async fn overdue(ctx: &Ctx, registry: &Registry) -> Result<Vec<Overdue>, CommandError> {
    let settings = Settings::read(&ctx.db, ctx.now()).await?;
    let (kinds, seconds): (Vec<_>, Vec<_>) = registry
        .specs()
        .map(|spec| (spec.name, spec.timeout.limit(&settings).as_secs_f64()))
        .unzip();
    let rows = sqlx::query(
        "SELECT id, r.kind, started_at FROM jobs_running r
         JOIN unnest($1::text[], $2::float8[]) AS k (kind, seconds) ON k.kind = r.kind
         WHERE started_at < $3 - make_interval(secs => k.seconds) ORDER BY started_at LIMIT $4",
    )
    .bind(kinds)
    .bind(seconds)
    .bind(ctx.now())
    .bind(SHOWN)
    .fetch_all(&ctx.db)
    .await?;
    let row = |row: sqlx::postgres::PgRow| {
        Ok((row.try_get("id")?, row.try_get("kind")?, row.try_get("started_at")?))
    };
    Ok(rows.into_iter().map(row).collect::<Result<_, sqlx::Error>>()?)
}

async fn longest_wait(ctx: &Ctx) -> Result<Finding, CommandError> {
    let lanes = overview::queue_depths(&ctx.db, None).await?;
    let oldest = lanes
        .iter()
        .filter_map(|lane| lane.oldest_waiting_since.map(|at| (at, lane)))
        .min_by_key(|(at, _)| *at);
    Ok(match oldest {
        None => Finding::new("Waiting jobs", true, "none waits"),
        Some((since, lane)) => {
            let waited = ctx.now() - since;
            let detail = format!("the oldest waits for {}, in queue {}", span(waited), lane.queue);
            Finding::new("Waiting jobs", waited < Duration::minutes(WAIT_MINUTES), detail)
                .at(format!("/admin/queues/{}", lane.queue))
        }
    })
}

/// What holds the jobs that wait, and how to let go of it.
async fn holds(ctx: &Ctx, registry: &Registry, steps: &mut Steps) -> Result<(), CommandError> {
    const EFFECT: &str = "What it holds starts again, as the limits allow.";
    let mut held = |finding: Finding, (lever, target, label): (Lever, &str, &str)| {
        steps.diagnosis.push(finding);
        steps.remedies.push(Remedy::new(lever, target, label, EFFECT));
    };
    let switch = kill_switch::read(ctx).await?;
    if switch.active {
        let detail = format!("on: {}", switch.reason.unwrap_or_default());
        let finding = Finding::new("Kill switch", false, detail).at("/admin/kill-switch");
        held(finding, (Lever::ReleaseEverything, "", "Release the kill switch"));
    }
    let fleet = fleet::read(ctx).await?;
    if let Some(stop) = &fleet.stop {
        let detail = format!("stopped: {}", stop.reason);
        let finding = Finding::new("Workers", false, detail).at("/admin/workers");
        held(finding, (Lever::StartWorkers, "", "Start all workers"));
    }
    for queue in queues::list(ctx, registry).await? {
        if queue.state != QueueState::Running && queue.waiting > 0 {
            let name = &queue.name;
            let detail = format!("{}: {}", queue.state.name(), queue.reason.unwrap_or_default());
            let finding = Finding::new(format!("Queue {name}"), false, detail);
            let finding = finding.at(format!("/admin/queues/{name}"));
            held(finding, (Lever::ResumeQueue, name, &format!("Resume queue {name}")));
        }
    }
    for breaker in store::list(ctx).await? {
        if breaker.state == BreakerState::Open {
            let finding = Finding::new(format!("Breaker of {}", breaker.provider), false, "open");
            let runbook = format!("/admin/runbooks/{}", Incident::BreakerOpen.name());
            steps.diagnosis.push(finding.at(runbook));
        }
    }
    let at_work = i64::try_from(fleet.at_work()).unwrap_or(i64::MAX);
    let workers = Finding::new("Workers at work", at_work > 0, format::count(at_work));
    let workers = workers.at("/admin/workers");
    steps.diagnosis.push(workers.clone());
    steps.verification.push(workers);
    Ok(())
}
