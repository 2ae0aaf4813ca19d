//! More runs of a kind fail than should.

use chrono::Duration;
use signalbox_model::format;
use signalbox_model::metrics::{KindMetrics, SUCCESS_ALARM_RUNS};
use signalbox_model::runbook::{Finding, Lever, Remedy};
use sqlx::Row;

use super::Steps;
use crate::{CommandError, Ctx, jobs, overview};

pub(super) async fn look(ctx: &Ctx) -> Result<Steps, CommandError> {
    let mut steps = Steps::default();
    let day = jobs::per_kind(&ctx.db, ctx.now() - Duration::hours(24), None).await?;
    steps.detection = rates(&day, "24 h");
    let errors = sqlx::query(
        "SELECT error_class, count(*) AS n FROM dead_letter_queue WHERE last_failed_at > $1
         GROUP BY error_class ORDER BY n DESC, error_class",
    )
    .bind(ctx.now() - Duration::hours(24))
    .fetch_all(&ctx.db)
    .await?;
    for row in errors {
        let (class, n): (String, i64) = (row.try_get("error_class")?, row.try_get("n")?);
        let link = format!("/admin/dead-letter-queue?errorClass={class}");
        let detail = format!("{} buried in 24 h", format::plural(n, "job", "jobs"));
        steps
            .diagnosis
            .push(Finding::new(format!("Errors of class {class}"), false, detail).at(link));
    }
    if steps.diagnosis.is_empty() {
        steps.diagnosis.push(Finding::new("Buried jobs", true, "none in 24 h"));
    }
    for queue in queues_of(ctx, &day).await? {
        steps.remedies.push(Remedy::new(
            Lever::PauseQueue,
            &queue,
            format!("Pause queue {queue}"),
            "Its jobs wait, with their attempts unspent, until it is resumed. What runs ends.",
        ));
    }
    let hour = jobs::per_kind(&ctx.db, ctx.now() - Duration::hours(1), None).await?;
    steps.verification = rates(&hour, "1 h");
    Ok(steps)
}

/// How often each kind ended well, where that says anything.
fn rates(kinds: &[KindMetrics], window: &str) -> Vec<Finding> {
    let rate = |kind: &KindMetrics| {
        let percent = kind.success_percent()?;
        let ended = format::count(kind.completed + kind.failed);
        let detail = format!("{percent} % of {ended} ended well in {window}");
        let link = format!("/admin/jobs?kind={}#list", kind.job_type);
        Some(Finding::new(&kind.job_type, !kind.is_alarming(), detail).at(link))
    };
    let rates: Vec<_> = kinds.iter().filter_map(rate).collect();
    if rates.is_empty() {
        let detail = format!("no kind has run {SUCCESS_ALARM_RUNS} times");
        return vec![Finding::new(format!("Runs in {window}"), true, detail)];
    }
    rates
}

/// The queues in which kinds that fail too often wait or run.
async fn queues_of(ctx: &Ctx, kinds: &[KindMetrics]) -> Result<Vec<String>, CommandError> {
    let failing: Vec<_> =
        kinds.iter().filter(|kind| kind.is_alarming()).map(|kind| &kind.job_type).collect();
    let lanes = overview::queue_depths(&ctx.db, None).await?;
    let mut queues: Vec<_> = lanes
        .into_iter()
        .filter(|lane| failing.contains(&&lane.kind))
        .map(|lane| lane.queue)
        .collect();
    queues.dedup();
    Ok(queues)
}
