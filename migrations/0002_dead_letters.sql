-- The dead letter queue: jobs that failed for good, out of the hot tables, until a person acts.
-- While a retry is under way the letter stays (status retry_scheduled): success removes it,
-- failure makes it pending again with its history kept.

CREATE TABLE dead_letter_queue (
    id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id          bigint      NOT NULL UNIQUE,
    kind            text        NOT NULL,
    queue           text        NOT NULL,
    priority        smallint    NOT NULL,
    payload         jsonb       NOT NULL,
    max_attempts    smallint    NOT NULL,
    created_at      timestamptz NOT NULL,
    status          text        NOT NULL CHECK (status IN ('pending', 'retry_scheduled')),
    error           text        NOT NULL,
    error_class     text        NOT NULL,
    fingerprint     text        NOT NULL,
    first_failed_at timestamptz NOT NULL,
    last_failed_at  timestamptz NOT NULL,
    attempts        integer     NOT NULL CHECK (attempts >= 1)
);
CREATE INDEX dead_letter_queue_status ON dead_letter_queue (status, id DESC);
CREATE INDEX dead_letter_queue_fingerprint ON dead_letter_queue (fingerprint);
