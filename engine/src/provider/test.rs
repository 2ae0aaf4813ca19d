//! The test of a provider's credentials (AV-7, JS-4, CP-1): real steps, of which the one that fails is
//! named.

use std::time::Duration;

use serde_json::json;
use signalbox_model::actor::Permission;
use signalbox_model::provider::{ProviderTest, Step, StepOutcome, TestStep};
use sqlx::types::Json;
use tokio::time::Instant;

use super::{CallFailure, read};
use crate::audit::{self, Act};
use crate::jobs::Registry;
use crate::{CommandError, Ctx, notify};

/// How long one step may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(7);

/// Tests the credentials of `provider`, and keeps the outcome. Goes past its breaker and its rates,
/// and moves neither: whoever tests wants to know before anything is let go.
///
/// # Errors
/// Without [`Permission::ManageProviders`]; when no pipeline calls that provider; when the database
/// does not answer. A test that fails is no error.
pub async fn test(
    ctx: &Ctx,
    registry: &Registry,
    name: &str,
) -> Result<ProviderTest, CommandError> {
    ctx.demand(Permission::ManageProviders)?;
    let provider = registry.providers().find(name)?;
    let mut steps = provider.test().await;
    for step in &mut steps {
        step.detail = provider.key().redact(&step.detail);
    }
    let test = ProviderTest { at: ctx.now(), by: ctx.actor.email.clone(), steps };
    let mut tx = ctx.db.begin().await?;
    sqlx::query(
        "INSERT INTO provider_tests (provider, tested_at, tested_by, steps) VALUES ($1, $2, $3, $4)
         ON CONFLICT (provider) DO UPDATE SET tested_at = $2, tested_by = $3, steps = $4",
    )
    .bind(name)
    .bind(test.at)
    .bind(&test.by)
    .bind(Json(&test.steps))
    .execute(&mut *tx)
    .await?;
    let details = json!({ "failedAt": test.failed().map(|step| step.step) });
    let subject = read::subject(name);
    let act = Act { action: "provider.test", subject: &subject, reason: None, details };
    audit::record(&mut tx, ctx, act).await?;
    notify::notify(&mut *tx, notify::CONTROLS).await?;
    tx.commit().await?;
    Ok(test)
}

/// A test under way, for those who write one: `probe.step(…)` for each step, in their order, then
/// `probe.finish()`. After a step has failed no other is tried.
#[derive(Debug, Default)]
pub struct Probe {
    steps: Vec<TestStep>,
    failed: bool,
}

impl Probe {
    /// Takes a step. It gives what the next ones need, and says in words what it has found; nothing,
    /// if it fails, or if one before it has.
    pub async fn step<T>(
        &mut self,
        step: Step,
        take: impl Future<Output = Result<(T, String), CallFailure>>,
    ) -> Option<T> {
        if self.failed {
            return None;
        }
        let began = Instant::now();
        let late = || {
            Err(CallFailure::Unavailable(format!("no answer within {} s", STEP_TIMEOUT.as_secs())))
        };
        let taken = tokio::time::timeout(STEP_TIMEOUT, take).await.unwrap_or_else(|_| late());
        let took_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let (outcome, detail, error_class, given) = match taken {
            Ok((given, detail)) => (StepOutcome::Passed, detail, None, Some(given)),
            Err(failure) => {
                self.failed = true;
                (StepOutcome::Failed, failure.to_string(), Some(failure.class()), None)
            }
        };
        self.steps.push(TestStep { step, outcome, detail, took_ms, error_class });
        given
    }

    /// The steps: those that were taken, and those that were not tried.
    pub fn finish(mut self) -> Vec<TestStep> {
        for step in Step::ALL.into_iter().skip(self.steps.len()) {
            self.steps.push(TestStep {
                step,
                outcome: StepOutcome::NotTried,
                detail: "not tried".to_owned(),
                took_ms: 0,
                error_class: None,
            });
        }
        self.steps
    }
}
