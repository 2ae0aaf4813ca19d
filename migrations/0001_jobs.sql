-- Jobs. A job's state is the table its row lies in: a row *moves* between small tables, so the
-- claim's index holds only work to do, the running table only leases, and finished jobs are
-- append-only, partitioned by day, and dropped by the partition (docs/job-states.md).

CREATE SEQUENCE job_ids;
CREATE SEQUENCE lease_tokens;

-- Due and waiting: the claim reads this table only.
CREATE TABLE jobs_ready (
    id                 bigint      NOT NULL DEFAULT nextval('job_ids'),
    kind               text        NOT NULL,
    queue              text        NOT NULL,
    priority           smallint    NOT NULL CHECK (priority BETWEEN 0 AND 9),
    payload            jsonb       NOT NULL,
    attempt            smallint    NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    max_attempts       smallint    NOT NULL CHECK (max_attempts BETWEEN 1 AND 25),
    interruptions      integer     NOT NULL DEFAULT 0 CHECK (interruptions >= 0),
    created_at         timestamptz NOT NULL,
    run_at             timestamptz NOT NULL,
    provider_failed_at timestamptz,
    last_error         text,
    last_error_class   text,
    dead_letter_id     bigint,
    CONSTRAINT jobs_ready_pkey PRIMARY KEY (id),
    CONSTRAINT jobs_ready_attempts CHECK (attempt < max_attempts)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
COMMENT ON COLUMN jobs_ready.attempt IS 'Failures of the job''s own so far; the system''s refusals never count';
COMMENT ON COLUMN jobs_ready.interruptions IS 'How often the system took the job back without spending an attempt';
COMMENT ON COLUMN jobs_ready.provider_failed_at IS 'The job''s last provider failure: a second one spends an attempt only if the provider answered others in between';

CREATE INDEX jobs_ready_claim ON jobs_ready (queue, kind, priority, run_at, id);

-- Not due yet.
CREATE TABLE jobs_scheduled (
    LIKE jobs_ready INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS,
    wait_reason text NOT NULL CHECK (wait_reason IN ('delayed', 'backoff', 'snoozed', 'provider')),
    CONSTRAINT jobs_scheduled_pkey PRIMARY KEY (id)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX jobs_scheduled_due ON jobs_scheduled (run_at, id);
CREATE INDEX jobs_scheduled_lane ON jobs_scheduled (queue, kind);

-- Leased to a worker. The lease's time lies on the worker's own row (one heartbeat, not one per
-- job); the token fences: whoever lost the lease finds no row with its token.
CREATE TABLE jobs_running (
    LIKE jobs_ready INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS,
    worker_id           uuid        NOT NULL,
    lease_token         bigint      NOT NULL,
    started_at          timestamptz NOT NULL,
    cancel_requested_at timestamptz,
    CONSTRAINT jobs_running_pkey PRIMARY KEY (id)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- Done, or cancelled. The row is also the record of the job's last attempt.
CREATE TABLE jobs_finished (
    id                 bigint      NOT NULL,
    kind               text        NOT NULL,
    queue              text        NOT NULL,
    priority           smallint    NOT NULL,
    payload            jsonb       NOT NULL,
    attempt            smallint    NOT NULL,
    max_attempts       smallint    NOT NULL,
    interruptions      integer     NOT NULL,
    created_at         timestamptz NOT NULL,
    run_at             timestamptz NOT NULL,
    state              text        NOT NULL CHECK (state IN ('completed', 'cancelled')),
    worker_id          uuid,
    started_at         timestamptz,
    finished_at        timestamptz NOT NULL,
    last_error         text,
    last_error_class   text,
    CONSTRAINT jobs_finished_completed_ran CHECK (state <> 'completed' OR started_at IS NOT NULL)
) PARTITION BY RANGE (finished_at);
CREATE INDEX jobs_finished_id ON jobs_finished (id);

-- How every attempt ended that did not finish its job.
CREATE TABLE job_attempts (
    job_id      bigint      NOT NULL,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    outcome     text        NOT NULL CHECK (outcome IN ('failed', 'provider_failed', 'snoozed', 'interrupted', 'lost')),
    worker_id   uuid        NOT NULL,
    error       text,
    error_class text
) PARTITION BY RANGE (finished_at);
CREATE INDEX job_attempts_job ON job_attempts (job_id, started_at);

-- The first job with a key wins; a repeated enqueue gets its id.
CREATE TABLE idempotency_keys (
    key        text        PRIMARY KEY,
    job_id     bigint      NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

CREATE TABLE workers (
    id           uuid        PRIMARY KEY,
    name         text        NOT NULL,
    kinds        text[]      NOT NULL,
    started_at   timestamptz NOT NULL,
    heartbeat_at timestamptz NOT NULL,
    lease_until  timestamptz NOT NULL
);
COMMENT ON COLUMN workers.lease_until IS 'After this its jobs are handed to others; it renews long before';
