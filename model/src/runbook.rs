//! Runbooks that run (RB): the four steps of an incident, evaluated on what is there now.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::{Timestamp, format};

/// A class of incidents; each has a runbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Incident {
    /// A provider fails, and its jobs are parked.
    BreakerOpen,
    /// Dead letters pile up.
    DlqGrowth,
    /// Jobs run or wait too long.
    StuckJobs,
    /// Too many runs fail.
    FailureRate,
    /// Pages are slow, or show what is old.
    SlowPages,
    /// A schedule has brought nothing for too long.
    BackfillGap,
    /// The database is short of something.
    Database,
}

impl Incident {
    /// Every class, the most urgent first.
    pub const ALL: [Incident; 7] = [
        Incident::Database,
        Incident::BreakerOpen,
        Incident::StuckJobs,
        Incident::FailureRate,
        Incident::DlqGrowth,
        Incident::BackfillGap,
        Incident::SlowPages,
    ];

    /// The stable name, in addresses too.
    pub const fn name(self) -> &'static str {
        match self {
            Incident::BreakerOpen => "breaker-open",
            Incident::DlqGrowth => "dlq-growth",
            Incident::StuckJobs => "stuck-jobs",
            Incident::FailureRate => "failure-rate",
            Incident::SlowPages => "slow-pages",
            Incident::BackfillGap => "backfill-gap",
            Incident::Database => "database",
        }
    }

    /// The class with this stable name.
    pub fn from_name(name: &str) -> Option<Incident> {
        Incident::ALL.into_iter().find(|incident| incident.name() == name)
    }

    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Incident::BreakerOpen => "Breaker open",
            Incident::DlqGrowth => "Dead letters pile up",
            Incident::StuckJobs => "Stuck jobs",
            Incident::FailureRate => "High failure rate",
            Incident::SlowPages => "Slow pages, old views",
            Incident::BackfillGap => "Gap in the results",
            Incident::Database => "Database trouble",
        }
    }

    /// How it shows.
    pub const fn symptom(self) -> &'static str {
        match self {
            Incident::BreakerOpen => "A provider fails; its jobs are parked and wait.",
            Incident::DlqGrowth => "Jobs have spent their attempts and wait for a person.",
            Incident::StuckJobs => "Jobs run longer than they may, or wait too long.",
            Incident::FailureRate => "More runs of a kind fail than should.",
            Incident::SlowPages => "Lists are slow, or the views behind them are old.",
            Incident::BackfillGap => "A schedule has not ended well for too long.",
            Incident::Database => "The database is slow or short of connections.",
        }
    }
}

/// How urgent an incident is (JS-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Severity {
    /// Nothing works.
    P1,
    /// A pipeline does not work.
    P2,
    /// Something works badly.
    P3,
    /// It can wait.
    P4,
}

impl Severity {
    /// Every severity.
    pub const ALL: [Severity; 4] = [Severity::P1, Severity::P2, Severity::P3, Severity::P4];

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::P1 => "P1",
            Severity::P2 => "P2",
            Severity::P3 => "P3",
            Severity::P4 => "P4",
        }
    }

    /// The severity with this name.
    pub fn from_name(name: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| severity.name() == name)
    }

    /// What is so urgent.
    pub const fn describe(self) -> &'static str {
        match self {
            Severity::P1 => "nothing works",
            Severity::P2 => "a pipeline does not work",
            Severity::P3 => "something works badly",
            Severity::P4 => "it can wait",
        }
    }

    /// Within how many minutes it is to be mitigated (JS-3: 15 min, 1 h, 4 h, 24 h).
    pub const fn within_minutes(self) -> i64 {
        match self {
            Severity::P1 => 15,
            Severity::P2 => 60,
            Severity::P3 => 240,
            Severity::P4 => 1440,
        }
    }
}

/// Something that was looked at, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// Whether it is in order.
    pub ok: bool,
    /// How it stands, in a sentence.
    pub detail: String,
    /// Where to see more.
    pub link: Option<String>,
}

impl Finding {
    /// `what` stands so.
    pub fn new(what: impl Into<String>, ok: bool, detail: impl Into<String>) -> Finding {
        Finding { what: what.into(), ok, detail: detail.into(), link: None }
    }

    /// The same, with where to see more.
    #[must_use]
    pub fn at(mut self, link: impl Into<String>) -> Finding {
        self.link = Some(link.into());
        self
    }

    /// The same as a line of a record.
    pub fn line(&self) -> String {
        format!("{}: {}", self.what, self.detail)
    }
}

/// What a button of a runbook does. Each is an operator's command that exists without runbooks too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lever {
    /// Holds a provider's breaker open.
    HoldBreakerOpen,
    /// Resets a provider's breaker.
    ResetBreaker,
    /// Retries a group of dead letters, a few at first.
    RedriveCanary,
    /// Pauses a queue.
    PauseQueue,
    /// Lets a queue run.
    ResumeQueue,
    /// Turns the kill switch on.
    StopEverything,
    /// Turns the kill switch off.
    ReleaseEverything,
    /// Lets the workers take jobs.
    StartWorkers,
    /// Lets the schedules tick.
    StartScheduler,
    /// Runs a schedule now.
    RunSchedule,
    /// Lets a schedule tick.
    ResumeSchedule,
    /// Asks a job to stop, for good.
    CancelJob,
    /// Refreshes the materialized views.
    RefreshMatviews,
    /// Reads from the plain views.
    ReadPlainViews,
}

impl Lever {
    /// Every lever.
    pub const ALL: [Lever; 14] = [
        Lever::HoldBreakerOpen,
        Lever::ResetBreaker,
        Lever::RedriveCanary,
        Lever::PauseQueue,
        Lever::ResumeQueue,
        Lever::StopEverything,
        Lever::ReleaseEverything,
        Lever::StartWorkers,
        Lever::StartScheduler,
        Lever::RunSchedule,
        Lever::ResumeSchedule,
        Lever::CancelJob,
        Lever::RefreshMatviews,
        Lever::ReadPlainViews,
    ];

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Lever::HoldBreakerOpen => "hold_breaker_open",
            Lever::ResetBreaker => "reset_breaker",
            Lever::RedriveCanary => "redrive_canary",
            Lever::PauseQueue => "pause_queue",
            Lever::ResumeQueue => "resume_queue",
            Lever::StopEverything => "stop_everything",
            Lever::ReleaseEverything => "release_everything",
            Lever::StartWorkers => "start_workers",
            Lever::StartScheduler => "start_scheduler",
            Lever::RunSchedule => "run_schedule",
            Lever::ResumeSchedule => "resume_schedule",
            Lever::CancelJob => "cancel_job",
            Lever::RefreshMatviews => "refresh_matviews",
            Lever::ReadPlainViews => "read_plain_views",
        }
    }

    /// The lever with this name.
    pub fn from_name(name: &str) -> Option<Lever> {
        Lever::ALL.into_iter().find(|lever| lever.name() == name)
    }
}

/// A button of a runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Remedy {
    /// What it pulls.
    pub lever: Lever,
    /// On what: a provider, a queue, a job. Empty where there is only one.
    pub target: String,
    /// What stands on it.
    pub label: String,
    /// What it will do.
    pub effect: String,
}

impl Remedy {
    /// A button `label` that pulls `lever` on `target`.
    pub fn new(
        lever: Lever,
        target: impl Into<String>,
        label: impl Into<String>,
        effect: impl Into<String>,
    ) -> Remedy {
        Remedy { lever, target: target.into(), label: label.into(), effect: effect.into() }
    }
}

/// A step of a runbook, as the record names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// What showed it.
    Detection,
    /// What was found.
    Diagnosis,
    /// What was done.
    Mitigation,
    /// What showed that it is over.
    Verification,
    /// What somebody wrote down.
    Note,
}

impl Step {
    /// Every step.
    pub const ALL: [Step; 5] =
        [Step::Detection, Step::Diagnosis, Step::Mitigation, Step::Verification, Step::Note];

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Step::Detection => "detection",
            Step::Diagnosis => "diagnosis",
            Step::Mitigation => "mitigation",
            Step::Verification => "verification",
            Step::Note => "note",
        }
    }

    /// The step with this name.
    pub fn from_name(name: &str) -> Option<Step> {
        Step::ALL.into_iter().find(|step| step.name() == name)
    }

    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Step::Detection => "Detection",
            Step::Diagnosis => "Diagnosis",
            Step::Mitigation => "Mitigation",
            Step::Verification => "Verification",
            Step::Note => "Note",
        }
    }
}

/// An entry of a run's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Which step it belongs to.
    pub step: Step,
    /// What happened.
    pub what: String,
}

/// An incident that somebody took on, and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Its number.
    pub id: i64,
    /// Of which class it is.
    pub incident: Incident,
    /// How urgent it is.
    pub severity: Severity,
    /// When it was taken on.
    pub started_at: Timestamp,
    /// By whom.
    pub started_by: String,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Who ended it.
    pub ended_by: Option<String>,
    /// What happened, the oldest first.
    pub entries: Vec<Entry>,
}

impl Run {
    /// Until when it is to be mitigated.
    pub fn due_at(&self) -> Timestamp {
        self.started_at + chrono::Duration::minutes(self.severity.within_minutes())
    }

    /// The record as Markdown, for the post-incident review.
    pub fn markdown(&self) -> String {
        let time = format::exact;
        let mut text = format!(
            "# {}: {}, run {}\n\n- Taken on: {} by {}\n- To be mitigated by: {}\n",
            self.severity.name(),
            self.incident.title(),
            self.id,
            time(self.started_at),
            self.started_by,
            time(self.due_at()),
        );
        text += &match (self.ended_at, &self.ended_by) {
            (Some(at), Some(by)) => {
                let took = format::duration_ms((at - self.started_at).num_milliseconds());
                format!("- Ended: {} by {by}, after {took}\n", time(at))
            }
            _ => "- Under way\n".to_owned(),
        };
        text += "\n| When | Who | Step | What |\n|---|---|---|---|\n";
        for entry in &self.entries {
            let cell = |text: &str| text.replace('|', "\\|").replace(['\n', '\r'], " ");
            let (at, step) = (time(entry.at), entry.step.title());
            text += &format!("| {at} | {} | {step} | {} |\n", cell(&entry.by), cell(&entry.what));
        }
        text
    }
}

/// A runbook as it stands now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Runbook {
    /// Of which class of incidents.
    pub incident: Incident,
    /// The alerts that fire of it.
    pub alerts: Vec<Alert>,
    /// Whether it is happening: what is not in order here is why.
    pub detection: Vec<Finding>,
    /// The evidence, already asked for.
    pub diagnosis: Vec<Finding>,
    /// What can be done, as it fits what was found.
    pub remedies: Vec<Remedy>,
    /// Whether it is over: all of it in order.
    pub verification: Vec<Finding>,
    /// The run that is under way.
    pub run: Option<Run>,
    /// The runs before, without their records, the newest first.
    pub past: Vec<Run>,
    /// When all this was read.
    pub as_of: Timestamp,
}

impl Runbook {
    /// Whether the incident is happening.
    pub fn is_happening(&self) -> bool {
        self.detection.iter().any(|finding| !finding.ok)
    }

    /// Whether it can be seen that it is not, or no longer.
    pub fn is_verified(&self) -> bool {
        self.verification.iter().all(|finding| finding.ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back() {
        for incident in Incident::ALL {
            assert_eq!(Incident::from_name(incident.name()), Some(incident));
        }
        for lever in Lever::ALL {
            assert_eq!(Lever::from_name(lever.name()), Some(lever));
        }
        for step in Step::ALL {
            assert_eq!(Step::from_name(step.name()), Some(step));
        }
        for severity in Severity::ALL {
            assert_eq!(Severity::from_name(severity.name()), Some(severity));
        }
    }

    #[test]
    fn a_record_is_a_table_whatever_was_typed() {
        let at = chrono::DateTime::UNIX_EPOCH;
        let entry =
            Entry { at, by: "a@b".to_owned(), step: Step::Note, what: "x | y\nz".to_owned() };
        let run = Run {
            id: 7,
            incident: Incident::BreakerOpen,
            severity: Severity::P2,
            started_at: at,
            started_by: "a@b".to_owned(),
            ended_at: Some(at + chrono::Duration::minutes(75)),
            ended_by: Some("a@b".to_owned()),
            entries: vec![entry],
        };
        let text = run.markdown();
        assert!(text.starts_with("# P2: Breaker open, run 7\n"), "{text}");
        assert!(text.contains("after 1 h 15 min"), "{text}");
        assert!(text.ends_with("| a@b | Note | x \\| y z |\n"), "{text}");
    }
}
