//! The claim: which jobs may start now. First how many of each lane (queue and kind), from the
//! gates alone; then those rows, in one statement. The gates are asked in the order of DESIGN,
//! rule 2: kill switch, pause, breaker, rate, concurrency.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Deserialize;
use signalbox_model::Timestamp;
use signalbox_model::breaker::BreakerState;
use signalbox_model::job::JobId;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{Connection, PgConnection, PgPool, Row};
use tokio::time::Instant;
use uuid::Uuid;

use crate::breaker;
use crate::breaker::step::{cooled_down, trials_left};
use crate::breaker::store::Stored;
use crate::jobs::handler::{KindSpec, Registry};
use crate::jobs::row::ClaimedJob;
use crate::jobs::transitions::{self, Allowance};
use crate::limits::Bucket;
use crate::provider::Operation;
use crate::settings::Settings;
use crate::throttle::Throttles;

/// Serialises the claims of gated lanes, so that two workers cannot both take the last place. An
/// arbitrary number, unique among our advisory locks.
const GATED_CLAIM_LOCK: i64 = 0x7369_676e_616c_0001;

/// At most this many due jobs are promoted before one claim.
const PROMOTE_AT_ONCE: i64 = 1000;

/// Everything that gates the claim, at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gates {
    pub kill_switch: Option<String>,
    pub settings: Settings,
    pub breakers: HashMap<String, Stored>,
    pub buckets: HashMap<String, Bucket>,
    pub throttles: Throttles,
    /// How many jobs run, by queue and kind.
    pub running: Vec<(String, String, i64)>,
}

impl Gates {
    /// Reads them in one statement, and one more while the auto-throttle is on: they stand before
    /// every claim of a kind that has a limit.
    pub(crate) async fn read(
        conn: &mut PgConnection,
        now: Timestamp,
    ) -> Result<Gates, sqlx::Error> {
        let row = sqlx::query(
            "SELECT (SELECT coalesce(reason, '') FROM kill_switch WHERE active) AS kill_switch,
                    (SELECT coalesce(json_object_agg(key, value), '{}') FROM settings_at($1)) AS settings,
                    (SELECT coalesce(json_object_agg(provider, b), '{}') FROM circuit_breakers b) AS breakers,
                    (SELECT coalesce(json_object_agg(setting, b), '{}') FROM rate_buckets b) AS buckets,
                    (SELECT coalesce(json_agg(json_build_array(queue, kind, jobs)), '[]')
                     FROM (SELECT queue, kind, count(*) AS jobs FROM jobs_running GROUP BY queue, kind) r)
                        AS running",
        )
        .bind(now)
        .fetch_one(&mut *conn)
        .await?;
        let Json(settings) = row.try_get("settings")?;
        let Json(breakers) = row.try_get("breakers")?;
        let Json(buckets) = row.try_get("buckets")?;
        let Json(running) = row.try_get("running")?;
        let throttles = Throttles::read(conn, &settings, now).await?;
        let kill_switch = row.try_get("kill_switch")?;
        Ok(Gates { kill_switch, settings, breakers, buckets, throttles, running })
    }

    /// The bucket of `operation`'s rate, at `now`.
    pub(crate) fn bucket(&self, operation: Operation, now: Timestamp) -> Bucket {
        let rpm = self.throttles.rpm(&self.settings, operation);
        self.buckets
            .get(operation.rate)
            .copied()
            .unwrap_or_else(|| Bucket::full(rpm, now))
            .refilled(rpm, now)
    }

    /// How many jobs of `kind` run.
    pub(crate) fn running_of_kind(&self, kind: &str) -> i64 {
        self.running.iter().filter(|(_, of, _)| of == kind).map(|(_, _, n)| n).sum()
    }

    /// How many jobs of `queue` run.
    pub(crate) fn running_in_queue(&self, queue: &str) -> i64 {
        self.running.iter().filter(|(of, _, _)| of == queue).map(|(_, _, n)| n).sum()
    }

    /// How many jobs run that call `provider`.
    fn running_against(&self, registry: &Registry, provider: &str) -> i64 {
        registry
            .specs()
            .filter(|spec| spec.calls.is_some_and(|(operation, _)| operation.provider == provider))
            .map(|spec| self.running_of_kind(spec.name))
            .sum()
    }
}

/// How many more jobs each gate lets through; what several lanes share is shared out here.
struct Budget<'a> {
    gates: &'a Gates,
    registry: &'a Registry,
    now: Timestamp,
    left: HashMap<Gate<'a>, i64>,
}

/// What is shared out: places at a provider's breaker, calls of a rate, places of a kind or queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Gate<'a> {
    Breaker(&'a str),
    Rate(Operation),
    Kind(&'a str),
    Queue(&'a str),
}

impl<'a> Budget<'a> {
    /// Of `wanted` jobs of this lane, how many may start now; takes them out of the budget.
    fn take(&mut self, lane: &'a Lane, spec: &'a KindSpec, wanted: i64) -> i64 {
        let jobs = wanted.min(self.room(lane, spec)).max(0);
        for (gate, each) in self.gates_of(lane, spec) {
            *self.left.entry(gate).or_default() -= each * jobs;
        }
        jobs
    }

    /// How many jobs of this lane its gates let through: the narrowest decides.
    fn room(&mut self, lane: &'a Lane, spec: &'a KindSpec) -> i64 {
        let gates = self.gates_of(lane, spec);
        gates
            .iter()
            .map(|(gate, each)| self.left(*gate, lane, spec) / each)
            .min()
            .unwrap_or(i64::MAX)
    }

    /// The gates on the way of this lane, in the order of DESIGN, rule 2, and how much of each one
    /// job takes.
    fn gates_of(&self, lane: &'a Lane, spec: &'a KindSpec) -> Vec<(Gate<'a>, i64)> {
        let provider = spec.calls.iter().flat_map(|(operation, calls)| {
            let calls = i64::from(*calls).max(1);
            [(Gate::Breaker(operation.provider), 1), (Gate::Rate(*operation), calls)]
        });
        let kind = spec.concurrency.map(|setting| (Gate::Kind(setting), 1));
        let queue = lane.max_concurrent.map(|_| (Gate::Queue(&lane.queue), 1));
        provider.chain(kind).chain(queue).collect()
    }

    /// What is left of `gate`, on the way of this lane.
    fn left(&mut self, gate: Gate<'a>, lane: &Lane, spec: &KindSpec) -> i64 {
        if let Some(left) = self.left.get(&gate) {
            return *left;
        }
        let left = match gate {
            Gate::Breaker(provider) => self.trials(provider),
            Gate::Rate(operation) => self.gates.bucket(operation, self.now).calls(self.now),
            Gate::Kind(setting) => {
                self.gates.settings.get(setting) - self.gates.running_of_kind(spec.name)
            }
            Gate::Queue(queue) => {
                lane.max_concurrent.unwrap_or(i64::MAX) - self.gates.running_in_queue(queue)
            }
        };
        self.left.insert(gate, left);
        left
    }

    fn trials(&self, provider: &str) -> i64 {
        let Some(stored) = self.gates.breakers.get(provider) else { return i64::MAX };
        let circuit = cooled_down(stored.circuit, self.now);
        match circuit.state {
            BreakerState::Closed => i64::MAX,
            BreakerState::Open => 0,
            BreakerState::HalfOpen => {
                let tuning = breaker::tuning(&self.gates.settings, provider);
                i64::from(trials_left(&circuit, tuning, self.now))
                    - self.gates.running_against(self.registry, provider)
            }
        }
    }
}

/// Claims for one worker. Remembers where in each lane the last claim ended, so that a run of
/// claims need not look at the queues each time, nor pass again over the places of jobs that are
/// gone: as long as any old transaction is open anywhere, PostgreSQL keeps all of those.
#[derive(Debug)]
pub struct Claimer {
    db: PgPool,
    standing: Option<Standing>,
}

/// What the last look at the queues found, while it may be relied on.
#[derive(Debug)]
struct Standing {
    lanes: Vec<Lane>,
    until: Instant,
}

/// So long a look at the queues may be relied on, at least: a pause, or a more urgent job, waits
/// no longer than that for a busy worker. At most so long, if looking has become slow.
const STANDING: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(1);

impl Claimer {
    /// One that claims through `db`.
    pub fn new(db: PgPool) -> Claimer {
        Claimer { db, standing: None }
    }

    /// Leases up to `free` jobs to `worker`. Promotes what has become due first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn claim(
        &mut self,
        registry: &Registry,
        worker: Uuid,
        free: usize,
        now: Timestamp,
    ) -> Result<Vec<ClaimedJob>, sqlx::Error> {
        let mut conn = self.db.acquire().await?;
        if let Some(standing) = self.standing.take().filter(|of| Instant::now() < of.until) {
            let allowances = share_out(&standing.lanes, &Gates::default(), registry, free, now);
            let jobs = start(&mut conn, &allowances, worker, now).await?;
            self.standing = standing.after(&allowances, &jobs);
            if !jobs.is_empty() {
                return Ok(jobs);
            }
        }
        let began = Instant::now();
        let Some(lanes) = look(&mut conn, now).await? else { return Ok(Vec::new()) };
        // Looking must stay a small part of the work.
        let until = began + (10 * began.elapsed()).clamp(*STANDING.start(), *STANDING.end());
        if lanes.iter().any(|lane| lane.is_gated(registry)) {
            return claim_gated(&mut conn, &lanes, registry, worker, free, now).await;
        }
        let allowances = share_out(&lanes, &Gates::default(), registry, free, now);
        let jobs = start(&mut conn, &allowances, worker, now).await?;
        self.standing = Standing { lanes, until }.after(&allowances, &jobs);
        Ok(jobs)
    }
}

impl Standing {
    /// What stands after a claim: nothing, if it did not find all it was allowed to take.
    fn after(mut self, allowances: &Allowances, claimed: &[ClaimedJob]) -> Option<Standing> {
        let allowed: i64 = allowances.lanes.iter().map(|lane| lane.jobs).sum();
        if usize::try_from(allowed).is_ok_and(|allowed| allowed > claimed.len()) {
            return None;
        }
        for lane in &mut self.lanes {
            let of_lane = |job: &&ClaimedJob| job.queue == lane.queue && job.kind == lane.kind;
            let places =
                claimed.iter().filter(of_lane).map(|job| (job.priority, job.run_at, job.id));
            if let Some((priority, run_at, id)) = places.max() {
                (lane.priority, lane.run_at, lane.id) = (priority, run_at, id + 1);
            }
        }
        Some(self)
    }
}

/// The lanes with work, once what is due has been promoted; none while the kill switch is on.
async fn look(conn: &mut PgConnection, now: Timestamp) -> Result<Option<Vec<Lane>>, sqlx::Error> {
    let mut outlook = Outlook::read(conn, now).await?;
    if outlook.due && !outlook.stopped {
        transitions::promote_due(conn, now, PROMOTE_AT_ONCE).await?;
        outlook = Outlook::read(conn, now).await?;
    }
    Ok((!outlook.stopped).then_some(outlook.lanes))
}

/// Claims where some of the lanes have gates: under a lock, but only if any of those is open.
async fn claim_gated(
    conn: &mut PgConnection,
    lanes: &[Lane],
    registry: &Registry,
    worker: Uuid,
    free: usize,
    now: Timestamp,
) -> Result<Vec<ClaimedJob>, sqlx::Error> {
    // Asked without the lock first: a closed gate, the usual answer under load, costs the others
    // nothing then.
    let allowances = share_out(lanes, &Gates::read(conn, now).await?, registry, free, now);
    if !allowances.gated {
        return start(conn, &allowances, worker, now).await;
    }
    let mut tx = conn.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(GATED_CLAIM_LOCK)
        .execute(&mut *tx)
        .await?;
    let allowances = share_out(lanes, &Gates::read(&mut tx, now).await?, registry, free, now);
    let jobs = start(&mut tx, &allowances, worker, now).await?;
    tx.commit().await?;
    Ok(jobs)
}

/// Leases what the gates allow. The jobs that operators want run next go first; a wish is
/// forgotten once its job runs, whichever way it was claimed.
async fn start(
    conn: &mut PgConnection,
    allowances: &Allowances,
    worker: Uuid,
    now: Timestamp,
) -> Result<Vec<ClaimedJob>, sqlx::Error> {
    let mut jobs = Vec::new();
    if !allowances.expedited.is_empty() {
        jobs = transitions::claim_expedited(conn, &allowances.expedited, worker, now).await?;
    }
    if !allowances.lanes.is_empty() {
        jobs.extend(transitions::claim(conn, &allowances.lanes, worker, now).await?);
    }
    if !allowances.expedited.is_empty() {
        transitions::forget_expedited(conn, &jobs).await?;
    }
    Ok(jobs)
}

/// The due jobs of one kind in one queue, and the place of the first of them. Or, with `only`, one
/// job that an operator wants run next, whatever its queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Lane {
    queue: String,
    kind: String,
    priority: i16,
    run_at: Timestamp,
    id: JobId,
    /// The bound of the queue: how many of its jobs may run at once.
    max_concurrent: Option<i64>,
    /// While the queue is drained: only jobs up to this id.
    up_to: Option<JobId>,
    only: Option<JobId>,
}

impl Lane {
    /// Whether more must be known than the lane itself before one of its jobs may start.
    fn is_gated(&self, registry: &Registry) -> bool {
        self.only.is_some()
            || self.max_concurrent.is_some()
            || registry
                .kind(&self.kind)
                .is_some_and(|kind| kind.spec.concurrency.is_some() || kind.spec.calls.is_some())
    }
}

/// What there is to do, and whether anything may be done: all that most claims need to know.
struct Outlook {
    /// The kill switch is on.
    stopped: bool,
    /// A scheduled job has become due.
    due: bool,
    lanes: Vec<Lane>,
}

impl Outlook {
    /// Reads it in one statement. The lanes with work are found by skipping from lane to lane in
    /// the claim's index: that costs as many probes as there are lanes, however many jobs wait.
    async fn read(conn: &mut PgConnection, now: Timestamp) -> Result<Outlook, sqlx::Error> {
        sqlx::query(
            "WITH RECURSIVE head AS (
                 (SELECT queue, kind, priority, run_at, id FROM jobs_ready
                  ORDER BY queue, kind, priority, run_at, id LIMIT 1)
                 UNION ALL
                 SELECT next.* FROM head CROSS JOIN LATERAL (
                     SELECT queue, kind, priority, run_at, id FROM jobs_ready r
                     WHERE (r.queue, r.kind) > (head.queue, head.kind)
                     ORDER BY queue, kind, priority, run_at, id LIMIT 1
                 ) next
             ), lane AS (
                 SELECT head.*, q.max_concurrent, q.drain_up_to AS up_to, NULL::bigint AS only
                 FROM head LEFT JOIN queues q ON q.name = head.queue
                 WHERE q.paused_at IS NULL OR q.paused_until <= $1
                 UNION ALL
                 SELECT r.queue, r.kind, 0, e.requested_at, r.id, NULL, NULL, r.id
                 FROM expedited_jobs e JOIN jobs_ready r ON r.id = e.job_id
             )
             SELECT (SELECT active FROM kill_switch) AS stopped,
                    EXISTS (SELECT FROM jobs_scheduled WHERE run_at <= $1) AS due,
                    (SELECT coalesce(json_agg(lane), '[]') FROM lane) AS lanes",
        )
        .bind(now)
        .try_map(|row: PgRow| {
            let Json(lanes) = row.try_get("lanes")?;
            Ok(Outlook { stopped: row.try_get("stopped")?, due: row.try_get("due")?, lanes })
        })
        .fetch_one(conn)
        .await
    }
}

/// What may start now.
#[derive(Debug, Default, PartialEq, Eq)]
struct Allowances {
    /// How many of which lane.
    lanes: Vec<Allowance>,
    /// Jobs that operators want run next.
    expedited: Vec<JobId>,
    /// Whether any of it passed a gate.
    gated: bool,
}

/// Shares `free` places out among the lanes whose gates are open. Lanes of a more urgent head go
/// first; lanes of the same priority get equal parts, so that a long one cannot starve the rest.
fn share_out(
    lanes: &[Lane],
    gates: &Gates,
    registry: &Registry,
    free: usize,
    now: Timestamp,
) -> Allowances {
    let mut allowances = Allowances::default();
    if gates.kill_switch.is_some() {
        return allowances;
    }
    let mut budget = Budget { gates, registry, now, left: HashMap::new() };
    let mut lanes: Vec<_> = lanes
        .iter()
        .filter_map(|lane| registry.kind(&lane.kind).map(|kind| (lane, &kind.spec)))
        // A closed lane must not hold places back from its peers.
        .filter(|(lane, spec)| budget.room(lane, spec) > 0)
        .collect();
    lanes.sort_by_key(|(lane, _)| (lane.priority, lane.run_at));
    let mut free = i64::try_from(free).unwrap_or(i64::MAX);
    for (index, (lane, spec)) in lanes.iter().enumerate() {
        let peers =
            lanes[index..].iter().filter(|(peer, _)| peer.priority == lane.priority).count();
        let part = (free / i64::try_from(peers).unwrap_or(1)).max(1).min(free);
        let wanted = if lane.only.is_some() { part.min(1) } else { part };
        let jobs = budget.take(lane, spec, wanted);
        if jobs == 0 {
            continue;
        }
        free -= jobs;
        allowances.gated |= lane.is_gated(registry);
        match lane.only {
            Some(id) => allowances.expedited.push(id),
            None => allowances.lanes.push(Allowance {
                queue: lane.queue.clone(),
                kind: lane.kind.clone(),
                jobs,
                from: (lane.priority, lane.run_at, lane.id),
                up_to: lane.up_to,
            }),
        }
    }
    allowances
}
