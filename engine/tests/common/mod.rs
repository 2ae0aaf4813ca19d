//! What the engine's tests share: a database, a clock, a registry with awkward kinds, a worker.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod on_call;
pub mod outlet;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};
use signalbox_engine::clock::TestClock;
use signalbox_engine::jobs::handler::{Job, JobError, KindSpec, RegistryBuilder, Timeout};
use signalbox_engine::jobs::{JobContext, Registry, enqueue, list};
use signalbox_engine::provider::{Allowance, CallFailure, Operation, note_allowance};
use signalbox_engine::testing::{TestDb, TestWorker};
use signalbox_engine::vault::Vault;
use signalbox_engine::vault::keyring::{Keyring, MasterKey};
use signalbox_engine::{Ctx, SharedClock};
use signalbox_model::actor::{Actor, Role};
use signalbox_model::error_class::ErrorClass;
use signalbox_model::job::{Job as JobRow, JobId, NewJob};

/// The provider of the tests; its answers are played from a script.
pub const OPERATION: Operation = Operation { provider: "mcp", rate: "discovery_rpm" };

/// How long every call takes, on which clock.
type Pace = Option<(Arc<TestClock>, Duration)>;

/// What the provider answers next, and how often it was really called.
#[derive(Clone, Default)]
pub struct Script {
    answers: Arc<Mutex<VecDeque<Result<(), CallFailure>>>>,
    calls: Arc<Mutex<usize>>,
    takes: Arc<Mutex<Pace>>,
    left: Arc<Mutex<Option<Allowance>>>,
}

impl Script {
    pub fn fails(&self, times: usize) {
        let outage = CallFailure::Unavailable("HTTP 500".into());
        self.answers.lock().unwrap().extend(std::iter::repeat_n(Err(outage), times));
    }

    /// The next requests are refused by a healthy provider: each job's own fault.
    pub fn rejects(&self, times: usize) {
        let refusal = CallFailure::Rejected("no such post".into());
        self.answers.lock().unwrap().extend(std::iter::repeat_n(Err(refusal), times));
    }

    pub fn answers(&self, answer: Result<(), CallFailure>) {
        self.answers.lock().unwrap().push_back(answer);
    }

    /// From now on every call takes `took` on `clock`.
    pub fn takes(&self, clock: &Arc<TestClock>, took: Duration) {
        *self.takes.lock().unwrap() = Some((clock.clone(), took));
    }

    /// From now on every answer says this of the provider's own limit.
    pub fn has_left(&self, left: Option<Allowance>) {
        *self.left.lock().unwrap() = left;
    }

    pub fn calls(&self) -> usize {
        *self.calls.lock().unwrap()
    }

    /// The next scripted answer; a good one when the script has ended.
    async fn call(&self) -> Result<(), CallFailure> {
        *self.calls.lock().unwrap() += 1;
        if let Some((clock, took)) = &*self.takes.lock().unwrap() {
            clock.advance(*took);
        }
        if let Some(left) = *self.left.lock().unwrap() {
            note_allowance(left);
        }
        self.answers.lock().unwrap().pop_front().unwrap_or(Ok(()))
    }
}

/// `test.call`: one call to the scripted provider.
#[derive(Deserialize)]
struct Call {}

impl Job for Call {
    type Resources = Script;
    const SPEC: KindSpec = KindSpec {
        name: "test.call",
        queue: "test",
        max_attempts: 3,
        timeout: Timeout::Fixed(Duration::from_secs(30)),
        concurrency: Some("max_concurrent_discovery_jobs"),
        calls: Some((OPERATION, 1)),
    };

    async fn run(self, cx: &JobContext, script: &Script) -> Result<(), JobError> {
        cx.call(OPERATION, script.call()).await
    }
}

/// `test.flaky`: fails for good whenever the script does, without a provider.
#[derive(Deserialize)]
struct Flaky {}

impl Job for Flaky {
    type Resources = Script;
    const SPEC: KindSpec = KindSpec {
        name: "test.flaky",
        queue: "test",
        max_attempts: 1,
        timeout: Timeout::Fixed(Duration::from_secs(30)),
        concurrency: None,
        calls: None,
    };

    async fn run(self, _: &JobContext, script: &Script) -> Result<(), JobError> {
        script.call().await.map_err(|e| JobError::fail(ErrorClass::Rejected, e.to_string()))
    }
}

/// `test.panic`: panics.
#[derive(Deserialize)]
struct Panics {}

impl Job for Panics {
    type Resources = ();
    const SPEC: KindSpec = KindSpec {
        name: "test.panic",
        queue: "test",
        max_attempts: 1,
        timeout: Timeout::Fixed(Duration::from_secs(30)),
        concurrency: None,
        calls: None,
    };

    async fn run(self, _: &JobContext, (): &()) -> Result<(), JobError> {
        panic!("on purpose")
    }
}

/// The code of a `test.scripted` job.
pub type Body = Arc<dyn Fn(JobContext) -> BoxFuture<'static, Result<(), JobError>> + Send + Sync>;

/// `test.scripted`: does what its test says.
#[derive(Deserialize)]
pub struct Scripted {}

impl Job for Scripted {
    type Resources = Body;
    const SPEC: KindSpec = KindSpec {
        name: "test.scripted",
        queue: "test",
        max_attempts: 3,
        timeout: Timeout::Fixed(Duration::from_secs(30)),
        concurrency: None,
        calls: None,
    };

    async fn run(self, cx: &JobContext, body: &Body) -> Result<(), JobError> {
        body(cx.clone()).await
    }
}

/// The code of a `test.scripted` job, from an async closure.
pub fn body<F>(code: impl Fn(JobContext) -> F + Send + Sync + 'static) -> Body
where
    F: Future<Output = Result<(), JobError>> + Send + 'static,
{
    Arc::new(move |cx| code(cx).boxed())
}

/// A test's world.
pub struct World {
    pub db: TestDb,
    pub clock: Arc<TestClock>,
    pub registry: Registry,
    pub script: Script,
    pub vault: Vault,
    pub worker: TestWorker,
    pub ctx: Ctx,
}

impl World {
    pub async fn new() -> World {
        World::with(|_| {}).await
    }

    /// A world that knows further kinds.
    pub async fn with(add_kinds: impl FnOnce(&mut RegistryBuilder)) -> World {
        let db = TestDb::new().await;
        let clock = TestClock::new();
        let shared: SharedClock = clock.clone();
        let script = Script::default();
        let mut builder = Registry::builder();
        builder.add::<Call>(script.clone()).add::<Flaky>(script.clone()).add::<Panics>(());
        let vault = Vault::new(db.pool.clone(), Keyring::new(MasterKey::generate(), Vec::new()));
        builder.vault(&vault).add_provider(outlet::Outlet::new(&vault));
        add_kinds(&mut builder);
        let registry = builder.build();
        let worker = TestWorker::new(&db.pool, shared.clone(), &registry).await.unwrap();
        let actor = Actor::new("admin@example.org", Role::Admin);
        let ctx = Ctx::new(db.pool.clone(), shared, actor);
        World { db, clock, registry, script, vault, worker, ctx }
    }

    /// The same providers, their keys kept in another vault.
    pub fn registry_with(&self, vault: &Vault) -> Registry {
        let mut builder = Registry::builder();
        builder.vault(vault).add_provider(outlet::Outlet::new(vault));
        builder.build()
    }

    /// A world that knows `test.scripted`, with one such job.
    pub async fn scripted(code: Body) -> (World, JobId) {
        let world = World::with(|kinds| {
            kinds.add::<Scripted>(code);
        })
        .await;
        let job = world.enqueue("test.scripted", json!({})).await;
        (world, job)
    }

    /// The worker's lease ends, as if its process had died, and its jobs come back.
    pub async fn loses_its_worker(&self) {
        signalbox_engine::jobs::deregister(&self.db.pool, self.worker.id()).await.unwrap();
        signalbox_engine::jobs::reclaim_lost(&self.db.pool, self.ctx.now()).await.unwrap();
    }

    /// One more worker.
    pub async fn another_worker(&self) -> TestWorker {
        TestWorker::new(&self.db.pool, self.ctx.clock.clone(), &self.registry).await.unwrap()
    }

    /// The same world seen by somebody with another role.
    pub fn as_role(&self, role: Role) -> Ctx {
        let actor = Actor::new("other@example.org", role);
        Ctx { actor, ..self.ctx.clone() }
    }

    pub async fn enqueue(&self, kind: &str, payload: Value) -> JobId {
        enqueue::enqueue(&self.ctx, &self.registry, NewJob::new(kind, payload)).await.unwrap().id
    }

    pub async fn calls(&self, count: usize) -> Vec<JobId> {
        let mut ids = Vec::new();
        for _ in 0..count {
            ids.push(self.enqueue("test.call", json!({})).await);
        }
        ids
    }

    pub async fn job(&self, id: JobId) -> JobRow {
        list::detail(&self.ctx, &self.registry, id).await.unwrap().job
    }

    pub async fn why(&self, id: JobId) -> String {
        list::detail(&self.ctx, &self.registry, id).await.unwrap().verdict.cause
    }

    pub async fn count(&self, table: &'static str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.db.pool).await.unwrap()
    }
}
