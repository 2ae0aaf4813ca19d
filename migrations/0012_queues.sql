-- What operators set for a queue: paused, drained, bounded. A queue without a row runs freely.
-- The claim reads this table together with its lanes, so that a change acts at the next claim.

CREATE TABLE queues (
    name           text        PRIMARY KEY,
    paused_at      timestamptz,
    paused_until   timestamptz,
    drain_up_to    bigint,
    drain_total    bigint,
    max_concurrent integer     CHECK (max_concurrent >= 0),
    reason         text,
    changed_by     text        NOT NULL,
    changed_at     timestamptz NOT NULL,
    CONSTRAINT queues_pause_reason CHECK (paused_at IS NULL OR reason IS NOT NULL),
    CONSTRAINT queues_pause_until CHECK (paused_until IS NULL OR paused_at IS NOT NULL),
    CONSTRAINT queues_drain CHECK ((drain_up_to IS NULL) = (drain_total IS NULL))
);
COMMENT ON COLUMN queues.paused_until IS 'The pause ends by itself then; never, when null';
COMMENT ON COLUMN queues.drain_up_to IS 'While draining, only jobs up to this id start; newer ones wait';
COMMENT ON COLUMN queues.drain_total IS 'How many jobs the drain began with';

-- Jobs that an operator wants run next, even from a paused queue.
CREATE TABLE expedited_jobs (
    job_id       bigint      PRIMARY KEY,
    requested_by text        NOT NULL,
    requested_at timestamptz NOT NULL
);
