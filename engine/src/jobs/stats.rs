//! The counters per kind and minute that the dashboards read.

use std::collections::BTreeMap;

use chrono::{DurationRound, TimeDelta};
use signalbox_model::Timestamp;
use signalbox_model::metrics::{DURATION_BUCKETS_MS, KindMetrics, duration_bucket, quantile_ms};
use sqlx::{PgConnection, PgPool, Row};

const BUCKETS: usize = DURATION_BUCKETS_MS.len() + 1;

/// What a batch of ended runs adds. Ordered, so that two workers take the rows' locks in the same
/// order.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    rows: BTreeMap<(Timestamp, String), Counts>,
    last_success: BTreeMap<String, Timestamp>,
}

#[derive(Debug)]
struct Counts {
    completed: i64,
    failed: i64,
    total_ms: i64,
    histogram: [i64; BUCKETS],
}

impl Tally {
    pub(crate) fn completed(&mut self, kind: &str, took: TimeDelta, at: Timestamp) {
        let ms = took.num_milliseconds().max(0);
        let counts = self.counts(kind, at);
        counts.completed += 1;
        counts.total_ms += ms;
        counts.histogram[duration_bucket(ms)] += 1;
        let last = self.last_success.entry(kind.to_owned()).or_insert(at);
        *last = at.max(*last);
    }

    pub(crate) fn failed(&mut self, kind: &str, at: Timestamp) {
        self.counts(kind, at).failed += 1;
    }

    fn counts(&mut self, kind: &str, at: Timestamp) -> &mut Counts {
        let minute = at.duration_trunc(TimeDelta::minutes(1)).unwrap_or(at);
        self.rows.entry((minute, kind.to_owned())).or_insert(Counts {
            completed: 0,
            failed: 0,
            total_ms: 0,
            histogram: [0; BUCKETS],
        })
    }
}

/// Adds `tally` to the counters, in one statement. When a kind last succeeded is noted to the
/// second: one row that every batch replaces would grow without end beside an old transaction.
pub(crate) async fn add(tx: &mut PgConnection, tally: &Tally) -> Result<(), sqlx::Error> {
    if tally.rows.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&Counts) -> i64| tally.rows.values().map(of).collect::<Vec<_>>();
    let histograms = tally.rows.values().flat_map(|counts| counts.histogram);
    sqlx::query(
        "WITH counted AS (
             SELECT minute, kind, completed, failed, total_ms,
                    ($6::bigint[])[(n - 1) * $7 + 1 : n * $7] AS histogram
             FROM unnest($1::timestamptz[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
                  WITH ORDINALITY AS t(minute, kind, completed, failed, total_ms, n)
             ORDER BY minute, kind
         ), succeeded AS (
             INSERT INTO job_last_success (kind, at)
             SELECT * FROM unnest($8::text[], $9::timestamptz[]) AS s(kind, at) ORDER BY kind
             ON CONFLICT (kind) DO UPDATE SET at = excluded.at
             WHERE excluded.at > job_last_success.at + interval '1 second'
         )
         INSERT INTO job_stats (minute, kind, completed, failed, total_ms, histogram)
         SELECT * FROM counted
         ON CONFLICT (minute, kind) DO UPDATE SET
             completed = job_stats.completed + excluded.completed,
             failed = job_stats.failed + excluded.failed,
             total_ms = job_stats.total_ms + excluded.total_ms,
             histogram = add_histograms(job_stats.histogram, excluded.histogram)",
    )
    .bind(tally.rows.keys().map(|(minute, _)| *minute).collect::<Vec<_>>())
    .bind(tally.rows.keys().map(|(_, kind)| kind.as_str()).collect::<Vec<_>>())
    .bind(column(|counts| counts.completed))
    .bind(column(|counts| counts.failed))
    .bind(column(|counts| counts.total_ms))
    .bind(histograms.collect::<Vec<_>>())
    .bind(i32::try_from(BUCKETS).unwrap_or(i32::MAX))
    .bind(tally.last_success.keys().map(String::as_str).collect::<Vec<_>>())
    .bind(tally.last_success.values().copied().collect::<Vec<_>>())
    .execute(tx)
    .await
    .map(drop)
}

/// Metrics of every kind that did anything since `since`, or runs now, or ever succeeded.
///
/// # Errors
/// When the database does not answer.
pub async fn per_kind(
    db: &PgPool,
    since: Timestamp,
    kind: Option<&str>,
) -> Result<Vec<KindMetrics>, sqlx::Error> {
    sqlx::query(
        "WITH summed AS (
             SELECT kind, sum(completed)::bigint AS completed, sum(failed)::bigint AS failed,
                    sum(total_ms)::bigint AS total_ms
             FROM job_stats WHERE minute >= $1 GROUP BY kind
         ), histograms AS (
             SELECT kind, array_agg(n ORDER BY bucket) AS histogram FROM (
                 SELECT kind, bucket, sum(n)::bigint AS n
                 FROM job_stats CROSS JOIN LATERAL unnest(histogram) WITH ORDINALITY AS h(n, bucket)
                 WHERE minute >= $1 GROUP BY kind, bucket
             ) per_bucket GROUP BY kind
         ), running AS (
             SELECT kind, count(*) AS running FROM jobs_running GROUP BY kind
         )
         SELECT kind, coalesce(completed, 0) AS completed, coalesce(failed, 0) AS failed,
                coalesce(total_ms, 0) AS total_ms, coalesce(histogram, '{}') AS histogram,
                coalesce(running, 0) AS running, at AS last_success_at
         FROM summed FULL JOIN running USING (kind) FULL JOIN job_last_success USING (kind)
              LEFT JOIN histograms USING (kind)
         WHERE $2::text IS NULL OR kind = $2
         ORDER BY kind",
    )
    .bind(since)
    .bind(kind)
    .try_map(|row: sqlx::postgres::PgRow| {
        let completed: i64 = row.try_get("completed")?;
        let failed: i64 = row.try_get("failed")?;
        let total_ms: i64 = row.try_get("total_ms")?;
        let histogram: Vec<i64> = row.try_get("histogram")?;
        let total = completed + failed;
        Ok(KindMetrics {
            job_type: row.try_get("kind")?,
            total,
            completed,
            failed,
            running: row.try_get("running")?,
            success_rate: (total > 0).then(|| completed as f64 / total as f64),
            avg_duration_ms: (completed > 0).then(|| total_ms / completed),
            p95_duration_ms: quantile_ms(&histogram, 0.95),
            last_success_at: row.try_get("last_success_at")?,
        })
    })
    .fetch_all(db)
    .await
}

/// How many runs of `kind` ended since `since`, to the minute.
pub(crate) async fn ended_since(
    conn: &mut PgConnection,
    kind: &str,
    since: Timestamp,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT coalesce(sum(completed + failed), 0)::bigint FROM job_stats
         WHERE minute >= $2 AND kind = $1",
    )
    .bind(kind)
    .bind(since)
    .fetch_one(conn)
    .await
}

/// Deletes the counters of the minutes before `oldest`: a bounded number, one per kind and minute.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_before(db: &PgPool, oldest: Timestamp) -> Result<u64, sqlx::Error> {
    let deleted =
        sqlx::query("DELETE FROM job_stats WHERE minute < $1").bind(oldest).execute(db).await?;
    Ok(deleted.rows_affected())
}
