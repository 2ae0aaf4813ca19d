//! What a kind of job is: a serde struct, a name, and `run`. All kinds stand in one registry.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;
use signalbox_model::actor::Permission;
use signalbox_model::error_class::ErrorClass;

use crate::jobs::context::JobContext;
use crate::provider::{Operation, Provider, Providers};
use crate::settings::Settings;
use crate::vault::Vault;

/// A kind of job. The struct is its payload.
pub trait Job: DeserializeOwned + Send + 'static {
    /// What its code needs beside the context, such as a provider's client.
    type Resources: Clone + Send + Sync + 'static;

    /// Its name and its rules.
    const SPEC: KindSpec;

    /// What it takes to enqueue one by hand.
    const PERMISSION: Permission = Permission::RunJobs;

    /// Does the work. It may run more than once (at-least-once execution): its effects must be
    /// idempotent. It should stop soon after `cx.stop_requested()` resolves.
    fn run(
        self,
        cx: &JobContext,
        resources: &Self::Resources,
    ) -> impl Future<Output = Result<(), JobError>> + Send;
}

/// The rules of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindSpec {
    /// Its name, such as `domains.discovery`.
    pub name: &'static str,
    /// The queue of a job that names none.
    pub queue: &'static str,
    /// How many failures bury a job that says nothing else.
    pub max_attempts: i16,
    /// How long one attempt may take.
    pub timeout: Timeout,
    /// The setting that bounds how many run at once, on all workers together.
    pub concurrency: Option<&'static str>,
    /// The provider operation it calls, and how many calls one run makes at least: the claim
    /// waits until the operation's rate allows that many.
    pub calls: Option<(Operation, u32)>,
}

/// How long one attempt may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// Always this long.
    Fixed(Duration),
    /// As many minutes as this setting says.
    SettingMinutes(&'static str),
}

impl Timeout {
    /// How long that is with these settings.
    pub fn limit(self, settings: &Settings) -> Duration {
        match self {
            Timeout::Fixed(limit) => limit,
            Timeout::SettingMinutes(setting) => {
                Duration::from_secs(60 * settings.get(setting).unsigned_abs())
            }
        }
    }
}

/// Why a run did not complete, decided where the error arises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct JobError {
    /// What kind of trouble it is.
    pub class: ErrorClass,
    /// In words, for the operator.
    pub message: String,
    /// What is to become of the job.
    pub decision: Decision,
}

/// What is to become of a job that did not complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Spend an attempt, back off, try again; bury when none is left.
    Retry,
    /// The same, after at least this long.
    RetryAfter(Duration),
    /// Spend an attempt and bury at once: trying again cannot help.
    Fail,
    /// Run again after this long; no attempt is spent.
    Snooze(Duration),
    /// The system refused: wait where the due jobs wait; no attempt is spent.
    Park,
    /// The provider failed. No attempt is spent, unless the provider has answered others since
    /// this job's last provider failure: then the fault is the job's.
    ProviderFailed(&'static str),
}

impl JobError {
    /// Try again after a back-off.
    pub fn retry(class: ErrorClass, message: impl Into<String>) -> JobError {
        JobError { class, message: message.into(), decision: Decision::Retry }
    }

    /// Bury at once.
    pub fn fail(class: ErrorClass, message: impl Into<String>) -> JobError {
        JobError { class, message: message.into(), decision: Decision::Fail }
    }

    /// Run again after `delay`, with no attempt spent.
    pub fn snooze(delay: Duration, message: impl Into<String>) -> JobError {
        JobError {
            class: ErrorClass::RateLimited,
            message: message.into(),
            decision: Decision::Snooze(delay),
        }
    }

    /// The job was asked to stop, and does.
    pub(crate) fn stopped() -> JobError {
        JobError::parked("asked to stop")
    }

    /// The job's lease was lost: it may run elsewhere by now, and this run must store nothing.
    pub(crate) fn lease_lost() -> JobError {
        JobError::parked("the lease was lost")
    }

    fn parked(message: &str) -> JobError {
        JobError {
            class: ErrorClass::Internal,
            message: message.to_owned(),
            decision: Decision::Park,
        }
    }
}

impl From<sqlx::Error> for JobError {
    fn from(error: sqlx::Error) -> JobError {
        JobError::retry(class_of(&error), format!("database: {error}"))
    }
}

/// What kind of trouble the database has, by PostgreSQL's codes (CP-6).
fn class_of(error: &sqlx::Error) -> ErrorClass {
    match error {
        sqlx::Error::PoolTimedOut => ErrorClass::ConnectionLimit,
        sqlx::Error::Database(error) => match error.code().as_deref() {
            Some("53300") => ErrorClass::ConnectionLimit,
            Some("40P01") => ErrorClass::Deadlock,
            _ => ErrorClass::Internal,
        },
        _ => ErrorClass::Internal,
    }
}

impl From<crate::CommandError> for JobError {
    fn from(error: crate::CommandError) -> JobError {
        match error {
            crate::CommandError::Unavailable(error) => error.into(),
            other => JobError::fail(ErrorClass::InvalidInput, other.to_string()),
        }
    }
}

type Run = Arc<dyn Fn(Value, JobContext) -> BoxFuture<'static, Result<(), JobError>> + Send + Sync>;

/// One registered kind.
#[derive(Clone)]
pub struct Kind {
    /// Its rules.
    pub spec: KindSpec,
    /// Whether a payload makes sense to it.
    pub check: fn(&Value) -> Result<(), String>,
    /// What it takes to enqueue one by hand.
    pub permission: Permission,
    /// Runs it.
    pub(crate) run: Run,
}

/// Every kind this process knows, and every provider that they call.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: Arc<BTreeMap<&'static str, Kind>>,
    providers: Providers,
}

impl Registry {
    /// Starts with the built-in kinds: `system.*`, and those of the system's own upkeep.
    pub fn builder() -> RegistryBuilder {
        let mut builder = RegistryBuilder::default();
        crate::jobs::system_kinds::register(&mut builder);
        crate::upkeep::register(&mut builder);
        crate::backups::register(&mut builder, crate::backups::Place::default());
        builder
    }

    /// The same and further kinds; one that is there already gets other code or resources. The
    /// providers stay.
    #[must_use]
    pub fn with(self, add: impl FnOnce(&mut RegistryBuilder)) -> Registry {
        let kinds = Arc::unwrap_or_clone(self.kinds);
        let mut builder = RegistryBuilder { kinds, ..RegistryBuilder::default() };
        add(&mut builder);
        Registry { kinds: Arc::new(builder.kinds), providers: self.providers }
    }

    /// The kind with this name.
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.get(name)
    }

    /// The names of all kinds, in order.
    pub fn names(&self) -> Vec<&'static str> {
        self.kinds.keys().copied().collect()
    }

    /// The rules of all kinds, by name.
    pub fn specs(&self) -> impl Iterator<Item = &KindSpec> {
        self.kinds.values().map(|kind| &kind.spec)
    }

    /// The providers.
    pub fn providers(&self) -> &Providers {
        &self.providers
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Registry").field(&self.names()).finish()
    }
}

/// Collects kinds and providers.
#[derive(Default)]
pub struct RegistryBuilder {
    kinds: BTreeMap<&'static str, Kind>,
    providers: BTreeMap<&'static str, Arc<dyn Provider>>,
    vault: Vault,
}

impl RegistryBuilder {
    /// Adds the kind `J`.
    pub fn add<J: Job>(&mut self, resources: J::Resources) -> &mut RegistryBuilder {
        let run: Run = Arc::new(move |payload, cx| {
            let resources = resources.clone();
            async move {
                let job: J = serde_json::from_value(payload).map_err(|e| {
                    JobError::fail(ErrorClass::InvalidInput, format!("payload: {e}"))
                })?;
                job.run(&cx, &resources).await
            }
            .boxed()
        });
        let check =
            |payload: &Value| J::deserialize(payload).map(drop).map_err(|error| error.to_string());
        self.kinds
            .insert(J::SPEC.name, Kind { spec: J::SPEC, check, permission: J::PERMISSION, run });
        self
    }

    /// Says where the providers' keys are kept.
    pub fn vault(&mut self, vault: &Vault) -> &mut RegistryBuilder {
        self.vault = vault.clone();
        self
    }

    /// Adds a provider.
    pub fn add_provider(&mut self, provider: impl Provider) -> &mut RegistryBuilder {
        self.providers.insert(provider.spec().name, Arc::new(provider));
        self
    }

    /// The registry of all that was added.
    pub fn build(self) -> Registry {
        Registry {
            kinds: Arc::new(self.kinds),
            providers: Providers::new(self.vault, self.providers),
        }
    }
}
