//! The rules: one catalogue, from which the watch, the bounds and the pages are made.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Urgency;
use crate::problem::FieldError;
use crate::runbook::Incident;
use crate::{Timestamp, format};

/// The longest time that a condition may last before its alert fires, in minutes.
pub const FOR_MINUTES_BOUND: i64 = 24 * 60;
/// The longest time that a rule may be silenced for, in minutes: a week.
pub const SILENCE_MINUTES_BOUND: i64 = 7 * 24 * 60;
/// What a rule looks at. Each gives readings: how one thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// What is not in order in the detection of an incident's runbook.
    Happening(Incident),
    /// The schedules without a [`Measure::SinceSuccess`] rule of their own that have a gap.
    Gaps,
    /// Whether the kill switch is on.
    KillSwitch,
    /// Whether no worker is at work.
    NoWorker,
    /// How many percent of a kind's runs ended well in the last hour.
    SuccessPercent,
    /// How many percent of a kind's runs failed in the last day.
    FailurePercent,
    /// How many percent of the calls to a provider failed in the last 5 minutes.
    CallErrorPercent,
    /// How many percent of a provider's own limit are used up, as its answers say.
    ProviderLimitPercent,
    /// How many dead letters want a decision.
    DeadLetters,
    /// How many jobs of a queue are due and wait.
    QueueDepth,
    /// For how many minutes a kind has not ended well.
    SinceSuccess(&'static str),
}

/// Which values are too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Those below the threshold.
    Below,
    /// Those above it.
    Above,
    /// Those above it, and itself.
    From,
}

/// A threshold that an operator may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// Which values are too much.
    pub side: Side,
    /// What it is while nobody moved it.
    pub default: i64,
    /// The least it may be.
    pub min: i64,
    /// The most it may be.
    pub max: i64,
    /// Its unit.
    pub unit: &'static str,
}

impl Threshold {
    /// Whether `value` is too much where the threshold is `threshold`.
    pub const fn is_crossed(&self, value: i64, threshold: i64) -> bool {
        match self.side {
            Side::Below => value < threshold,
            Side::Above => value > threshold,
            Side::From => value >= threshold,
        }
    }

    /// The condition in words, such as `below 70 %`.
    pub fn words(&self, threshold: i64) -> String {
        let word = match self.side {
            Side::Below => "below",
            Side::Above => "above",
            Side::From => "from",
        };
        format!("{word} {} {}", format::count(threshold), self.unit)
    }
}

/// One entry of the catalogue of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleSpec {
    /// Its stable name, in addresses too.
    pub name: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// How much it matters.
    pub urgency: Urgency,
    /// The runbook for it.
    pub incident: Incident,
    /// What it looks at.
    pub measure: Measure,
    /// From where on; none where the measure itself says whether it is in order.
    pub threshold: Option<Threshold>,
    /// For how long that must last, in minutes, while nobody changed it.
    pub for_minutes: i64,
}

const fn rule(
    name: &'static str,
    title: &'static str,
    urgency: Urgency,
    (incident, measure): (Incident, Measure),
    threshold: Option<Threshold>,
    for_minutes: i64,
) -> RuleSpec {
    RuleSpec { name, title, urgency, incident, measure, threshold, for_minutes }
}

const fn percent(side: Side, default: i64) -> Option<Threshold> {
    Some(Threshold { side, default, min: 0, max: 100, unit: "%" })
}

const fn minutes(default: i64) -> Option<Threshold> {
    Some(Threshold { side: Side::From, default, min: 1, max: 7 * 24 * 60, unit: "min" })
}

const fn many(side: Side, default: i64, unit: &'static str) -> Option<Threshold> {
    Some(Threshold { side, default, min: 1, max: crate::metrics::COUNT_CAP, unit })
}

/// Every rule, the most urgent first. Thresholds as in OP-13, AV-5, JS-1 and CP-2; those without
/// one follow the runbook of their incident.
pub const RULES: [RuleSpec; 16] = {
    use Urgency::{Critical, Warning};
    [
        rule(
            "database",
            "Database trouble",
            Critical,
            (Incident::Database, Measure::Happening(Incident::Database)),
            None,
            1,
        ),
        rule(
            "no-worker",
            "No worker is at work",
            Critical,
            (Incident::StuckJobs, Measure::NoWorker),
            None,
            1,
        ),
        rule(
            "breaker-open",
            "A breaker is not closed",
            Critical,
            (Incident::BreakerOpen, Measure::Happening(Incident::BreakerOpen)),
            None,
            0,
        ),
        rule(
            "stuck-jobs",
            "Jobs are stuck",
            Critical,
            (Incident::StuckJobs, Measure::Happening(Incident::StuckJobs)),
            None,
            0,
        ),
        rule(
            "daily-failures",
            "Too many runs fail in a day",
            Critical,
            (Incident::FailureRate, Measure::FailurePercent),
            percent(Side::Above, 20),
            0,
        ),
        rule(
            "kill-switch",
            "The kill switch is on",
            Warning,
            (Incident::StuckJobs, Measure::KillSwitch),
            None,
            0,
        ),
        rule(
            "success-rate",
            "Too few runs succeed in an hour",
            Warning,
            (Incident::FailureRate, Measure::SuccessPercent),
            percent(Side::Below, crate::metrics::SUCCESS_ALARM_PERCENT),
            0,
        ),
        rule(
            "daily-failures-rising",
            "Runs fail more than they should in a day",
            Warning,
            (Incident::FailureRate, Measure::FailurePercent),
            percent(Side::Above, 10),
            0,
        ),
        rule(
            "provider-errors",
            "Calls to a provider fail",
            Warning,
            (Incident::BreakerOpen, Measure::CallErrorPercent),
            percent(Side::Above, 5),
            0,
        ),
        rule(
            "provider-limit",
            "A provider's limit is nearly used up",
            Warning,
            (Incident::BreakerOpen, Measure::ProviderLimitPercent),
            percent(Side::Above, 90),
            0,
        ),
        rule(
            "dead-letters",
            "Dead letters pile up",
            Warning,
            (Incident::DlqGrowth, Measure::DeadLetters),
            many(Side::From, crate::metrics::DEAD_LETTERS_ALARM, "letters"),
            0,
        ),
        rule(
            "queue-depth",
            "A queue is long",
            Warning,
            (Incident::StuckJobs, Measure::QueueDepth),
            many(Side::Above, 100, "jobs"),
            5,
        ),
        rule(
            "no-discovery",
            "Discovery brings nothing",
            Warning,
            (Incident::BackfillGap, Measure::SinceSuccess("domains.discovery")),
            minutes(30),
            0,
        ),
        rule(
            "no-harvest",
            "Harvesting brings nothing",
            Warning,
            (Incident::BackfillGap, Measure::SinceSuccess("domains.harvesting")),
            minutes(60),
            0,
        ),
        rule(
            "schedule-gap",
            "A schedule brings nothing",
            Warning,
            (Incident::BackfillGap, Measure::Gaps),
            None,
            0,
        ),
        rule(
            "slow-pages",
            "Pages are slow, or show what is old",
            Warning,
            (Incident::SlowPages, Measure::Happening(Incident::SlowPages)),
            None,
            2,
        ),
    ]
};

/// The rule with this name.
pub fn rule_named(name: &str) -> Option<&'static RuleSpec> {
    RULES.iter().find(|rule| rule.name == name)
}

/// How a rule is to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleChange {
    /// From where on; absent: as it is.
    pub threshold: Option<i64>,
    /// For how long that must last, in minutes; absent: as it is.
    pub for_minutes: Option<i64>,
    /// Whether it is watched at all; absent: as it is.
    pub enabled: Option<bool>,
}

impl RuleChange {
    /// What is wrong with it for `rule`.
    pub fn problems(&self, rule: &RuleSpec) -> Vec<FieldError> {
        let mut problems = Vec::new();
        let mut within = |field: &str, value: Option<i64>, min: i64, max: i64| {
            if value.is_some_and(|value| !(min..=max).contains(&value)) {
                problems.push(FieldError::new(field, format!("must be {min} to {max}")));
            }
        };
        within("forMinutes", self.for_minutes, 0, FOR_MINUTES_BOUND);
        match rule.threshold {
            Some(allowed) => within("threshold", self.threshold, allowed.min, allowed.max),
            None if self.threshold.is_some() => {
                let detail = "this rule has none: it follows its runbook";
                problems.push(FieldError::new("threshold", detail));
            }
            None => {}
        }
        if *self == (RuleChange { threshold: None, for_minutes: None, enabled: None }) {
            problems.push(FieldError::new("threshold", "nothing is to be changed"));
        }
        problems
    }
}

/// Nobody is told of a rule's alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Silence {
    /// Until when.
    pub until: Timestamp,
    /// Who said so.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A rule as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Its stable name.
    pub name: String,
    /// What it is called.
    pub title: String,
    /// How much it matters.
    pub urgency: Urgency,
    /// The runbook for it.
    pub incident: Incident,
    /// From where on, if it has a threshold.
    pub threshold: Option<i64>,
    /// When its alert fires, in words, such as `below 70 %, for 5 min`.
    pub condition: String,
    /// For how long that must last, in minutes.
    pub for_minutes: i64,
    /// Whether it is watched at all.
    pub enabled: bool,
    /// Whether it differs from the catalogue.
    pub changed: bool,
    /// Nobody is told of it.
    pub silence: Option<Silence>,
    /// How many of its alerts fire now.
    pub firing: i64,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// When it was changed last.
    pub updated_at: Option<Timestamp>,
}

impl Rule {
    /// The rule as the catalogue has it.
    pub fn unchanged(spec: &RuleSpec) -> Rule {
        let threshold = spec.threshold.map(|threshold| threshold.default);
        Rule {
            name: spec.name.to_owned(),
            title: spec.title.to_owned(),
            urgency: spec.urgency,
            incident: spec.incident,
            threshold,
            condition: condition(spec, threshold, spec.for_minutes),
            for_minutes: spec.for_minutes,
            enabled: true,
            changed: false,
            silence: None,
            firing: 0,
            updated_by: None,
            updated_at: None,
        }
    }
}

/// When an alert fires, in words.
pub fn condition(spec: &RuleSpec, threshold: Option<i64>, for_minutes: i64) -> String {
    let mut words = match (spec.threshold, threshold) {
        (Some(of), Some(threshold)) => of.words(threshold),
        _ => "as its runbook says".to_owned(),
    };
    if matches!(spec.measure, Measure::KillSwitch | Measure::NoWorker) {
        words = "at once".to_owned();
    }
    if for_minutes > 0 {
        words += &format!(", for {}", format::duration_ms(for_minutes * 60_000));
    }
    words
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_has_a_name_and_a_title_of_its_own() {
        let names: BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
        let titles: BTreeSet<_> = RULES.iter().map(|rule| rule.title).collect();
        assert_eq!((names.len(), titles.len()), (RULES.len(), RULES.len()));
    }

    #[test]
    fn op_13_the_thresholds_are_those_of_the_runbooks() {
        let condition = |name: &str| Rule::unchanged(rule_named(name).unwrap()).condition;
        for (name, words) in [
            ("success-rate", "below 70 %"),
            ("dead-letters", "from 10 letters"),
            ("no-discovery", "from 30 min"),
            ("no-harvest", "from 60 min"),
            ("daily-failures", "above 20 %"),
            ("daily-failures-rising", "above 10 %"),
            ("provider-errors", "above 5 %"),
            ("provider-limit", "above 90 %"),
            ("queue-depth", "above 100 jobs, for 5 min"),
            ("kill-switch", "at once"),
            ("no-worker", "at once, for 1 min"),
        ] {
            assert_eq!(condition(name), words, "{name}");
        }
    }

    #[test]
    fn a_threshold_is_crossed_on_its_side_only() {
        let of = |side| Threshold { side, default: 0, min: 0, max: 9, unit: "" };
        let crossed = |side| [4, 5, 6].map(|value| of(side).is_crossed(value, 5));
        assert_eq!(crossed(Side::Below), [true, false, false]);
        assert_eq!(crossed(Side::Above), [false, false, true]);
        assert_eq!(crossed(Side::From), [false, true, true]);
    }

    #[test]
    fn a_change_is_refused_out_of_bounds_without_threshold_and_without_effect() {
        let change = |threshold, for_minutes| RuleChange { threshold, for_minutes, enabled: None };
        let problems = |name: &str, change: RuleChange| {
            let problems = change.problems(rule_named(name).unwrap());
            problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
        };
        assert_eq!(
            problems("success-rate", change(Some(101), Some(1441))),
            ["forMinutes", "threshold"]
        );
        assert_eq!(problems("database", change(Some(1), None)), ["threshold"]);
        assert_eq!(problems("database", change(None, None)), ["threshold"]);
        assert!(problems("success-rate", change(Some(100), Some(1440))).is_empty());
    }
}
