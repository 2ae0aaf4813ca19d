//! Sharing out what the gates allow: how many jobs of each lane may start now. The gates are asked
//! in the order of DESIGN, rule 2: kill switch, pause, a provider that is switched off,
//! breaker, rate, concurrency.

use std::collections::HashMap;

use signalbox_model::Timestamp;
use signalbox_model::breaker::BreakerState;
use signalbox_model::job::JobId;

use crate::breaker;
use crate::breaker::step::{cooled_down, trials_left};
use crate::jobs::gates::Gates;
use crate::jobs::handler::{KindSpec, Registry};
use crate::jobs::lanes::Lane;
use crate::jobs::row::ClaimedJob;
use crate::jobs::transitions::Allowance;
use crate::provider::Operation;

/// What may start now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Allowances {
    /// How many of which lane.
    pub lanes: Vec<Allowance>,
    /// Jobs that operators want run next.
    pub expedited: Vec<JobId>,
    /// Whether any of it passed a gate.
    pub gated: bool,
}

impl Allowances {
    /// Whether `claimed` is all that was allowed: there may be more.
    pub(super) fn are_used_up(&self, claimed: &[ClaimedJob]) -> bool {
        let lanes: i64 = self.lanes.iter().map(|lane| lane.jobs).sum();
        usize::try_from(lanes).unwrap_or(0) + self.expedited.len() <= claimed.len()
    }
}

/// Shares `free` places out among the lanes whose gates are open. Lanes of a more urgent head go
/// first; lanes of the same priority get equal parts, so that a long one cannot starve the rest.
pub(super) fn share_out(
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
                bounded: lane.max_concurrent.is_some(),
            }),
        }
    }
    allowances
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
        if stored.disabled.is_some() {
            return 0;
        }
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
