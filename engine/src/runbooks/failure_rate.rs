//! More runs of a kind fail than should.

use chrono::Duration;
use signalbox_model::format;
use signalbox_model::metrics::KindMetrics;
use signalbox_model::runbook::{Finding, Lever, Remedy};
use sqlx::Row;

use super::Steps;
use crate::{CommandError, Ctx, jobs};

/// Below this share of successes a kind is an incident (OP-13).
const PERCENT: f64 = 70.0;
/// Fewer runs say nothing.
const RUNS: i64 = 5;

pub(super) async fn look(ctx: &Ctx) -> Result<Steps, CommandError> {
    let mut steps = Steps::default();
    let day = jobs::per_kind(&ctx.db, ctx.now() - Duration::hours(24), None).await?;
    steps.detection.extend(day.iter().filter(|kind| counts(kind)).map(|kind| rate(kind, "24 h")));
    if steps.detection.is_empty() {
        let detail = format!("no kind has run {RUNS} times");
        steps.detection.push(Finding::new("Runs in 24 h", true, detail));
    }
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
        steps.remedies.push(Remedy {
            lever: Lever::PauseQueue,
            target: queue.clone(),
            label: format!("Pause queue {queue}"),
            effect:
                "Its jobs wait, with their attempts unspent, until it is resumed. What runs ends."
                    .to_owned(),
        });
    }
    let hour = jobs::per_kind(&ctx.db, ctx.now() - Duration::hours(1), None).await?;
    steps
        .verification
        .extend(hour.iter().filter(|kind| counts(kind)).map(|kind| rate(kind, "1 h")));
    if steps.verification.is_empty() {
        let detail = format!("no kind has run {RUNS} times");
        steps.verification.push(Finding::new("Runs in 1 h", true, detail));
    }
    Ok(steps)
}

fn counts(kind: &KindMetrics) -> bool {
    kind.completed + kind.failed >= RUNS
}

fn rate(kind: &KindMetrics, window: &str) -> Finding {
    let percent = 100.0 * kind.success_rate.unwrap_or(1.0);
    let detail = format!(
        "{percent:.0} % of {} ended well in {window}",
        format::count(kind.completed + kind.failed)
    );
    Finding::new(&kind.job_type, percent >= PERCENT, detail)
        .at(format!("/admin/jobs?kind={}#list", kind.job_type))
}

/// The queues in which kinds that fail too often wait or run.
async fn queues_of(ctx: &Ctx, kinds: &[KindMetrics]) -> Result<Vec<String>, CommandError> {
    let failing: Vec<_> = kinds
        .iter()
        .filter(|kind| counts(kind) && kind.success_rate.is_some_and(|rate| 100.0 * rate < PERCENT))
        .map(|kind| &kind.job_type)
        .collect();
    let lanes = crate::overview::queue_depths(&ctx.db, None).await?;
    let mut queues: Vec<_> = lanes
        .into_iter()
        .filter(|lane| failing.contains(&&lane.kind))
        .map(|lane| lane.queue)
        .collect();
    queues.dedup();
    Ok(queues)
}
