-- All jobs as one, for reading. The table a row lies in says its state.

CREATE VIEW jobs AS
SELECT id, kind, queue, 'available' AS state, priority, payload, attempt, max_attempts,
       interruptions, created_at, run_at, NULL::timestamptz AS started_at,
       NULL::timestamptz AS finished_at, NULL AS wait_reason, last_error, last_error_class,
       dead_letter_id, NULL::uuid AS worker_id
FROM jobs_ready
UNION ALL
SELECT id, kind, queue, 'scheduled', priority, payload, attempt, max_attempts,
       interruptions, created_at, run_at, NULL, NULL, wait_reason, last_error, last_error_class,
       dead_letter_id, NULL
FROM jobs_scheduled
UNION ALL
SELECT id, kind, queue, 'running', priority, payload, attempt, max_attempts,
       interruptions, created_at, run_at, started_at, NULL, NULL, last_error, last_error_class,
       dead_letter_id, worker_id
FROM jobs_running
UNION ALL
SELECT id, kind, queue, state, priority, payload, attempt, max_attempts,
       interruptions, created_at, run_at, started_at, finished_at, NULL, last_error,
       last_error_class, NULL, worker_id
FROM jobs_finished
UNION ALL
SELECT job_id, kind, queue, 'dead', priority, payload, least(attempts, 32767)::smallint,
       max_attempts, 0, created_at, first_failed_at, NULL, last_failed_at, NULL, error,
       error_class, id, NULL
FROM dead_letter_queue WHERE status = 'pending';
