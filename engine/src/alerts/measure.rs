//! What the rules look at: how each thing stands now.

use std::collections::BTreeMap;

use chrono::Duration;
use signalbox_model::alert::{Measure, Rule, RuleSpec};
use signalbox_model::format;
use signalbox_model::metrics::{KindMetrics, QueueDepth, percent_up};
use tokio::sync::OnceCell;

use super::gaps::{Gap, gaps_by, rule_of};
use crate::jobs::handler::Registry;
use crate::{
    CommandError, Ctx, dead_letters, fleet, jobs, kill_switch, overview, runbooks, throttle,
};

/// Calls to a provider are judged over the last minutes.
pub(super) const CALL_MINUTES: i64 = 5;
/// A rate of fewer calls than these says nothing.
pub(super) const CALLS: i64 = 20;

/// Something that has crossed its rule's threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// What it is about.
    pub subject: String,
    /// How it stands.
    pub detail: String,
}

impl Reading {
    fn new(subject: impl Into<String>, detail: impl Into<String>) -> Reading {
        Reading { subject: subject.into(), detail: detail.into() }
    }
}

/// One look at everything: what several rules measure is read once.
pub(super) struct Look<'a> {
    ctx: &'a Ctx,
    registry: &'a Registry,
    rules: &'a [Rule],
    gaps: OnceCell<Vec<Gap>>,
    day: OnceCell<Vec<KindMetrics>>,
}

impl<'a> Look<'a> {
    pub(super) fn new(ctx: &'a Ctx, registry: &'a Registry, rules: &'a [Rule]) -> Look<'a> {
        Look { ctx, registry, rules, gaps: OnceCell::new(), day: OnceCell::new() }
    }

    /// What has crossed the threshold of `rule`.
    pub(super) async fn crossed(
        &self,
        spec: &RuleSpec,
        rule: &Rule,
    ) -> Result<Vec<Reading>, CommandError> {
        let ctx = self.ctx;
        let is_crossed = |value: i64| match (spec.threshold, rule.threshold) {
            (Some(of), Some(threshold)) => of.is_crossed(value, threshold),
            _ => true,
        };
        Ok(match spec.measure {
            Measure::Happening(incident) => {
                let findings = runbooks::detection(ctx, self.registry, incident).await?;
                let bad = findings.into_iter().filter(|finding| !finding.ok);
                bad.map(|finding| Reading::new(finding.what, finding.detail)).collect()
            }
            Measure::Gaps => self.open_gaps(|kind| rule_of(kind).is_none()).await?,
            Measure::SinceSuccess(of) => self.open_gaps(|kind| kind == of).await?,
            Measure::KillSwitch => {
                let switch = kill_switch::read(ctx).await?;
                let why = format!("no job starts: {}", switch.reason.unwrap_or_default());
                when(switch.active, Reading::new("kill switch", why))
            }
            Measure::NoWorker => {
                let nobody = fleet::read(ctx).await?.at_work() == 0;
                when(nobody, Reading::new("workers", "no job starts"))
            }
            Measure::SuccessPercent => {
                let hour = jobs::per_kind(&ctx.db, ctx.now() - Duration::hours(1), None).await?;
                kinds(&hour, KindMetrics::success_percent, "ended well in 1 h", is_crossed)
            }
            Measure::FailurePercent => {
                let day = self.day.get_or_try_init(|| {
                    jobs::per_kind(&ctx.db, ctx.now() - Duration::hours(24), None)
                });
                kinds(day.await?, KindMetrics::failure_percent, "failed in 24 h", is_crossed)
            }
            Measure::CallErrorPercent => call_errors(ctx, is_crossed).await?,
            Measure::ProviderLimitPercent => {
                let throttled = throttle::list(ctx, self.registry).await?.into_iter();
                let used: BTreeMap<_, _> = throttled
                    .filter_map(|lowered| Some((lowered.provider, lowered.used_percent?)))
                    .collect();
                let near = used.into_iter().filter(|(_, percent)| is_crossed(*percent));
                let detail = |percent| format!("{percent} % of its own limit are used up");
                near.map(|(provider, percent)| Reading::new(provider, detail(percent))).collect()
            }
            Measure::DeadLetters => {
                let undecided = dead_letters::counts(ctx).await?.undecided();
                let detail = format::plural(undecided, "is pending", "are pending");
                when(is_crossed(undecided), Reading::new("dead letters", detail))
            }
            Measure::QueueDepth => {
                let lanes = overview::queue_depths(&ctx.db, None).await?;
                let long = depths(&lanes).into_iter().filter(|(_, waiting)| is_crossed(*waiting));
                let detail = |n| format::plural(n, "job waits", "jobs wait");
                long.map(|(queue, waiting)| Reading::new(queue, detail(waiting))).collect()
            }
        })
    }

    /// The gaps of the kinds that `of` means.
    async fn open_gaps(&self, of: impl Fn(&str) -> bool) -> Result<Vec<Reading>, CommandError> {
        let gaps = self.gaps.get_or_try_init(|| gaps_by(self.ctx, self.rules)).await?;
        let open = gaps.iter().filter(|gap| !gap.ok && of(&gap.kind));
        Ok(open.map(|gap| Reading::new(&gap.subject, &gap.detail)).collect())
    }
}

fn when(so: bool, reading: Reading) -> Vec<Reading> {
    so.then_some(reading).into_iter().collect()
}

/// Every kind of which `percent`, where it says anything, is too much.
fn kinds(
    kinds: &[KindMetrics],
    percent: fn(&KindMetrics) -> Option<i64>,
    what: &str,
    is_crossed: impl Fn(i64) -> bool,
) -> Vec<Reading> {
    let reading = |kind: &KindMetrics| {
        let percent = percent(kind).filter(|percent| is_crossed(*percent))?;
        let ended = format::count(kind.completed + kind.failed);
        Some(Reading::new(&kind.job_type, format!("{percent} % of {ended} {what}")))
    };
    kinds.iter().filter_map(reading).collect()
}

fn depths(lanes: &[QueueDepth]) -> BTreeMap<&str, i64> {
    let mut depths = BTreeMap::new();
    for lane in lanes {
        *depths.entry(lane.queue.as_str()).or_default() += lane.available;
    }
    depths
}

/// Every provider of whose last calls too many failed, where there were enough.
async fn call_errors(
    ctx: &Ctx,
    is_crossed: impl Fn(i64) -> bool,
) -> Result<Vec<Reading>, CommandError> {
    let counted: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT provider, count(*), count(*) FILTER (WHERE outcome = 'failed')
         FROM provider_calls WHERE at > $1 AND outcome IN ('ok', 'failed')
         GROUP BY provider HAVING count(*) >= $2",
    )
    .bind(ctx.now() - Duration::minutes(CALL_MINUTES))
    .bind(CALLS)
    .fetch_all(&ctx.db)
    .await?;
    let reading = |(provider, calls, failed): (String, i64, i64)| {
        let percent = percent_up(failed, calls);
        let calls = format::count(calls);
        let detail = format!("{percent} % of {calls} calls failed in {CALL_MINUTES} min");
        is_crossed(percent).then(|| Reading::new(provider, detail))
    };
    Ok(counted.into_iter().filter_map(reading).collect())
}
