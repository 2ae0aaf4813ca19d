//! Whatever happens in whatever order, over several workers: no job is lost, none completes twice,
//! and only a job's own failures are counted as its attempts (DESIGN, rules 1 and 3).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::World;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;
use signalbox_engine::jobs::handler::{Decision, JobError};
use signalbox_engine::jobs::{
    ClaimedJob, Ended, Ending, commands, deregister, enqueue, hold, reclaim_lost,
};
use signalbox_engine::testing::TestWorker;
use signalbox_engine::{dead_letters, kill_switch, queues};
use signalbox_model::error_class::ErrorClass;
use signalbox_model::job::{JobId, JobState, NewJob};

const WORKERS: usize = 3;
const MAX_ATTEMPTS: i16 = 3;

#[derive(Debug, Clone)]
enum Step {
    Enqueue { later: bool },
    Claim { worker: usize, jobs: usize },
    End { run: Index, how: How },
    Cancel { job: Index },
    LoseWorker { worker: usize },
    Redrive { job: Index },
    RunNext { job: Index },
    Hold { job: Index },
    Release { job: Index },
    KillSwitch { on: bool },
    Pause { on: bool },
    Wait { seconds: u64 },
}

/// How a run ends.
#[derive(Debug, Clone, Copy)]
enum How {
    Completes,
    Fails,
    FailsForGood,
    Snoozes,
    IsRefused,
    MeetsAnOutage,
    IsStopped,
}

fn step() -> impl Strategy<Value = Step> {
    let how = prop_oneof![
        4 => Just(How::Completes),
        4 => Just(How::Fails),
        1 => Just(How::FailsForGood),
        1 => Just(How::Snoozes),
        1 => Just(How::IsRefused),
        1 => Just(How::MeetsAnOutage),
        1 => Just(How::IsStopped),
    ];
    prop_oneof![
        6 => any::<bool>().prop_map(|later| Step::Enqueue { later }),
        8 => (0..WORKERS, 1..4usize).prop_map(|(worker, jobs)| Step::Claim { worker, jobs }),
        12 => (any::<Index>(), how).prop_map(|(run, how)| Step::End { run, how }),
        2 => any::<Index>().prop_map(|job| Step::Cancel { job }),
        1 => (0..WORKERS).prop_map(|worker| Step::LoseWorker { worker }),
        2 => any::<Index>().prop_map(|job| Step::Redrive { job }),
        1 => any::<Index>().prop_map(|job| Step::RunNext { job }),
        2 => any::<Index>().prop_map(|job| Step::Hold { job }),
        2 => any::<Index>().prop_map(|job| Step::Release { job }),
        1 => any::<bool>().prop_map(|on| Step::KillSwitch { on }),
        1 => any::<bool>().prop_map(|on| Step::Pause { on }),
        4 => (1..200u64).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

/// What must be true of a job.
#[derive(Debug, Default, Clone, PartialEq)]
struct Expected {
    /// Its own failures since it was enqueued, or redriven from the dead letters.
    failures: i16,
    /// All of its own failures.
    failed_runs: i64,
    completed: bool,
    cancelled: bool,
    cancel_asked: bool,
    dead: bool,
    held: bool,
}

impl Expected {
    fn has_ended(&self) -> bool {
        self.completed || self.cancelled || self.dead
    }

    /// A run that still had its lease ended so.
    fn ends(&mut self, how: How) {
        match how {
            How::Completes => self.completed = true,
            _ if self.cancel_asked => self.cancelled = true,
            How::Fails | How::FailsForGood => {
                self.failures += 1;
                self.failed_runs += 1;
                self.dead = matches!(how, How::FailsForGood) || self.failures == MAX_ATTEMPTS;
            }
            How::Snoozes | How::IsRefused | How::MeetsAnOutage | How::IsStopped => {}
        }
        self.held &= !self.has_ended();
    }
}

fn ending(how: How) -> Ending {
    let error = |decision| {
        Ending::Failed(JobError {
            class: ErrorClass::Internal,
            message: "no luck".into(),
            decision,
        })
    };
    match how {
        How::Completes => Ending::Completed,
        How::Fails => error(Decision::Retry),
        How::FailsForGood => error(Decision::Fail),
        How::Snoozes => error(Decision::Snooze(Duration::from_secs(20))),
        How::IsRefused => error(Decision::Park),
        How::MeetsAnOutage => error(Decision::ProviderFailed("mcp")),
        How::IsStopped => Ending::Stopped,
    }
}

/// A run under way; `lost` when its worker is gone.
struct Run {
    worker: usize,
    job: ClaimedJob,
    lost: bool,
}

struct Simulation {
    world: World,
    workers: Vec<TestWorker>,
    runs: Vec<Run>,
    jobs: BTreeMap<JobId, Expected>,
    killed: bool,
    paused: bool,
}

impl Simulation {
    async fn new() -> Simulation {
        let world = World::new().await;
        let mut workers = Vec::new();
        for _ in 0..WORKERS {
            workers.push(Self::worker(&world).await);
        }
        Simulation {
            world,
            workers,
            runs: Vec::new(),
            jobs: BTreeMap::new(),
            killed: false,
            paused: false,
        }
    }

    async fn worker(world: &World) -> TestWorker {
        TestWorker::new(&world.db.pool, world.ctx.clock.clone(), &world.registry).await.unwrap()
    }

    fn pick(&self, index: &Index) -> Option<JobId> {
        let ids: Vec<_> = self.jobs.keys().copied().collect();
        (!ids.is_empty()).then(|| *index.get(&ids))
    }

    async fn take(&mut self, step: &Step) {
        let ctx = self.world.ctx.clone();
        match step {
            Step::Enqueue { later } => {
                let mut job = NewJob::new("system.noop", json!({}));
                job.max_attempts = Some(MAX_ATTEMPTS);
                job.run_at = later.then(|| ctx.now() + chrono::Duration::seconds(90));
                let id = enqueue::enqueue(&ctx, &self.world.registry, job).await.unwrap().id;
                self.jobs.insert(id, Expected::default());
            }
            Step::Claim { worker, jobs } => self.claim(*worker, *jobs).await,
            Step::End { run, how } if !self.runs.is_empty() => {
                let run = self.runs.remove(run.index(self.runs.len()));
                self.end(run, *how).await;
            }
            Step::End { .. } => {}
            Step::Cancel { job } => {
                let Some(id) = self.pick(job) else { return };
                let running = self.runs.iter().any(|run| run.job.id == id && !run.lost);
                let expected = self.jobs.get_mut(&id).unwrap();
                let cancelled = commands::cancel(&ctx, id).await;
                assert_eq!(cancelled.is_ok(), !expected.has_ended(), "cancelling {id}");
                expected.cancel_asked |= running && cancelled.is_ok();
                expected.cancelled |= !running && cancelled.is_ok();
                expected.held &= !expected.cancelled;
            }
            Step::LoseWorker { worker } => self.lose(*worker).await,
            Step::Redrive { job } => {
                let Some(id) = self.pick(job) else { return };
                let expected = self.jobs.get_mut(&id).unwrap();
                let redriven = commands::retry(&ctx, id).await;
                assert_eq!(redriven.is_ok(), expected.dead, "redriving {id}");
                if expected.dead {
                    (expected.dead, expected.failures) = (false, 0);
                }
            }
            Step::RunNext { job } => {
                let Some(id) = self.pick(job) else { return };
                let waits = !self.jobs[&id].has_ended()
                    && !self.jobs[&id].held
                    && !self.runs.iter().any(|run| run.job.id == id && !run.lost);
                assert_eq!(commands::run_next(&ctx, id).await.is_ok(), waits, "running {id} next");
            }
            Step::Hold { job } => {
                let Some(id) = self.pick(job) else { return };
                let expected = self.jobs.get_mut(&id).unwrap();
                let held = hold::hold(&ctx, id, "a test").await;
                assert_eq!(held.is_ok(), !expected.has_ended() && !expected.held, "holding {id}");
                expected.held |= held.is_ok();
            }
            Step::Release { job } => {
                let Some(id) = self.pick(job) else { return };
                let expected = self.jobs.get_mut(&id).unwrap();
                let released = hold::release(&ctx, id).await;
                assert_eq!(released.is_ok(), expected.held, "releasing {id}");
                expected.held = false;
            }
            Step::KillSwitch { on } => self.switch(*on).await,
            Step::Pause { on } => self.pause(*on).await,
            Step::Wait { seconds } => self.world.clock.advance(Duration::from_secs(*seconds)),
        }
    }

    async fn claim(&mut self, worker: usize, jobs: usize) {
        let claimed = self.workers[worker].claim(jobs).await.unwrap();
        assert!(claimed.len() <= jobs);
        assert!(claimed.is_empty() || !self.killed, "a job started while the kill switch was on");
        for job in claimed {
            let expected = &self.jobs[&job.id];
            assert!(!expected.has_ended(), "{} started after its end", job.id);
            assert!(!expected.held, "{} started while it was held", job.id);
            assert_eq!(job.attempt, expected.failures, "attempts of {} before its run", job.id);
            let twice = self.runs.iter().any(|run| run.job.id == job.id && !run.lost);
            assert!(!twice, "{} runs twice at once", job.id);
            self.runs.push(Run { worker, job, lost: false });
        }
    }

    async fn end(&mut self, run: Run, how: How) {
        let id = run.job.id;
        let ended = Ended { job: run.job, at: self.world.ctx.now(), ending: ending(how) };
        let settled = self.workers[run.worker].settle(&[ended]).await.unwrap();
        assert_eq!(settled.fenced, usize::from(run.lost), "{id}: only a lost lease is fenced off");
        if !run.lost {
            self.jobs.get_mut(&id).unwrap().ends(how);
        }
    }

    /// The worker's lease ends; its runs go on without knowing.
    async fn lose(&mut self, worker: usize) {
        let db = &self.world.db.pool;
        deregister(db, self.workers[worker].id()).await.unwrap();
        reclaim_lost(db, self.world.ctx.now()).await.unwrap();
        for run in self.runs.iter_mut().filter(|run| run.worker == worker && !run.lost) {
            run.lost = true;
            let expected = self.jobs.get_mut(&run.job.id).unwrap();
            expected.cancelled |= expected.cancel_asked;
            expected.held &= !expected.cancelled;
        }
        self.workers[worker] = Self::worker(&self.world).await;
    }

    async fn switch(&mut self, on: bool) {
        if on == self.killed {
            return;
        }
        self.killed = on;
        let ctx = &self.world.ctx;
        let turned = if on {
            kill_switch::activate(ctx, "a test").await
        } else {
            kill_switch::deactivate(ctx, "a test").await
        };
        turned.unwrap();
    }

    async fn pause(&mut self, on: bool) {
        if on == self.paused {
            return;
        }
        self.paused = on;
        let (ctx, registry) = (&self.world.ctx, &self.world.registry);
        let changed = if on {
            queues::pause(ctx, registry, "system", "a test", None).await
        } else {
            queues::resume(ctx, registry, "system", "a test").await
        };
        changed.unwrap();
    }

    /// Lets everything come to its end, and looks at what is there.
    async fn finish(mut self) {
        self.switch(false).await;
        self.pause(false).await;
        let held = self.jobs.iter_mut().filter(|(_, expected)| expected.held);
        for (id, expected) in held {
            hold::release(&self.world.ctx, *id).await.unwrap();
            expected.held = false;
        }
        loop {
            for run in std::mem::take(&mut self.runs) {
                self.end(run, How::Completes).await;
            }
            self.world.clock.advance(Duration::from_secs(3600));
            self.claim(0, 100).await;
            if self.runs.is_empty() {
                break;
            }
        }
        let letters = dead_letters::counts(&self.world.ctx).await.unwrap();
        let dead = self.jobs.values().filter(|expected| expected.dead).count() as i64;
        assert_eq!((letters.pending, letters.retry_scheduled), (dead, 0));
        assert_eq!(self.world.count("jobs").await, self.jobs.len() as i64, "each is in one place");
        assert_eq!(self.world.count("expedited_jobs").await, 0, "nothing is left to be put next");
        for (id, expected) in &self.jobs {
            self.check(*id, expected).await;
        }
    }

    async fn check(&self, id: JobId, expected: &Expected) {
        let job = self.world.job(id).await;
        let state = match (expected.completed, expected.cancelled, expected.dead) {
            (true, false, false) => JobState::Completed,
            (false, true, false) => JobState::Cancelled,
            (false, false, true) => JobState::Dead,
            _ => panic!("{id} has no one end: {expected:?}"),
        };
        assert_eq!(job.state, state, "{id}: {expected:?}");
        let (failed, completions): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM job_attempts WHERE job_id = $1 AND outcome = 'failed'),
                    (SELECT count(*) FROM jobs_finished WHERE id = $1)",
        )
        .bind(id)
        .fetch_one(&self.world.db.pool)
        .await
        .unwrap();
        assert_eq!(failed, expected.failed_runs, "{id}: recorded failures");
        assert_eq!(completions, i64::from(!expected.dead), "{id}: recorded ends");
        if !expected.dead {
            assert_eq!(job.attempt, expected.failures, "{id}: attempts spent");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn no_job_is_lost_none_completes_twice_and_only_own_failures_count(
        steps in proptest::collection::vec(step(), 40..160)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut simulation = Simulation::new().await;
            for step in &steps {
                simulation.take(step).await;
            }
            simulation.finish().await;
        });
    }
}
