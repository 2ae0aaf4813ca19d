-- One job held by an operator. The row here is the hold. A held job that waits lies in
-- jobs_scheduled, due in no time that comes, so that the claim never meets it; one that runs is
-- asked to stop, and goes there when it has.

ALTER TABLE jobs_scheduled DROP CONSTRAINT jobs_scheduled_wait_reason_check;
ALTER TABLE jobs_scheduled ADD CONSTRAINT jobs_scheduled_wait_reason_check
    CHECK (wait_reason IN ('delayed', 'backoff', 'snoozed', 'provider', 'held'));

CREATE TABLE job_holds (
    job_id      bigint      PRIMARY KEY,
    reason      text        NOT NULL,
    held_by     text        NOT NULL,
    held_at     timestamptz NOT NULL,
    run_at      timestamptz,
    wait_reason text,
    CONSTRAINT job_holds_waits CHECK ((run_at IS NULL) = (wait_reason IS NULL))
);
COMMENT ON COLUMN job_holds.run_at IS 'When the job was due before it was put aside; null while it runs';
