-- Acts on many dead letters at once, as objects of their own: they can be watched, undone while they
-- have not begun, and aborted. The row is the checkpoint: it moves in the transaction that moves
-- the letters, so that a process killed at any moment neither repeats nor skips one.

CREATE TABLE bulk_operations (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action         text        NOT NULL CHECK (action IN ('retry', 'delete', 'redrive_canary')),
    filter         jsonb       NOT NULL,
    up_to          bigint      NOT NULL,
    previewed      bigint      NOT NULL CHECK (previewed > 0),
    rate_per_s     integer     NOT NULL CHECK (rate_per_s > 0),
    state          text        NOT NULL CHECK (state IN ('pending', 'running', 'done', 'aborted', 'stopped', 'failed')),
    reason         text        NOT NULL,
    created_by     text        NOT NULL,
    created_at     timestamptz NOT NULL,
    starts_at      timestamptz NOT NULL,
    finished_at    timestamptz,
    position       bigint      NOT NULL DEFAULT 0,
    last_batch_at  timestamptz,
    done           bigint      NOT NULL DEFAULT 0 CHECK (done >= 0),
    failed         bigint      NOT NULL DEFAULT 0 CHECK (failed >= 0),
    stop_cause     text,
    step           integer,
    step_letters   bigint,
    stop_percent   smallint CHECK (stop_percent BETWEEN 0 AND 100),
    CONSTRAINT bulk_operations_finished CHECK ((state IN ('pending', 'running')) = (finished_at IS NULL)),
    CONSTRAINT bulk_operations_canary CHECK (
        (action = 'redrive_canary') = (step IS NOT NULL AND step_letters IS NOT NULL AND stop_percent IS NOT NULL))
);
COMMENT ON COLUMN bulk_operations.up_to IS 'The newest letter that the preview counted: later ones are not touched';
COMMENT ON COLUMN bulk_operations.starts_at IS 'The end of the undo window: nothing is touched before';
COMMENT ON COLUMN bulk_operations.position IS 'The last letter that was handled; they are handled in the order of their ids';
COMMENT ON COLUMN bulk_operations.done IS 'Letters retried or deleted; for a canary, those whose retry completed';
COMMENT ON COLUMN bulk_operations.failed IS 'Letters that could not be handled; for a canary, those that failed again';
COMMENT ON COLUMN bulk_operations.stop_percent IS 'A canary stops when more than this share of a step failed again';

-- The same act cannot wait or run twice: a form sent twice is one operation.
CREATE UNIQUE INDEX bulk_operations_active ON bulk_operations (action, md5(filter::text))
    WHERE state IN ('pending', 'running');

-- The letters that a canary has let out, and what became of each.
CREATE TABLE canary_trials (
    operation_id    bigint      NOT NULL REFERENCES bulk_operations ON DELETE CASCADE,
    letter_id       bigint      NOT NULL,
    job_id          bigint      NOT NULL,
    step            integer     NOT NULL CHECK (step >= 1),
    attempts_before integer     NOT NULL,
    started_at      timestamptz NOT NULL,
    outcome         text        CHECK (outcome IN ('completed', 'failed', 'cancelled')),
    PRIMARY KEY (operation_id, letter_id)
);
COMMENT ON COLUMN canary_trials.attempts_before IS 'A letter with more attempts than this has failed again';
CREATE INDEX canary_trials_out ON canary_trials (operation_id) WHERE outcome IS NULL;

-- Groups are counted, and their trend drawn, from this index alone.
CREATE INDEX dead_letter_queue_groups ON dead_letter_queue (fingerprint, last_failed_at)
    INCLUDE (status, kind, first_failed_at);
DROP INDEX dead_letter_queue_fingerprint;
-- The oldest are trimmed first.
CREATE INDEX dead_letter_queue_age ON dead_letter_queue (last_failed_at, id) WHERE status = 'pending';
