//! Finished jobs by the million, as if the product had run for a month.

use anyhow::Result;

use crate::server::Database;

/// Rows of one insert.
const CHUNK: u64 = 500_000;
/// The days the jobs are spread over.
const DAYS: i32 = 30;

/// Adds `jobs` finished jobs, the last of them a moment ago, spread over the days before.
pub async fn add(database: &Database, jobs: u64) -> Result<()> {
    database.execute(&format!("SELECT make_partitions(current_date - {DAYS}, {DAYS} + 2)")).await?;
    for from in (0..jobs).step_by(CHUNK as usize) {
        let rows = CHUNK.min(jobs - from) as i64;
        sqlx::query(
            "INSERT INTO jobs_finished (id, kind, queue, priority, payload, attempt, max_attempts, interruptions,
                 created_at, run_at, state, worker_id, started_at, finished_at)
             SELECT nextval('job_ids'), kind, 'system', 4, jsonb_build_object('n', n), 0, 3, 0, at, at,
                 CASE WHEN n % 100 = 0 THEN 'cancelled' ELSE 'completed' END,
                 '00000000-0000-0000-0000-000000000001', at, at + interval '5 ms'
             FROM generate_series(1, $1) AS n
             CROSS JOIN LATERAL (
                 SELECT now() - make_interval(days => $2) * ((($3 - n)::float8) / $4) AS at,
                        (ARRAY['system.noop', 'system.sleep'])[1 + n % 2] AS kind
             ) AS made",
        )
        .bind(rows)
        .bind(DAYS)
        .bind((jobs - from) as i64)
        .bind(jobs as i64)
        .execute(&database.pool)
        .await?;
    }
    database.execute("VACUUM ANALYZE jobs_finished").await?;
    Ok(())
}
