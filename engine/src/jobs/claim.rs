//! The claim: which jobs may start now. First how many of each lane (queue and kind), from the
//! gates alone; then those rows, in one statement. The gates are asked in the order of DESIGN,
//! rule 2: kill switch, breaker, rate, concurrency.

use std::collections::HashMap;

use signalbox_model::Timestamp;
use signalbox_model::breaker::BreakerState;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

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
    pub running: HashMap<String, i64>,
}

impl Gates {
    pub(crate) async fn read(conn: &mut PgConnection) -> Result<Gates, sqlx::Error> {
        let switch = kill_switch::position(&mut *conn).await?;
        let running: Vec<(String, i64)> =
            sqlx::query_as("SELECT kind, count(*) FROM jobs_running GROUP BY kind")
                .fetch_all(&mut *conn)
                .await?;
        Ok(Gates {
            kill_switch: switch.active.then(|| switch.reason.unwrap_or_default()),
            settings: Settings::read(&mut *conn).await?,
            breakers: store::read_all(conn).await?.into_iter().collect(),
            buckets: limits::read_all(conn).await?.into_iter().collect(),
            running: running.into_iter().collect(),
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

    /// How many jobs run that call `provider`.
    fn running_against(&self, registry: &Registry, provider: &str) -> i64 {
        registry
            .specs()
            .filter(|spec| spec.calls.is_some_and(|(operation, _)| operation.provider == provider))
            .filter_map(|spec| self.running.get(spec.name))
            .sum()
    }
}

/// How many more jobs each gate lets through; what several lanes share is shared out here.
struct Budget<'a> {
    gates: &'a Gates,
    registry: &'a Registry,
    now: Timestamp,
    left: HashMap<&'a str, i64>,
}

impl<'a> Budget<'a> {
    /// Of `wanted` jobs of this kind, how many may start now; takes them out of the budget.
    fn take(&mut self, spec: &'a KindSpec, wanted: i64) -> i64 {
        let mut allowed = wanted;
        let mut asked: Vec<(&'a str, i64)> = Vec::new();
        if let Some((operation, calls)) = spec.calls {
            let trials = self.trials(operation.provider);
            asked.push((operation.provider, 1));
            allowed = allowed.min(*self.left.entry(operation.provider).or_insert(trials));
            let tokens = self.gates.bucket(operation.rate, self.now).calls(self.now);
            asked.push((operation.rate, i64::from(calls)));
            allowed = allowed
                .min(*self.left.entry(operation.rate).or_insert(tokens) / i64::from(calls.max(1)));
        }
        if let Some(setting) = spec.concurrency {
            let running = self.gates.running.get(spec.name).copied().unwrap_or(0);
            let free = self.gates.settings.get(setting) - running;
            asked.push((setting, 1));
            allowed = allowed.min(*self.left.entry(setting).or_insert(free));
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
                let tuning = store::tuning(&self.gates.settings, provider);
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
    let mut tx = db.begin().await?;
    transitions::promote_due(&mut tx, now, PROMOTE_AT_ONCE).await?;
    let lanes = read_lanes(&mut tx).await?;
    let known = |lane: &&Lane| registry.kind(&lane.kind).is_some();
    let limited = |lane: &Lane| {
        registry
            .kind(&lane.kind)
            .is_some_and(|kind| kind.spec.concurrency.is_some() || kind.spec.calls.is_some())
    };
    if lanes.iter().filter(known).any(limited) {
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(LIMITED_CLAIM_LOCK)
            .execute(&mut *tx)
            .await?;
    }
    let gates = Gates::read(&mut tx).await?;
    let allowances = share_out(&lanes, &gates, registry, free, now);
    let jobs = if allowances.is_empty() {
        Vec::new()
    } else {
        transitions::claim(&mut tx, &allowances, worker, now).await?
    };
    tx.commit().await?;
    Ok(jobs)
}

/// The due jobs of one kind in one queue, and the urgency of the first of them.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
struct Lane {
    queue: String,
    kind: String,
    priority: i16,
    run_at: Timestamp,
}

/// All lanes with work, by skipping from lane to lane in the claim's index: costs as many probes
/// as there are lanes, however many jobs wait in them.
async fn read_lanes(tx: &mut PgConnection) -> Result<Vec<Lane>, sqlx::Error> {
    sqlx::query_as(
        "WITH RECURSIVE lane AS (
             (SELECT queue, kind, priority, run_at FROM jobs_ready
              ORDER BY queue, kind, priority, run_at, id LIMIT 1)
             UNION ALL
             SELECT next.* FROM lane CROSS JOIN LATERAL (
                 SELECT queue, kind, priority, run_at FROM jobs_ready r
                 WHERE (r.queue, r.kind) > (lane.queue, lane.kind)
                 ORDER BY queue, kind, priority, run_at, id LIMIT 1
             ) next
         )
         SELECT * FROM lane",
    )
    .fetch_all(tx)
    .await
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
        let jobs = budget.take(spec, part);
        if jobs > 0 {
            free -= jobs;
            allowances.push(Allowance { queue: lane.queue.clone(), kind: lane.kind.clone(), jobs });
        }
    }
    allowances
}
