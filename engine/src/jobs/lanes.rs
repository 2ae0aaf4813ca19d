//! What there is to do: the lanes with due jobs, found without reading those jobs.

use serde::Deserialize;
use signalbox_model::Timestamp;
use signalbox_model::job::JobId;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};

use crate::jobs::handler::Registry;

/// The due jobs of one kind in one queue, and the place of the first of them. Or, with `only`, one
/// job that an operator wants run next, whatever its queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Lane {
    pub queue: String,
    pub kind: String,
    pub priority: i16,
    pub run_at: Timestamp,
    pub id: JobId,
    /// The bound of the queue: how many of its jobs may run at once.
    pub max_concurrent: Option<i64>,
    pub only: Option<JobId>,
}

impl Lane {
    /// Whether more must be known than the lane itself before one of its jobs may start.
    pub(super) fn is_gated(&self, registry: &Registry) -> bool {
        self.only.is_some()
            || self.max_concurrent.is_some()
            || registry
                .kind(&self.kind)
                .is_some_and(|kind| kind.spec.concurrency.is_some() || kind.spec.calls.is_some())
    }
}

/// What there is to do, and whether anything may be done: all that most claims need to know.
pub(super) struct Outlook {
    /// The kill switch is on.
    pub stopped: bool,
    /// A scheduled job has become due.
    pub due: bool,
    pub lanes: Vec<Lane>,
}

impl Outlook {
    /// Reads it in one statement. The lanes with work are found by skipping from lane to lane in
    /// the claim's index: that costs as many probes as there are lanes, however many jobs wait.
    pub(super) async fn read(
        conn: &mut PgConnection,
        now: Timestamp,
    ) -> Result<Outlook, sqlx::Error> {
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
                 SELECT head.*, q.max_concurrent, NULL::bigint AS only
                 FROM head LEFT JOIN queues q ON q.name = head.queue
                 WHERE q.paused_at IS NULL OR q.paused_until <= $1
                 UNION ALL
                 SELECT r.queue, r.kind, 0, e.requested_at, r.id, NULL, r.id
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
