//! Counts that only grow, as monitoring wants them, from tables that forget: what is older than a
//! few minutes is summed up once and kept, and only what came since is read again.

use std::collections::BTreeMap;

use signalbox_model::Timestamp;
use sqlx::{FromRow, PgPool};

/// By then, whatever was counted for a minute has been committed.
const SETTLED_AFTER: chrono::TimeDelta = chrono::TimeDelta::minutes(5);
/// Calls are counted from this long before the first look on.
const CALLS_BEFORE: chrono::TimeDelta = chrono::TimeDelta::hours(1);

/// Kind and `completed` or `failed`.
type Run = (String, String);
/// Provider, operation and outcome.
type Call = (String, String, String);

/// What has been summed up so far.
#[derive(Debug)]
pub struct Totals {
    calls_since: Timestamp,
    runs: Sum<Run>,
    calls: Sum<Call>,
}

/// The counts at one moment.
#[derive(Debug)]
pub(super) struct Counted {
    pub runs: BTreeMap<Run, i64>,
    pub calls: BTreeMap<Call, i64>,
}

#[derive(Debug)]
struct Sum<K> {
    /// What ended up to here is in `settled`.
    through: Timestamp,
    settled: BTreeMap<K, i64>,
}

#[derive(FromRow)]
struct EndedRuns {
    kind: String,
    outcome: String,
    settled: i64,
    later: i64,
}

#[derive(FromRow)]
struct EndedCalls {
    provider: String,
    operation: String,
    outcome: String,
    settled: i64,
    later: i64,
}

impl Totals {
    /// Nothing summed up yet: runs count from the oldest counter on, calls from an hour before `now`.
    pub fn new(now: Timestamp) -> Totals {
        let calls_since = now - CALLS_BEFORE;
        Totals {
            calls_since,
            runs: Sum { through: Timestamp::UNIX_EPOCH, settled: BTreeMap::new() },
            calls: Sum { through: calls_since, settled: BTreeMap::new() },
        }
    }

    /// Since when calls are counted.
    pub(super) fn calls_since(&self) -> Timestamp {
        self.calls_since
    }

    /// The counts at `now`.
    pub(super) async fn advance(
        &mut self,
        db: &PgPool,
        now: Timestamp,
    ) -> Result<Counted, sqlx::Error> {
        let through = now - SETTLED_AFTER;
        let runs: Vec<EndedRuns> = sqlx::query_as(
            "SELECT kind, outcome,
                    coalesce(sum(n) FILTER (WHERE minute <= $2), 0)::bigint AS settled,
                    coalesce(sum(n) FILTER (WHERE minute > $2), 0)::bigint AS later
             FROM job_stats
                  CROSS JOIN LATERAL (VALUES ('completed', completed), ('failed', failed)) v(outcome, n)
             WHERE minute > $1 GROUP BY kind, outcome",
        )
        .bind(self.runs.through)
        .bind(through.max(self.runs.through))
        .fetch_all(db)
        .await?;
        let calls: Vec<EndedCalls> = sqlx::query_as(
            "SELECT provider, operation, outcome, count(*) FILTER (WHERE at <= $2) AS settled,
                    count(*) FILTER (WHERE at > $2) AS later
             FROM provider_calls WHERE at > $1 GROUP BY provider, operation, outcome",
        )
        .bind(self.calls.through)
        .bind(through.max(self.calls.through))
        .fetch_all(db)
        .await?;
        let runs = runs.into_iter().map(|row| ((row.kind, row.outcome), row.settled, row.later));
        let calls = calls
            .into_iter()
            .map(|row| ((row.provider, row.operation, row.outcome), row.settled, row.later));
        Ok(Counted { runs: self.runs.add(runs, through), calls: self.calls.add(calls, through) })
    }
}

impl<K: Ord + Clone> Sum<K> {
    /// Takes in what ended since `self.through`, up to `through` for good. Returns all of it.
    fn add(
        &mut self,
        rows: impl Iterator<Item = (K, i64, i64)>,
        through: Timestamp,
    ) -> BTreeMap<K, i64> {
        let mut later = Vec::new();
        for (key, settled, new) in rows {
            *self.settled.entry(key.clone()).or_default() += settled;
            later.push((key, new));
        }
        self.through = self.through.max(through);
        let mut all = self.settled.clone();
        for (key, new) in later {
            *all.entry(key).or_default() += new;
        }
        all
    }
}
