//! The scheduler: of all that run, one holds the lease and does the work. It ticks the schedules,
//! takes back the jobs of lost workers, advances the bulk operations, samples the depths, seals
//! the audit log, watches for alerts, and does the other sweeps.

use std::time::Duration;

use signalbox_model::Timestamp;
use signalbox_model::actor::Actor;
use signalbox_model::sweep::Sweep;
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::alerts::courier::{self, Outside};
use crate::clock::SharedClock;
use crate::dead_letters::runner;
use crate::jobs::Registry;
use crate::schedules::{self, ScheduleError, ScheduleSpec};
use crate::{Ctx, alerts, audit, queues, settings, sweeps, throttle, trends};

/// The sweeps that are done every [`SchedulerOptions::sweep_every`].
const HOURLY: [Sweep; 8] = [
    Sweep::Partitions,
    Sweep::IdempotencyKeys,
    Sweep::Sessions,
    Sweep::DeadLetterCap,
    Sweep::BulkOperations,
    Sweep::ProviderCalls,
    Sweep::JobProgress,
    Sweep::Alerts,
];

/// The rules of alerts are looked at this often.
const WATCH_EVERY: chrono::Duration = chrono::Duration::seconds(5);

/// A look at the rules takes no longer: the lease must be renewed.
const WATCH_TIMEOUT: Duration = Duration::from_secs(8);

/// How a scheduler works.
#[derive(Debug, Clone)]
pub struct SchedulerOptions {
    /// What it enqueues when.
    pub schedules: Vec<ScheduleSpec>,
    /// It looks this often.
    pub interval: Duration,
    /// It leads for this long without renewing.
    pub lease: Duration,
    /// It sweeps this often.
    pub sweep_every: Duration,
    /// Whom alerts are told to.
    pub outside: Outside,
}

impl Default for SchedulerOptions {
    fn default() -> SchedulerOptions {
        SchedulerOptions {
            schedules: Vec::new(),
            interval: Duration::from_secs(1),
            lease: Duration::from_secs(15),
            sweep_every: Duration::from_secs(3600),
            outside: Outside::default(),
        }
    }
}

/// A scheduler at work.
#[derive(Debug)]
pub struct Scheduler {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Scheduler {
    /// Starts one.
    pub fn start(
        db: PgPool,
        clock: SharedClock,
        registry: Registry,
        options: SchedulerOptions,
    ) -> Scheduler {
        let stop = CancellationToken::new();
        let task = tokio::spawn(work(db, clock, registry, options, stop.clone()));
        Scheduler { stop, task }
    }

    /// Stops it; another takes over at once.
    pub async fn shutdown(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the scheduler had died");
        }
    }
}

async fn work(
    db: PgPool,
    clock: SharedClock,
    registry: Registry,
    options: SchedulerOptions,
    stop: CancellationToken,
) {
    let mut leader = Leader::new();
    let courier = tokio::spawn(carry(db.clone(), clock.clone(), options.clone(), stop.clone()));
    loop {
        match leader.round(&db, &clock, &registry, &options).await {
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "a scheduler round failed; it will be repeated"),
        }
        tokio::select! {
            () = tokio::time::sleep(options.interval) => {}
            () = stop.cancelled() => break,
        }
    }
    if let Err(error) = resign(&db, leader.id).await {
        tracing::warn!(%error, "could not resign; the lease will run out");
    }
    if let Err(error) = courier.await {
        tracing::error!(%error, "the alerts' courier had died");
    }
}

/// Sends what alerts have to say, beside the rounds: a channel that does not answer must not hold up a tick.
async fn carry(db: PgPool, clock: SharedClock, options: SchedulerOptions, stop: CancellationToken) {
    let rounds = async {
        loop {
            if let Err(error) = courier::deliver(&db, &clock, &options.outside).await {
                tracing::warn!(%error, "alert messages are not sent; trying again");
            }
            tokio::time::sleep(options.interval).await;
        }
    };
    // What is being sent then is sent again by whoever comes next.
    stop.run_until_cancelled(rounds).await;
}

/// The one that leads, or would, and what it has done so far.
struct Leader {
    id: Uuid,
    declared: bool,
    sampled: Option<Timestamp>,
    watched_at: Option<Timestamp>,
    swept_at: Option<Timestamp>,
}

impl Leader {
    fn new() -> Leader {
        Leader {
            id: Uuid::now_v7(),
            declared: false,
            sampled: None,
            watched_at: None,
            swept_at: None,
        }
    }

    /// One look at everything, if we lead.
    async fn round(
        &mut self,
        db: &PgPool,
        clock: &SharedClock,
        registry: &Registry,
        options: &SchedulerOptions,
    ) -> Result<(), ScheduleError> {
        let now = clock.now();
        if !lead(db, self.id, options.lease, now).await? {
            return Ok(());
        }
        if !self.declared {
            schedules::declare(db, &options.schedules, now).await?;
            self.declared = true;
        }
        schedules::tick(db, registry, now).await?;
        sweep(db, clock, Sweep::LostWorkers).await;
        queues::settle(db, now).await?;
        settings::expire(db, clock).await?;
        seal(db).await;
        throttle::settle(db, now).await?;
        runner::advance(db, now).await?;
        let minute = trends::minute(now);
        if self.sampled != Some(minute) {
            trends::sample(db, now).await?;
            self.sampled = Some(minute);
        }
        if self.watched_at.is_none_or(|at| now - at >= WATCH_EVERY) {
            watch(db, clock, registry, options).await;
            self.watched_at = Some(now);
        }
        let every =
            chrono::Duration::from_std(options.sweep_every).unwrap_or(chrono::Duration::hours(1));
        if self.swept_at.is_none_or(|at| now - at >= every) {
            for due in HOURLY {
                sweep(db, clock, due).await;
            }
            self.swept_at = Some(now);
        }
        Ok(())
    }
}

/// Seals the audit log. Its failure keeps nothing else from running.
async fn seal(db: &PgPool) {
    if let Err(error) = audit::seal(db).await {
        tracing::warn!(%error, "the audit log could not be sealed; trying again");
    }
}

/// Watches for alerts. Neither its failure nor its length keeps anything else from running.
async fn watch(db: &PgPool, clock: &SharedClock, registry: &Registry, options: &SchedulerOptions) {
    let ctx = Ctx::new(db.clone(), clock.clone(), Actor::system("alerts"));
    match tokio::time::timeout(WATCH_TIMEOUT, alerts::watch(&ctx, registry, &options.outside)).await
    {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "alerts could not be watched for; trying again"),
        Err(_) => tracing::warn!("watching for alerts took too long; trying again"),
    }
}

/// Runs one sweep. Its failure is noted where operators see it, and keeps nothing else from running.
async fn sweep(db: &PgPool, clock: &SharedClock, sweep: Sweep) {
    if let Err(error) = sweeps::run(db, clock, sweep).await {
        tracing::warn!(%error, sweep = sweep.name(), "a sweep failed; it will be repeated");
    }
}

/// Takes or renews the lease of the one leader. Returns whether we lead.
async fn lead(db: &PgPool, me: Uuid, lease: Duration, now: Timestamp) -> Result<bool, sqlx::Error> {
    let until = now + chrono::Duration::from_std(lease).unwrap_or(chrono::Duration::minutes(1));
    let led = sqlx::query(
        "INSERT INTO leaders (name, holder, elected_at, lease_until) VALUES ('scheduler', $1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until,
             elected_at = CASE WHEN leaders.holder = excluded.holder
                 THEN leaders.elected_at ELSE excluded.elected_at END
         WHERE leaders.holder = excluded.holder OR leaders.lease_until <= $2",
    )
    .bind(me)
    .bind(now)
    .bind(until)
    .execute(db)
    .await?;
    Ok(led.rows_affected() == 1)
}

async fn resign(db: &PgPool, me: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM leaders WHERE name = 'scheduler' AND holder = $1")
        .bind(me)
        .execute(db)
        .await
        .map(drop)
}
