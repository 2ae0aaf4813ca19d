//! Counts the requests that reached a provider, by operation and result, within bounded memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// More operations than this are counted together as `other`.
const MAX_OPERATIONS: usize = 64;
/// Arrival times kept for each operation; `maxInWindow` sees only these.
const MAX_ARRIVALS: usize = 20_000;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallResult {
    /// Answered as a healthy provider would.
    Ok,
    /// An error answer: by the dial, or because the request was bad.
    Error,
    /// 429 by the dial.
    RateLimit,
    /// Held by the dial without an answer.
    Hang,
    /// Answered late by the dial.
    Slow,
    /// Broken JSON by the dial.
    BadJson,
    /// An endless body by the dial.
    Huge,
    /// 401: by the dial, or because no key came with the request.
    BadKey,
    /// A tool's own error in a proper answer: by the dial, or because the tool could not do what was asked.
    ToolError,
    /// The client left before the answer was ready.
    Aborted,
}

impl CallResult {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Ok,
        Self::Error,
        Self::RateLimit,
        Self::Hang,
        Self::Slow,
        Self::BadJson,
        Self::Huge,
        Self::BadKey,
        Self::ToolError,
        Self::Aborted,
    ];
}

/// Counts of one operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationCounts {
    /// Every result with its count, zeros included.
    #[serde(flatten)]
    pub results: BTreeMap<CallResult, u64>,
    /// The most requests that were under way at one moment.
    #[serde(rename = "maxInFlight", default)]
    pub max_in_flight: usize,
    /// The most requests that arrived within any window of the asked length; only when one was asked for.
    #[serde(rename = "maxInWindow", skip_serializing_if = "Option::is_none", default)]
    pub max_in_window: Option<usize>,
}

/// Counts of one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCounts {
    /// Requests that arrived since the last reset, those not yet answered included.
    pub total: u64,
    /// By operation: an MCP tool's name, or the method for what is no tool call.
    pub operations: BTreeMap<String, OperationCounts>,
}

impl CallCounts {
    /// How many requests of `operation` ended with `result`.
    #[must_use]
    pub fn of(&self, operation: &str, result: CallResult) -> u64 {
        self.operations
            .get(operation)
            .and_then(|counts| counts.results.get(&result))
            .copied()
            .unwrap_or(0)
    }

    /// How many requests of `operation` have ended, whatever the result.
    #[must_use]
    pub fn ended(&self, operation: &str) -> u64 {
        self.operations.get(operation).map(|counts| counts.results.values().sum()).unwrap_or(0)
    }

    /// The most requests of `operation` that were under way at one moment.
    #[must_use]
    pub fn max_in_flight(&self, operation: &str) -> usize {
        self.operations.get(operation).map_or(0, |counts| counts.max_in_flight)
    }

    /// The most arrivals of `operation` in a window, when counts were asked for with one.
    #[must_use]
    pub fn max_in_window(&self, operation: &str) -> usize {
        self.operations.get(operation).and_then(|counts| counts.max_in_window).unwrap_or(0)
    }
}

#[derive(Debug, Default)]
struct Operation {
    results: BTreeMap<CallResult, u64>,
    arrivals: VecDeque<Instant>,
    in_flight: usize,
    max_in_flight: usize,
}

/// The counter of one provider.
#[derive(Debug)]
pub(crate) struct Calls {
    operations: Mutex<BTreeMap<String, Operation>>,
    total: watch::Sender<u64>,
}

impl Calls {
    pub(crate) fn new() -> Self {
        Self { operations: Mutex::default(), total: watch::Sender::new(0) }
    }

    /// Notes an arrival. The result is noted when the returned call is finished, or as aborted when it is dropped.
    pub(crate) fn arrive(self: &Arc<Self>, operation: &str) -> Call {
        let operation = self.note(operation, None);
        Call { calls: Arc::clone(self), operation, result: Some(CallResult::Aborted) }
    }

    /// Notes an arrival whose result is settled from the start. It is under way until the returned call is dropped.
    #[must_use]
    pub(crate) fn arrive_settled(self: &Arc<Self>, operation: &str, result: CallResult) -> Call {
        let operation = self.note(operation, Some(result));
        Call { calls: Arc::clone(self), operation, result: None }
    }

    /// Returns the name it is counted under.
    fn note(&self, operation: &str, result: Option<CallResult>) -> String {
        let mut operations = self.lock();
        let known = operations.contains_key(operation) || operations.len() < MAX_OPERATIONS;
        let name = if known { operation } else { "other" }.to_owned();
        let entry = operations.entry(name.clone()).or_default();
        if entry.arrivals.len() == MAX_ARRIVALS {
            entry.arrivals.pop_front();
        }
        entry.arrivals.push_back(Instant::now());
        entry.in_flight += 1;
        entry.max_in_flight = entry.max_in_flight.max(entry.in_flight);
        if let Some(result) = result {
            *entry.results.entry(result).or_default() += 1;
        }
        drop(operations);
        self.total.send_modify(|total| *total += 1);
        name
    }

    /// The counts; with a window, also the most arrivals within any span of that length.
    pub(crate) fn counts(&self, window: Option<Duration>) -> CallCounts {
        let operations = self.lock();
        let counts = operations.iter().map(|(name, operation)| {
            let result = |result| (result, operation.results.get(&result).copied().unwrap_or(0));
            let counts = OperationCounts {
                results: CallResult::ALL.into_iter().map(result).collect(),
                max_in_flight: operation.max_in_flight,
                max_in_window: window.map(|window| max_in_window(&operation.arrivals, window)),
            };
            (name.clone(), counts)
        });
        CallCounts { total: *self.total.borrow(), operations: counts.collect() }
    }

    /// The most requests of these operations together that arrived within any span of this length.
    pub(crate) fn most_together(&self, operations: &[&str], window: Duration) -> usize {
        let counted = self.lock();
        let mut arrivals: Vec<_> = operations
            .iter()
            .filter_map(|name| counted.get(*name))
            .flat_map(|operation| operation.arrivals.iter().copied())
            .collect();
        arrivals.sort_unstable();
        max_in_window(&arrivals.into(), window)
    }

    /// Forgets everything; calls still under way count as results only.
    pub(crate) fn reset(&self) {
        self.lock().clear();
        self.total.send_replace(0);
    }

    /// Returns once at least so many requests have arrived since the last reset.
    pub(crate) async fn until(&self, at_least: u64) {
        // Fails only when the sender is gone, and `self` holds it.
        let _ = self.total.subscribe().wait_for(|total| *total >= at_least).await;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Operation>> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Call {
    calls: Arc<Calls>,
    operation: String,
    /// Noted when it is dropped, unless it was before.
    result: Option<CallResult>,
}

impl Call {
    /// Settles how the request ended.
    pub(crate) fn finish(mut self, result: CallResult) {
        self.result = Some(result);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut operations = self.calls.lock();
        let entry = operations.entry(std::mem::take(&mut self.operation)).or_default();
        if let Some(result) = self.result {
            *entry.results.entry(result).or_default() += 1;
        }
        // A reset in between has forgotten that it is under way.
        entry.in_flight = entry.in_flight.saturating_sub(1);
    }
}

/// The most of the (sorted) arrivals that fall within a half-open span of length `window`.
fn max_in_window(arrivals: &VecDeque<Instant>, window: Duration) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (last, at) in arrivals.iter().enumerate() {
        while arrivals.get(first).is_some_and(|start| at.duration_since(*start) >= window) {
            first += 1;
        }
        most = most.max((last + 1).saturating_sub(first));
    }
    most
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_window_slides_over_the_arrivals_and_leaves_out_its_end() {
        let start = Instant::now();
        let arrivals: VecDeque<_> = [0, 100, 900, 1000, 1050, 1099, 5000]
            .map(|ms| start + Duration::from_millis(ms))
            .into();
        assert_eq!(max_in_window(&arrivals, Duration::from_millis(1000)), 5);
        assert_eq!(max_in_window(&arrivals, Duration::from_millis(100)), 3);
        assert_eq!(max_in_window(&arrivals, Duration::from_secs(60)), 7);
        assert_eq!(max_in_window(&VecDeque::new(), Duration::from_secs(60)), 0);
    }

    #[test]
    fn memory_stays_bounded_whatever_clients_send() {
        let calls = Arc::new(Calls::new());
        for number in 0..1000 {
            calls.arrive(&format!("invented-{number}")).finish(CallResult::Error);
        }
        for _ in 0..MAX_ARRIVALS + 10 {
            calls.arrive("invented-0").finish(CallResult::Ok);
        }
        let counts = calls.counts(Some(Duration::from_secs(3600)));
        assert_eq!(counts.operations.len(), MAX_OPERATIONS + 1);
        assert_eq!(counts.of("other", CallResult::Error), 1000 - MAX_OPERATIONS as u64);
        assert_eq!(counts.max_in_window("invented-0"), MAX_ARRIVALS);
        assert_eq!(counts.total, 1000 + MAX_ARRIVALS as u64 + 10);
    }

    #[test]
    fn the_most_calls_under_way_at_once_are_counted() {
        let calls = Arc::new(Calls::new());
        let (one, two) = (calls.arrive("search_engine"), calls.arrive("search_engine"));
        one.finish(CallResult::Ok);
        calls.arrive("search_engine").finish(CallResult::Ok);
        drop(two);
        assert_eq!(calls.counts(None).max_in_flight("search_engine"), 2);
    }

    #[test]
    fn a_call_that_is_dropped_counts_as_aborted() {
        let calls = Arc::new(Calls::new());
        drop(calls.arrive("search_engine"));
        assert_eq!(calls.counts(None).of("search_engine", CallResult::Aborted), 1);
        calls.reset();
        assert_eq!(calls.counts(None).total, 0);
    }
}
