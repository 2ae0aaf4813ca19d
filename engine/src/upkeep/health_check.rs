//! `system.health-check` (OP-16): looks at what an operator would look at, and logs when there is
//! something to say, or nothing any more.

use serde::Deserialize;
use serde_json::json;
use signalbox_model::breaker::BreakerState;
use signalbox_model::format;
use signalbox_model::metrics::{DEAD_LETTERS_ALARM, Overview};
use signalbox_model::system_log::LogLevel;

use super::spec;
use crate::jobs::JobContext;
use crate::jobs::handler::{Job, JobError, KindSpec};
use crate::logs::NewLog;
use crate::{logs, overview};

/// The kind's name.
pub(super) const KIND: &str = "system.health-check";

const EVENT: &str = "health_check";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HealthCheck {}

impl Job for HealthCheck {
    type Resources = ();
    const SPEC: KindSpec = spec(KIND, 5);

    async fn run(self, cx: &JobContext, (): &()) -> Result<(), JobError> {
        let issues = issues(&overview::overview(&cx.command_ctx(), 1, None).await?);
        let known: Option<String> = sqlx::query_scalar(
            "SELECT level FROM system_logs WHERE event_type = $1 ORDER BY id DESC LIMIT 1",
        )
        .bind(EVENT)
        .fetch_optional(&cx.db)
        .await?;
        let log = if !issues.is_empty() {
            let message = format!("Health check: {}", issues.join("; "));
            NewLog::new(EVENT, LogLevel::Warn, message)
        } else if known.as_deref() == Some(LogLevel::Warn.name()) {
            NewLog::new(EVENT, LogLevel::Info, "Health check: all is well again")
        } else {
            return Ok(());
        };
        let log = log.job(cx.job_id).with(json!({ "issues": issues }));
        Ok(logs::write(&cx.db, cx.now(), log).await?)
    }
}

/// What is not as it should be.
fn issues(seen: &Overview) -> Vec<String> {
    let mut issues = Vec::new();
    if seen.kill_switch.active {
        issues.push("the kill switch is on".to_owned());
    }
    for breaker in seen.circuit_breakers.iter().filter(|b| b.state != BreakerState::Closed) {
        issues.push(format!("the breaker of {} is not closed", breaker.provider));
    }
    let dead = seen.dead_letter_counts.undecided();
    if dead >= DEAD_LETTERS_ALARM {
        issues.push(format::plural(dead, "dead letter", "dead letters"));
    }
    for kind in &seen.metrics {
        if let Some(percent) = kind.success_percent().filter(|_| kind.is_alarming()) {
            issues.push(format!("only {percent} % of {} succeeded in an hour", kind.job_type));
        }
    }
    issues
}
