//! The claim: which jobs may start now. First how many of each lane (queue and kind), from the
//! gates alone; then those rows, in one statement. The gates are asked in the order of DESIGN,
//! rule 2: kill switch, pause, breaker, rate, concurrency.

use std::collections::HashMap;

use serde::Deserialize;
use signalbox_model::Timestamp;
use signalbox_model::breaker::BreakerState;
use signalbox_model::job::JobId;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{Connection, PgConnection, PgPool, Row};
use uuid::Uuid;

use crate::breaker;
use crate::breaker::step::{cooled_down, trials_left};
use crate::breaker::store::{self, Stored};
use crate::jobs::handler::{KindSpec, Registry};
use crate::jobs::row::ClaimedJob;
use crate::jobs::transitions::{self, Allowance};
use crate::kill_switch;
use crate::limits::{self, Bucket};
use crate::settings::Settings;

/// Serialises the claims of kinds that have a limit, so that two workers cannot both take the
/// last place. An arbitrary number, unique among our advisory locks.
const LIMITED_CLAIM_LOCK: i64 = 0x7369_676e_616c_0001;

/// At most this many due jobs are promoted before one claim.
const PROMOTE_AT_ONCE: i64 = 1000;

/// Everything that gates the claim, at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gates {
    pub kill_switch: Option<String>,
    pub settings: Settings,
    pub breakers: HashMap<String, Stored>,
    pub buckets: HashMap<String, Bucket>,
    /// How many jobs run, by queue and kind.
    pub running: Vec<(String, String, i64)>,
}

impl Gates {
    pub(crate) async fn read(conn: &mut PgConnection) -> Result<Gates, sqlx::Error> {
        let switch = kill_switch::position(&mut *conn).await?;
        let running =
            sqlx::query_as("SELECT queue, kind, count(*) FROM jobs_running GROUP BY queue, kind")
                .fetch_all(&mut *conn)
                .await?;
        Ok(Gates {
            kill_switch: switch.active.then(|| switch.reason.unwrap_or_default()),
            settings: Settings::read(&mut *conn).await?,
            breakers: store::read_all(conn).await?.into_iter().collect(),
            buckets: limits::read_all(conn).await?.into_iter().collect(),
            running,
        })
    }

    /// The bucket of a rate setting, at `now`.
    pub(crate) fn bucket(&self, setting: &str, now: Timestamp) -> Bucket {
        let rpm = self.settings.get(setting);
        self.buckets
            .get(setting)
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
    Rate(&'a str),
    Kind(&'a str),
    Queue(&'a str),
}

impl<'a> Budget<'a> {
    /// Of `wanted` jobs of this lane, how many may start now; takes them out of the budget.
    fn take(&mut self, lane: &'a Lane, spec: &'a KindSpec, wanted: i64) -> i64 {
        let mut allowed = wanted;
        let mut asked: Vec<(Gate<'a>, i64)> = Vec::new();
        if let Some((operation, calls)) = spec.calls {
            let trials = self.trials(operation.provider);
            let breaker = Gate::Breaker(operation.provider);
            asked.push((breaker, 1));
            allowed = allowed.min(*self.left.entry(breaker).or_insert(trials));
            let tokens = self.gates.bucket(operation.rate, self.now).calls(self.now);
            let rate = Gate::Rate(operation.rate);
            asked.push((rate, i64::from(calls)));
            allowed =
                allowed.min(*self.left.entry(rate).or_insert(tokens) / i64::from(calls.max(1)));
        }
        if let Some(setting) = spec.concurrency {
            let free = self.gates.settings.get(setting) - self.gates.running_of_kind(spec.name);
            asked.push((Gate::Kind(setting), 1));
            allowed = allowed.min(*self.left.entry(Gate::Kind(setting)).or_insert(free));
        }
        if let Some(bound) = lane.max_concurrent {
            let free = bound - self.gates.running_in_queue(&lane.queue);
            let queue = Gate::Queue(&lane.queue);
            asked.push((queue, 1));
            allowed = allowed.min(*self.left.entry(queue).or_insert(free));
        }
        let allowed = allowed.max(0);
        for (gate, each) in asked {
            *self.left.entry(gate).or_default() -= each * allowed;
        }
        allowed
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

/// Leases up to `free` jobs to `worker`. Promotes what has become due first.
///
/// # Errors
/// When the database does not answer.
pub async fn claim(
    db: &PgPool,
    registry: &Registry,
    worker: Uuid,
    free: usize,
    now: Timestamp,
) -> Result<Vec<ClaimedJob>, sqlx::Error> {
    let mut conn = db.acquire().await?;
    let mut outlook = Outlook::read(&mut conn, now).await?;
    if outlook.stopped {
        return Ok(Vec::new());
    }
    if outlook.due {
        transitions::promote_due(&mut conn, now, PROMOTE_AT_ONCE).await?;
        outlook = Outlook::read(&mut conn, now).await?;
    }
    let lanes = outlook.lanes;
    if lanes.iter().all(|lane| !lane.is_limited(registry)) {
        let allowances = share_out(&lanes, &Gates::default(), registry, free, now);
        return start(&mut conn, &allowances, worker, now).await;
    }
    // Asked without the lock first: a closed gate, the usual answer under load, costs the others
    // nothing then.
    let gates = Gates::read(&mut conn).await?;
    let allowances = share_out(&lanes, &gates, registry, free, now);
    let limited = |allowance: &Allowance| {
        lanes.iter().any(|lane| lane.is_allowed_by(allowance) && lane.is_limited(registry))
    };
    if !allowances.iter().any(limited) {
        return start(&mut conn, &allowances, worker, now).await;
    }
    let mut tx = conn.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LIMITED_CLAIM_LOCK)
        .execute(&mut *tx)
        .await?;
    let gates = Gates::read(&mut tx).await?;
    let allowances = share_out(&lanes, &gates, registry, free, now);
    let jobs = start(&mut tx, &allowances, worker, now).await?;
    tx.commit().await?;
    Ok(jobs)
}

async fn start(
    conn: &mut PgConnection,
    allowances: &[Allowance],
    worker: Uuid,
    now: Timestamp,
) -> Result<Vec<ClaimedJob>, sqlx::Error> {
    if allowances.is_empty() {
        return Ok(Vec::new());
    }
    transitions::claim(conn, allowances, worker, now).await
}

/// The due jobs of one kind in one queue, and the urgency of the first of them. Or, with `only`,
/// one job that an operator wants run next, whatever its queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Lane {
    queue: String,
    kind: String,
    priority: i16,
    run_at: Timestamp,
    /// The bound of the queue: how many of its jobs may run at once.
    max_concurrent: Option<i64>,
    /// While the queue is drained: only jobs up to this id.
    up_to: Option<JobId>,
    only: Option<JobId>,
}

impl Lane {
    /// Whether how many of its jobs run must be known before one more may start.
    fn is_limited(&self, registry: &Registry) -> bool {
        self.max_concurrent.is_some()
            || registry
                .kind(&self.kind)
                .is_some_and(|kind| kind.spec.concurrency.is_some() || kind.spec.calls.is_some())
    }

    fn is_allowed_by(&self, allowance: &Allowance) -> bool {
        self.queue == allowance.queue && self.kind == allowance.kind && self.only == allowance.only
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
                 (SELECT queue, kind, priority, run_at FROM jobs_ready
                  ORDER BY queue, kind, priority, run_at, id LIMIT 1)
                 UNION ALL
                 SELECT next.* FROM head CROSS JOIN LATERAL (
                     SELECT queue, kind, priority, run_at FROM jobs_ready r
                     WHERE (r.queue, r.kind) > (head.queue, head.kind)
                     ORDER BY queue, kind, priority, run_at, id LIMIT 1
                 ) next
             ), lane AS (
                 SELECT head.*, q.max_concurrent, q.drain_up_to AS up_to, NULL::bigint AS only
                 FROM head LEFT JOIN queues q ON q.name = head.queue
                 WHERE q.paused_at IS NULL OR q.paused_until <= $1
                 UNION ALL
                 SELECT r.queue, r.kind, 0, e.requested_at, NULL, NULL, r.id
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

/// Shares `free` places out among the lanes whose gates are open. Lanes of a more urgent head go
/// first; lanes of the same priority get equal parts, so that a long one cannot starve the rest.
fn share_out(
    lanes: &[Lane],
    gates: &Gates,
    registry: &Registry,
    free: usize,
    now: Timestamp,
) -> Vec<Allowance> {
    if gates.kill_switch.is_some() {
        return Vec::new();
    }
    let mut lanes: Vec<_> = lanes
        .iter()
        .filter_map(|lane| registry.kind(&lane.kind).map(|kind| (lane, &kind.spec)))
        .collect();
    lanes.sort_by_key(|(lane, _)| (lane.priority, lane.run_at));
    let mut budget = Budget { gates, registry, now, left: HashMap::new() };
    let mut free = i64::try_from(free).unwrap_or(i64::MAX);
    let mut allowances = Vec::new();
    for (index, (lane, spec)) in lanes.iter().enumerate() {
        let peers =
            lanes[index..].iter().filter(|(peer, _)| peer.priority == lane.priority).count();
        let part = (free / i64::try_from(peers).unwrap_or(1)).max(1).min(free);
        let wanted = if lane.only.is_some() { part.min(1) } else { part };
        let jobs = budget.take(lane, spec, wanted);
        if jobs > 0 {
            free -= jobs;
            allowances.push(Allowance {
                queue: lane.queue.clone(),
                kind: lane.kind.clone(),
                jobs,
                up_to: lane.up_to,
                only: lane.only,
            });
        }
    }
    allowances
}
