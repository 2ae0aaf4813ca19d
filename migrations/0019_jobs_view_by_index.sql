-- The view `jobs` again, so that a page of it is read by the indexes alone. A branch of a UNION ALL
-- with a WHERE of its own is sorted as a whole; a letter that is being retried, whose job lies
-- elsewhere, is hidden by a column instead.

CREATE OR REPLACE VIEW jobs AS
SELECT id, kind, queue, state, priority, payload, attempt, max_attempts, interruptions, created_at,
       run_at, started_at, finished_at, wait_reason, last_error, last_error_class, dead_letter_id,
       worker_id
FROM (
    SELECT id, kind, queue, 'available' AS state, priority, payload, attempt, max_attempts,
           interruptions, created_at, run_at, NULL::timestamptz AS started_at,
           NULL::timestamptz AS finished_at, NULL AS wait_reason, last_error, last_error_class,
           dead_letter_id, NULL::uuid AS worker_id, false AS hidden
    FROM jobs_ready
    UNION ALL
    SELECT id, kind, queue, 'scheduled', priority, payload, attempt, max_attempts,
           interruptions, created_at, run_at, NULL, NULL, wait_reason, last_error, last_error_class,
           dead_letter_id, NULL, false
    FROM jobs_scheduled
    UNION ALL
    SELECT id, kind, queue, 'running', priority, payload, attempt, max_attempts,
           interruptions, created_at, run_at, started_at, NULL, NULL, last_error, last_error_class,
           dead_letter_id, worker_id, false
    FROM jobs_running
    UNION ALL
    SELECT id, kind, queue, state, priority, payload, attempt, max_attempts,
           interruptions, created_at, run_at, started_at, finished_at, NULL, last_error,
           last_error_class, NULL, worker_id, false
    FROM jobs_finished
    UNION ALL
    SELECT job_id, kind, queue, 'dead', priority, payload,
           least(attempts, 32767)::smallint, max_attempts, 0, created_at, first_failed_at, NULL, last_failed_at, NULL, error,
           error_class, id, NULL, status <> 'pending'
    FROM dead_letter_queue
) everywhere
WHERE NOT hidden;
