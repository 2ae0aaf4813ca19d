-- Backups (JS-7): what was dumped, when, at whose word, and whether it has been restored and found to be the same. `content` holds the rows
-- and a sum of every table, taken in the dump's own snapshot: what a restore is compared with. It stands beside the file too, for the day on
-- which this table is what has to be restored. How far a backup is follows from its job.

CREATE TABLE backups (
    id                bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    job_id            bigint      NOT NULL,
    requested_by      text        NOT NULL,
    reason            text,
    requested_at      timestamptz NOT NULL,
    started_at        timestamptz,
    ended_at          timestamptz,
    file              text,
    bytes             bigint,
    sha256            text,
    server_version    text,
    content           jsonb,
    error             text,
    verify_job_id     bigint,
    verify_started_at timestamptz,
    verify_ended_at   timestamptz,
    -- What was not the same; none of it: verified.
    differences       text[],
    verify_error      text,
    removed_at        timestamptz,
    CONSTRAINT backups_taken CHECK (ended_at IS NULL OR num_nulls(started_at, file, bytes, sha256, content) = 0)
);
CREATE INDEX backups_kept ON backups (id) WHERE ended_at IS NOT NULL AND removed_at IS NULL;
