//! A worker: claims jobs, runs them, settles them, and keeps its lease. Three tasks share one
//! [`Shared`]: the dispatcher claims, the settler records, the keeper holds the lease and hears.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use signalbox_model::job::JobId;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock::SharedClock;
use crate::db::{HeldConnection, own_pool};
use crate::jobs::claim::Claimer;
use crate::jobs::execute::{Ended, execute};
use crate::jobs::handler::Registry;
use crate::jobs::row::ClaimedJob;
use crate::jobs::{lease, settle};
use crate::{kill_switch, notify};

/// At most this many jobs are claimed at once, and at most this many runs settled in one
/// transaction: where the gain of a larger batch ends. As many may be about to be recorded while
/// others run already.
const AT_ONCE: usize = 1000;

/// How long a task waits before it tries a database again that did not answer.
const DATABASE_RETRY: Duration = Duration::from_millis(500);

/// How a worker works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerOptions {
    /// Jobs at once, 1 or more.
    pub concurrency: usize,
    /// Its jobs are handed to others after this long without a heartbeat.
    pub lease: Duration,
    /// It looks for work at least this often, whatever it heard.
    pub poll: Duration,
}

impl Default for WorkerOptions {
    fn default() -> WorkerOptions {
        WorkerOptions {
            concurrency: 500,
            lease: Duration::from_secs(15),
            poll: Duration::from_millis(500),
        }
    }
}

struct Shared {
    /// For the handlers. The worker's tasks have connections of their own: handlers that use all
    /// of these keep it neither from its lease nor from its work.
    db: PgPool,
    clock: SharedClock,
    registry: Registry,
    options: WorkerOptions,
    /// One for every job that may run.
    places: Arc<Semaphore>,
    /// One for every job that may be in this worker's hands, running or about to be recorded.
    hands: Arc<Semaphore>,
    wake: Notify,
    /// No more claims.
    draining: CancellationToken,
    /// The tasks end.
    done: CancellationToken,
    /// This worker's id; another one after a lost lease.
    id: Mutex<Uuid>,
    /// A stop signal for each running job.
    stops: Mutex<HashMap<JobId, CancellationToken>>,
    stop_reason: Mutex<&'static str>,
    killed: AtomicBool,
    /// Runs began or ended since that was last told.
    moved: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run that has ended, and its place among those in hand.
type Run = (Ended, OwnedSemaphorePermit);

/// Room for jobs: places to run, and places in hand.
struct Room {
    place: OwnedSemaphorePermit,
    hand: OwnedSemaphorePermit,
}

impl Room {
    /// The room of one job, taken out of this.
    fn split_one(&mut self) -> Option<Room> {
        Some(Room { place: self.place.split(1)?, hand: self.hand.split(1)? })
    }
}

/// A worker at work.
pub struct Worker {
    shared: Arc<Shared>,
    dispatcher: JoinHandle<()>,
    settler: JoinHandle<()>,
    keeper: JoinHandle<()>,
}

impl Worker {
    /// Starts one. It works as soon as the database answers.
    pub fn start(
        db: PgPool,
        clock: SharedClock,
        registry: Registry,
        options: WorkerOptions,
    ) -> Worker {
        let options = WorkerOptions { concurrency: options.concurrency.max(1), ..options };
        let shared = Arc::new(Shared {
            db,
            clock,
            registry,
            options,
            places: Arc::new(Semaphore::new(options.concurrency)),
            hands: Arc::new(Semaphore::new(options.concurrency + AT_ONCE)),
            wake: Notify::new(),
            draining: CancellationToken::new(),
            done: CancellationToken::new(),
            id: Mutex::new(Uuid::nil()),
            stops: Mutex::new(HashMap::new()),
            stop_reason: Mutex::new("asked to stop"),
            killed: AtomicBool::new(false),
            moved: AtomicBool::new(false),
        });
        let (ended, runs) = mpsc::unbounded_channel();
        Worker {
            keeper: tokio::spawn(keep(shared.clone(), own_pool(&shared.db))),
            dispatcher: tokio::spawn(dispatch(shared.clone(), ended)),
            settler: tokio::spawn(settle_all(shared.clone(), runs)),
            shared,
        }
    }

    /// Stops it: no more claims at once; running jobs may end until `grace` is over, and then go
    /// back to their queues with no attempt spent.
    pub async fn shutdown<T>(self, grace: impl Future<Output = T>) {
        let shared = self.shared;
        shared.draining.cancel();
        let handed_in = tokio::select! {
            () = shared.empty_handed() => true,
            _ = grace => false,
        };
        if !handed_in {
            shared.stop_running("the worker shut down");
            // Bounded by the grace that `execute` gives each job, and the settling.
            if tokio::time::timeout(Duration::from_secs(5), shared.empty_handed()).await.is_err() {
                tracing::warn!("jobs were left to their lease at shutdown");
            }
        }
        shared.done.cancel();
        for task in [self.dispatcher, self.settler, self.keeper] {
            report(task.await);
        }
        let id = *lock(&shared.id);
        if let Err(error) = lease::deregister(&shared.db, id).await {
            tracing::warn!(%error, "could not deregister; the lease will run out");
        }
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a task of the worker had died");
    }
}

impl Shared {
    /// For how many more jobs there is room.
    fn free(&self) -> usize {
        self.places.available_permits().min(self.hands.available_permits()).min(AT_ONCE)
    }

    /// The room of so many jobs. Only the dispatcher takes any.
    fn take_room(&self, jobs: usize) -> Option<Room> {
        let jobs = u32::try_from(jobs).ok()?;
        Some(Room {
            place: self.places.clone().try_acquire_many_owned(jobs).ok()?,
            hand: self.hands.clone().try_acquire_many_owned(jobs).ok()?,
        })
    }

    /// So much room is always worth a claim.
    fn plenty(&self) -> usize {
        (self.options.concurrency / 2).clamp(1, AT_ONCE)
    }

    /// A little room is not claimed for while the settler is about to make more of it, and to
    /// wake us: two large claims cost half of what many small ones do.
    fn is_worth_a_claim(&self, free: usize) -> bool {
        free >= self.plenty() || (free > 0 && self.unrecorded() == 0)
    }

    /// Runs that have ended and are not yet recorded.
    fn unrecorded(&self) -> usize {
        let running = self.options.concurrency - self.places.available_permits();
        let in_hand = self.options.concurrency + AT_ONCE - self.hands.available_permits();
        in_hand.saturating_sub(running)
    }

    /// Resolves when no job is in this worker's hands.
    async fn empty_handed(&self) {
        let all = u32::try_from(self.options.concurrency + AT_ONCE).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _all = self.hands.acquire_many(all).await;
    }

    fn stop_running(&self, reason: &'static str) {
        *lock(&self.stop_reason) = reason;
        lock(&self.stops).values().for_each(CancellationToken::cancel);
    }
}

/// Claims whenever there are free places and a reason to look.
async fn dispatch(shared: Arc<Shared>, ended: mpsc::UnboundedSender<Run>) {
    let mut claimer = Claimer::default();
    let mut conn = HeldConnection::like(&shared.db);
    loop {
        let again = match claim_some(&shared, &mut claimer, &mut conn, &ended).await {
            Ok(again) => again,
            Err(error) => {
                tracing::warn!(%error, "could not claim");
                conn.close();
                tokio::time::sleep(DATABASE_RETRY).await;
                false
            }
        };
        if again && !shared.draining.is_cancelled() {
            continue;
        }
        tokio::select! {
            () = shared.wake.notified() => {}
            () = tokio::time::sleep(shared.options.poll) => {}
            () = shared.draining.cancelled() => return,
        }
    }
}

/// Claims for all free places. Returns whether it is worth to claim again at once.
async fn claim_some(
    shared: &Arc<Shared>,
    claimer: &mut Claimer,
    conn: &mut HeldConnection,
    ended: &mpsc::UnboundedSender<Run>,
) -> Result<bool, sqlx::Error> {
    let id = *lock(&shared.id);
    let free = shared.free();
    if id.is_nil() || shared.draining.is_cancelled() || !shared.is_worth_a_claim(free) {
        return Ok(false);
    }
    // Taken before the claim, so that a job is in hand from the moment it is leased: a shutdown
    // waits for a claim that is under way.
    let Some(mut room) = shared.take_room(free) else { return Ok(false) };
    let conn = conn.get().await?;
    let claimed = claimer.claim(conn, &shared.registry, id, free, shared.clock.now()).await?;
    if !claimed.jobs.is_empty() {
        shared.moved.store(true, Ordering::Relaxed);
    }
    for job in claimed.jobs {
        let Some(room) = room.split_one() else { break };
        start(shared, job, room, ended.clone());
    }
    Ok(claimed.again)
}

fn start(shared: &Arc<Shared>, job: ClaimedJob, room: Room, ended: mpsc::UnboundedSender<Run>) {
    let Room { place, hand } = room;
    let stop = CancellationToken::new();
    lock(&shared.stops).insert(job.id, stop.clone());
    let shared = shared.clone();
    tokio::spawn(async move {
        let run = execute(&shared.db, &shared.clock, &shared.registry, job, stop).await;
        // The settler outlives every run; without it the lease hands the job on.
        ended.send((run, hand)).ok();
        drop(place);
        if shared.free() >= shared.plenty() {
            shared.wake.notify_one();
        }
    });
}

/// Settles ended runs, as many at once as have ended meanwhile.
async fn settle_all(shared: Arc<Shared>, mut runs: mpsc::UnboundedReceiver<Run>) {
    let mut conn = HeldConnection::like(&shared.db);
    let mut batch = Vec::with_capacity(AT_ONCE);
    loop {
        tokio::select! {
            biased;
            received = runs.recv_many(&mut batch, AT_ONCE) => if received == 0 { return },
            () = shared.done.cancelled() => return,
        }
        gather(&mut batch, &mut runs).await;
        let (ended, hands): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        forget_stops(&shared, &ended);
        let reason = *lock(&shared.stop_reason);
        while let Err(error) = record(&shared, &mut conn, &ended, reason).await {
            // The runs are kept: the lease decides whether they still count when the database is back.
            tracing::warn!(%error, runs = ended.len(), "could not settle; trying again");
            conn.close();
            if shared.done.is_cancelled() {
                return;
            }
            tokio::time::sleep(DATABASE_RETRY).await;
        }
        drop(hands);
        shared.wake.notify_one();
    }
}

/// Lets runs that are just about to end join the batch: as long as every turn of the runtime
/// brings more of them, and no longer.
async fn gather(batch: &mut Vec<Run>, runs: &mut mpsc::UnboundedReceiver<Run>) {
    loop {
        tokio::task::yield_now().await;
        let before = batch.len();
        while batch.len() < AT_ONCE
            && let Ok(run) = runs.try_recv()
        {
            batch.push(run);
        }
        if batch.len() == before || batch.len() == AT_ONCE {
            return;
        }
    }
}

/// Before the runs are recorded: once they are, the same job may be claimed again, with a stop
/// signal of its own.
fn forget_stops(shared: &Shared, ended: &[Ended]) {
    let mut stops = lock(&shared.stops);
    ended.iter().for_each(|run| drop(stops.remove(&run.job.id)));
}

async fn record(
    shared: &Shared,
    conn: &mut HeldConnection,
    ended: &[Ended],
    reason: &str,
) -> Result<(), sqlx::Error> {
    let conn = conn.get().await?;
    let settled = settle::settle(conn, ended, shared.clock.now(), reason).await?;
    shared.moved.store(true, Ordering::Relaxed);
    if settled.fenced > 0 {
        tracing::warn!(
            runs = settled.fenced,
            "runs ended after their lease was lost; not recorded"
        );
    }
    Ok(())
}

/// Keeps the lease, hears notifications, and passes on orders to stop.
async fn keep(shared: Arc<Shared>, db: PgPool) {
    let heartbeat = shared.options.lease / 3;
    let mut listener = None;
    let mut next_heartbeat = tokio::time::Instant::now();
    while !shared.done.is_cancelled() {
        if tokio::time::Instant::now() >= next_heartbeat {
            if let Err(error) = hold_lease(&shared, &db).await {
                tracing::warn!(%error, "could not renew the lease");
            }
            next_heartbeat = tokio::time::Instant::now() + heartbeat;
        }
        if listener.is_none() {
            listener = notify::listen(&own_pool(&shared.db)).await.ok();
        }
        shared.wake.notify_one();
        if let Err(error) = obey(&shared, &db).await {
            tracing::warn!(%error, "could not read the controls");
        }
        if let Err(error) = tell_of_runs(&shared, &db).await {
            tracing::warn!(%error, "could not tell of runs");
        }
        let pause = tokio::time::sleep(shared.options.poll.min(heartbeat));
        tokio::select! {
            () = heard_of_controls(&mut listener, &shared.wake) => {}
            () = pause => {}
            () = shared.done.cancelled() => {}
        }
    }
}

/// Tells those who watch that runs began or ended since the last time.
async fn tell_of_runs(shared: &Shared, db: &PgPool) -> Result<(), sqlx::Error> {
    if shared.moved.swap(false, Ordering::Relaxed) {
        notify::notify(db, notify::RUNS).await?;
    }
    Ok(())
}

/// Wakes the dispatcher for every word of new jobs; resolves when the controls have changed, or
/// the listener is lost. Never resolves without one.
async fn heard_of_controls(listener: &mut Option<PgListener>, wake: &Notify) {
    loop {
        let Some(open) = listener else { return std::future::pending().await };
        match open.recv().await {
            Ok(word) if word.channel() == notify::JOBS => wake.notify_one(),
            Ok(_) => return,
            Err(_) => {
                *listener = None;
                return;
            }
        }
    }
}

/// Renews the lease. One that was lost means that the jobs may run elsewhere already: they are
/// dropped here, and the worker goes on under a new id.
async fn hold_lease(shared: &Shared, db: &PgPool) -> Result<(), sqlx::Error> {
    let id = *lock(&shared.id);
    let now = shared.clock.now();
    if !id.is_nil() && lease::renew(db, id, shared.options.lease, now).await? {
        return Ok(());
    }
    if !id.is_nil() {
        tracing::warn!(worker = %id, "the lease was lost");
        shared.stop_running("the worker lost its lease");
    }
    let name = format!("{}:{}", hostname(), std::process::id());
    let new = lease::register(db, &shared.registry, &name, shared.options.lease, now).await?;
    *lock(&shared.id) = new;
    Ok(())
}

fn hostname() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "worker".to_owned())
}

/// Stops what is to stop: everything while the kill switch is on, and single jobs that were
/// cancelled or are held.
async fn obey(shared: &Shared, db: &PgPool) -> Result<(), sqlx::Error> {
    let active = kill_switch::position(db).await?.active;
    let was_active = shared.killed.swap(active, Ordering::Relaxed);
    if active {
        shared.stop_running("the kill switch was turned on");
    } else if was_active {
        *lock(&shared.stop_reason) = "asked to stop";
    }
    let id = *lock(&shared.id);
    let unwanted: Vec<JobId> = sqlx::query_scalar(
        "SELECT id FROM jobs_running WHERE worker_id = $1 AND cancel_requested_at IS NOT NULL
         UNION
         SELECT r.id FROM job_holds h JOIN jobs_running r ON r.id = h.job_id
         WHERE r.worker_id = $1",
    )
    .bind(id)
    .fetch_all(db)
    .await?;
    let stops = lock(&shared.stops);
    for id in unwanted {
        if let Some(stop) = stops.get(&id) {
            stop.cancel();
        }
    }
    Ok(())
}
