//! What the rules look at: how each thing stands now.

use std::collections::{BTreeMap, HashMap};

use chrono::Duration;
use signalbox_model::Timestamp;
use signalbox_model::alert::{Measure, RULES, Rule, RuleSpec};
use signalbox_model::format;
use signalbox_model::metrics::{KindMetrics, QueueDepth, SUCCESS_ALARM_RUNS};
use signalbox_model::schedule::Schedule;
use sqlx::Row;

use super::rules_at;
use crate::jobs::handler::Registry;
use crate::{
    CommandError, Ctx, dead_letters, fleet, jobs, kill_switch, overview, runbooks, schedules,
    throttle,
};

/// Calls to a provider are judged over the last minutes.
const CALL_MINUTES: i64 = 5;
/// A rate of fewer calls than these says nothing.
const CALLS: i64 = 20;
/// As many ticks of a schedule may bring nothing.
const TICKS: i32 = 3;

/// Something that has crossed its rule's threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// What it is about.
    pub subject: String,
    /// How it stands.
    pub detail: String,
}

/// What has crossed the threshold of `rule`.
pub(super) async fn crossed(
    ctx: &Ctx,
    registry: &Registry,
    spec: &RuleSpec,
    rule: &Rule,
) -> Result<Vec<Reading>, CommandError> {
    let is_crossed = |value: i64| match (spec.threshold, rule.threshold) {
        (Some(of), Some(threshold)) => of.is_crossed(value, threshold),
        _ => true,
    };
    let reading = |subject: &str, detail: String| Reading { subject: subject.to_owned(), detail };
    let percents = |percents: Vec<(String, i64, String)>| {
        let crossed = percents.into_iter().filter(|(_, percent, _)| is_crossed(*percent));
        crossed.map(|(subject, _, detail)| Reading { subject, detail }).collect()
    };
    Ok(match spec.measure {
        Measure::Happening(incident) => {
            let findings = runbooks::detection(ctx, registry, incident).await?;
            let bad = findings.into_iter().filter(|finding| !finding.ok);
            bad.map(|finding| reading(&finding.what, finding.detail)).collect()
        }
        Measure::Gaps => {
            let gaps = gaps(ctx).await?;
            let open = gaps.iter().filter(|gap| !gap.ok && silence_of(&gap.kind).is_none());
            open.map(|gap| reading(&gap.subject, gap.detail.clone())).collect()
        }
        Measure::Silence(kind) => {
            let gaps = gaps(ctx).await?;
            let open = gaps.iter().filter(|gap| !gap.ok && gap.kind == kind);
            open.map(|gap| reading(&gap.subject, gap.detail.clone())).collect()
        }
        Measure::KillSwitch => {
            let switch = kill_switch::read(ctx).await?;
            let why = || format!("no job starts: {}", switch.reason.clone().unwrap_or_default());
            switch.active.then(|| reading("kill switch", why())).into_iter().collect()
        }
        Measure::NoWorker => {
            let fleet = fleet::read(ctx).await?;
            let nobody = fleet.at_work() == 0;
            let detail = || "no job starts".to_owned();
            nobody.then(|| reading("workers", detail())).into_iter().collect()
        }
        Measure::SuccessPercent => percents(rates(ctx, Duration::hours(1), succeeded).await?),
        Measure::FailurePercent => percents(rates(ctx, Duration::hours(24), failed).await?),
        Measure::CallErrorPercent => percents(call_errors(ctx).await?),
        Measure::ProviderLimitPercent => {
            let throttled = throttle::list(ctx, registry).await?;
            let used: BTreeMap<_, _> = throttled
                .into_iter()
                .filter_map(|lowered| Some((lowered.provider, lowered.used_percent?)))
                .collect();
            let detail = |percent| format!("{percent} % of its own limit are used up");
            let used = used.into_iter().map(|(of, percent)| (of, percent, detail(percent)));
            percents(used.collect())
        }
        Measure::DeadLetters => {
            let undecided = dead_letters::counts(ctx).await?.undecided();
            let detail = format::plural(undecided, "is pending", "are pending");
            is_crossed(undecided).then(|| reading("dead letters", detail)).into_iter().collect()
        }
        Measure::QueueDepth => {
            let lanes = overview::queue_depths(&ctx.db, None).await?;
            let long = depths(&lanes).into_iter().filter(|(_, waiting)| is_crossed(*waiting));
            let detail = |n| format::plural(n, "job waits", "jobs wait");
            long.map(|(queue, waiting)| reading(queue, detail(waiting))).collect()
        }
    })
}

fn depths(lanes: &[QueueDepth]) -> BTreeMap<&str, i64> {
    let mut depths = BTreeMap::new();
    for lane in lanes {
        *depths.entry(lane.queue.as_str()).or_default() += lane.available;
    }
    depths
}

/// How every kind did in the last `window`, where enough runs ended: as `rate` counts it.
async fn rates(
    ctx: &Ctx,
    window: Duration,
    rate: fn(&KindMetrics, i64) -> (i64, &'static str),
) -> Result<Vec<(String, i64, String)>, CommandError> {
    let kinds = jobs::per_kind(&ctx.db, ctx.now() - window, None).await?;
    let judged = kinds.into_iter().filter_map(|kind| {
        let ended = kind.completed + kind.failed;
        let (percent, word) = (ended >= SUCCESS_ALARM_RUNS).then(|| rate(&kind, ended))?;
        let hours = window.num_hours();
        let detail = format!("{percent} % of {} {word} in {hours} h", format::count(ended));
        Some((kind.job_type, percent, detail))
    });
    Ok(judged.collect())
}

fn succeeded(kind: &KindMetrics, ended: i64) -> (i64, &'static str) {
    (kind.completed * 100 / ended, "ended well")
}

fn failed(kind: &KindMetrics, ended: i64) -> (i64, &'static str) {
    (percent_up(kind.failed, ended), "failed")
}

/// `part` of `whole` in percent, rounded up: a little more than a threshold is above it.
fn percent_up(part: i64, whole: i64) -> i64 {
    (part * 100 + whole - 1) / whole
}

/// How many of the last calls to each provider failed, where there were enough.
async fn call_errors(ctx: &Ctx) -> Result<Vec<(String, i64, String)>, CommandError> {
    let rows = sqlx::query(
        "SELECT provider, count(*) AS calls, count(*) FILTER (WHERE outcome = 'failed') AS failed
         FROM provider_calls WHERE at > $1 AND outcome <> 'refused'
         GROUP BY provider HAVING count(*) >= $2",
    )
    .bind(ctx.now() - Duration::minutes(CALL_MINUTES))
    .bind(CALLS)
    .fetch_all(&ctx.db)
    .await?;
    let judge = |row: &sqlx::postgres::PgRow| {
        let (calls, failed): (i64, i64) = (row.try_get("calls")?, row.try_get("failed")?);
        let percent = percent_up(failed, calls);
        let calls = format::count(calls);
        let detail = format!("{percent} % of {calls} calls failed in {CALL_MINUTES} min");
        Ok((row.try_get("provider")?, percent, detail))
    };
    Ok(rows.iter().map(judge).collect::<Result<_, sqlx::Error>>()?)
}

/// How long ago something that should go on has ended well.
#[derive(Debug, Clone)]
pub(crate) struct Gap {
    /// What it is: a schedule, or a kind without one.
    pub subject: String,
    /// The kind that runs.
    pub kind: String,
    /// Whether that was not too long ago.
    pub ok: bool,
    /// The same in words.
    pub detail: String,
    /// The schedule, if it has one.
    pub schedule: Option<Schedule>,
}

/// Every schedule, and every kind with a rule of its own, with the time since it ended well. What
/// has never run has no gap yet.
pub(crate) async fn gaps(ctx: &Ctx) -> Result<Vec<Gap>, CommandError> {
    // Of each kind only its last success is wanted, which is known however long ago it was.
    let metrics = jobs::per_kind(&ctx.db, ctx.now(), None).await?;
    let rules = rules_at(&ctx.db, ctx.now()).await?;
    let success = |kind: &str| {
        let metrics = metrics.iter().find(|metrics| metrics.job_type == kind);
        metrics.and_then(|metrics| metrics.last_success_at)
    };
    let own = |kind: &str| {
        let spec = silence_of(kind)?;
        let rule = rules.iter().find(|rule| rule.name == spec.name)?;
        rule.threshold.map(Duration::minutes)
    };
    let first: HashMap<String, Timestamp> =
        sqlx::query_as("SELECT name, first_run_at FROM schedules WHERE first_run_at IS NOT NULL")
            .fetch_all(&ctx.db)
            .await?
            .into_iter()
            .collect();
    let mut gaps = Vec::new();
    for schedule in schedules::list(ctx).await? {
        let allowed = own(&schedule.kind).unwrap_or_else(|| interval(&schedule) * TICKS);
        let first = first.get(&schedule.name).copied();
        let (ok, detail) = judge(ctx.now(), success(&schedule.kind), first, allowed);
        let (subject, kind) = (schedule.name.clone(), schedule.kind.clone());
        gaps.push(Gap { subject, kind, ok, detail, schedule: Some(schedule) });
    }
    for kind in RULES.iter().filter_map(silent_kind) {
        let known = gaps.iter().any(|gap| gap.kind == kind);
        if let (false, Some(allowed)) = (known, own(kind)) {
            let (ok, detail) = judge(ctx.now(), success(kind), None, allowed);
            let (subject, kind) = (kind.to_owned(), kind.to_owned());
            gaps.push(Gap { subject, kind, ok, detail, schedule: None });
        }
    }
    Ok(gaps)
}

fn judge(
    now: Timestamp,
    success: Option<Timestamp>,
    first: Option<Timestamp>,
    allowed: Duration,
) -> (bool, String) {
    let ok = success.or(first).is_none_or(|since| now - since < allowed);
    let detail = match success {
        Some(at) => format!(
            "ended well last at {}; {} may pass",
            runbooks::clock_time(at),
            runbooks::span(allowed)
        ),
        None if first.is_none() => "has not run yet".to_owned(),
        None => format!("has never ended well; {} may pass", runbooks::span(allowed)),
    };
    (ok, detail)
}

/// The time between two of its next ticks.
fn interval(schedule: &Schedule) -> Duration {
    match schedule.next_ticks.as_slice() {
        [first, second, ..] => second.at - first.at,
        _ => Duration::days(1),
    }
}

fn silent_kind(rule: &RuleSpec) -> Option<&'static str> {
    match rule.measure {
        Measure::Silence(kind) => Some(kind),
        _ => None,
    }
}

/// The rule that says how long `kind` may be silent.
fn silence_of(kind: &str) -> Option<&'static RuleSpec> {
    RULES.iter().find(|rule| silent_kind(rule) == Some(kind))
}
