//! How long ago everything that should go on has ended well: what the rules and the runbook of gaps
//! both read.

use chrono::Duration;
use signalbox_model::Timestamp;
use signalbox_model::alert::{Measure, RULES, Rule, RuleSpec};
use signalbox_model::schedule::Schedule;

use super::rules_at;
use crate::{CommandError, Ctx, jobs, runbooks, schedules};

/// As many ticks of a schedule may bring nothing.
const TICKS: i32 = 3;

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
    gaps_by(ctx, &rules_at(&ctx.db, ctx.now()).await?).await
}

/// The same, by these rules.
pub(super) async fn gaps_by(ctx: &Ctx, rules: &[Rule]) -> Result<Vec<Gap>, CommandError> {
    // Of each kind only its last success is wanted, which is known however long ago it was.
    let metrics = jobs::per_kind(&ctx.db, ctx.now(), None).await?;
    let success = |kind: &str| {
        let metrics = metrics.iter().find(|metrics| metrics.job_type == kind);
        metrics.and_then(|metrics| metrics.last_success_at)
    };
    let own = |kind: &str| {
        let spec = rule_of(kind)?;
        let rule = rules.iter().find(|rule| rule.name == spec.name)?;
        rule.threshold.map(Duration::minutes)
    };
    let mut gaps = Vec::new();
    for schedule in schedules::list(ctx).await? {
        let allowed = own(&schedule.kind).unwrap_or_else(|| interval(&schedule) * TICKS);
        let (last, first) = (success(&schedule.kind), schedule.first_run_at);
        let (ok, detail) = judge(ctx.now(), last, first, allowed);
        let (subject, kind) = (schedule.name.clone(), schedule.kind.clone());
        gaps.push(Gap { subject, kind, ok, detail, schedule: Some(schedule) });
    }
    for kind in RULES.iter().filter_map(own_kind) {
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
    let allowed = runbooks::span(allowed);
    let detail = match (success, first) {
        (Some(at), _) => {
            format!("ended well last at {}; {allowed} may pass", runbooks::clock_time(at))
        }
        (None, Some(_)) => format!("has never ended well; {allowed} may pass"),
        (None, None) => "has not run yet".to_owned(),
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

/// The kind that a rule is about alone.
fn own_kind(rule: &RuleSpec) -> Option<&'static str> {
    match rule.measure {
        Measure::SinceSuccess(kind) => Some(kind),
        _ => None,
    }
}

/// The rule that says how long ago `kind` may have ended well; the others go by their schedule.
pub(super) fn rule_of(kind: &str) -> Option<&'static RuleSpec> {
    RULES.iter().find(|rule| own_kind(rule) == Some(kind))
}
