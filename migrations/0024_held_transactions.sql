-- While any transaction is open anywhere, PostgreSQL keeps every row version that was replaced
-- since it began. What the engine repeats all the time must not walk over those.

-- Which running jobs are to be cancelled, asked twice a second by every worker.
CREATE INDEX jobs_running_cancelled ON jobs_running (worker_id) WHERE cancel_requested_at IS NOT NULL;
