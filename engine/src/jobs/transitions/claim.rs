//! The transition of the claim: `available` → `running`.

use signalbox_model::Timestamp;
use signalbox_model::job::JobId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::jobs::row::{ClaimedJob, claimed_job};

/// How many jobs may be taken from one lane: the due jobs of one kind in one queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub queue: String,
    pub kind: String,
    pub jobs: i64,
    /// From this place on (priority, due time, id): what lies before it is not for this claim.
    pub from: (i16, Timestamp, JobId),
    /// Whether the bound of its queue was minded when `jobs` was decided.
    pub bounded: bool,
}

/// Whether the worker `$1` may start anything at `$2`: its own lease is good, and nobody has stopped
/// it, all workers, or everything.
macro_rules! worker_may_start {
    () => {
        "EXISTS (SELECT FROM workers WHERE id = $1 AND lease_until > $2 AND stopped_at IS NULL)
         AND NOT EXISTS (SELECT FROM stopped_roles WHERE role = 'worker')
         AND NOT EXISTS (SELECT FROM kill_switch WHERE active)"
    };
}

/// `available` → `running`: leases the rows that `$taken` has locked to the worker `$1`. A locked row's place (`ctid`) holds until the statement ends,
/// so no index is searched for it a second time.
macro_rules! lease {
    ($($taken:expr),+) => {
        concat!(
            "WITH taken AS MATERIALIZED (",
            $($taken),+,
            "), moved AS (
                 DELETE FROM jobs_ready WHERE ctid = ANY(ARRAY(SELECT place FROM taken)) RETURNING *
             ), no_longer_expedited AS (
                 DELETE FROM expedited_jobs e USING moved WHERE e.job_id = moved.id
             ), token AS MATERIALIZED (
                 SELECT nextval('lease_tokens') AS token
             )
             INSERT INTO jobs_running (",
            columns!(),
            ", worker_id, lease_token, started_at)
             SELECT ",
            columns!(),
            ", $1, token, $2 FROM moved, token
             RETURNING id, kind, queue, priority, run_at, payload, attempt, max_attempts,
                       interruptions, provider_failed_at, dead_letter_id, started_at, lease_token"
        )
    };
}

/// `available` → `running`: leases the first jobs of each lane. How many from which lane was
/// decided before: no limit is looked at per row. Whether a queue is paused, drained, or has a bound
/// by now is asked here once more, for each lane.
pub(crate) async fn claim(
    tx: &mut PgConnection,
    allowances: &[Allowance],
    worker: Uuid,
    now: Timestamp,
) -> Result<Vec<ClaimedJob>, sqlx::Error> {
    sqlx::query(lease!(
        "SELECT r.place
         FROM unnest($3::text[], $4::text[], $5::bigint[], $6::smallint[], $7::timestamptz[],
                     $8::bigint[], $9::boolean[])
             AS lane(queue, kind, jobs, priority, run_at, id, bounded)
         LEFT JOIN queues q ON q.name = lane.queue
         CROSS JOIN LATERAL (
             SELECT ctid AS place FROM jobs_ready
             WHERE queue = lane.queue AND kind = lane.kind
               AND (priority, run_at, id) >= (lane.priority, lane.run_at, lane.id)
               AND id <= coalesce(q.drain_up_to, id)
             ORDER BY priority, run_at, id
             LIMIT lane.jobs FOR UPDATE SKIP LOCKED
         ) r
         WHERE (q.paused_at IS NULL OR q.paused_until <= $2)
           AND (q.max_concurrent IS NULL OR lane.bounded)
           AND ",
        worker_may_start!()
    ))
    .bind(worker)
    .bind(now)
    .bind(allowances.iter().map(|lane| lane.queue.as_str()).collect::<Vec<_>>())
    .bind(allowances.iter().map(|lane| lane.kind.as_str()).collect::<Vec<_>>())
    .bind(allowances.iter().map(|lane| lane.jobs).collect::<Vec<_>>())
    .bind(allowances.iter().map(|lane| lane.from.0).collect::<Vec<_>>())
    .bind(allowances.iter().map(|lane| lane.from.1).collect::<Vec<_>>())
    .bind(allowances.iter().map(|lane| lane.from.2).collect::<Vec<_>>())
    .bind(allowances.iter().map(|lane| lane.bounded).collect::<Vec<_>>())
    .try_map(claimed_job)
    .fetch_all(tx)
    .await
}

/// `available` → `running`, for the jobs that operators want run next.
pub(crate) async fn claim_expedited(
    tx: &mut PgConnection,
    jobs: &[JobId],
    worker: Uuid,
    now: Timestamp,
) -> Result<Vec<ClaimedJob>, sqlx::Error> {
    sqlx::query(lease!(
        "SELECT ctid AS place FROM jobs_ready
         WHERE id = ANY($3) AND ",
        worker_may_start!(),
        " FOR UPDATE SKIP LOCKED"
    ))
    .bind(worker)
    .bind(now)
    .bind(jobs)
    .try_map(claimed_job)
    .fetch_all(tx)
    .await
}
