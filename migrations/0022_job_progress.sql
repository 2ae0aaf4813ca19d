-- What a long job tells, and what it keeps. Both outlive its runs: a retry, a park and a crash leave
-- them; a sweep removes them when the job has ended, so that jobs without any pay nothing.

-- How far the job says it is. Written at most once a second a job, beside the job's transactions.
CREATE TABLE job_progress (
    job_id     bigint      PRIMARY KEY,
    kind       text        NOT NULL,
    done       bigint      NOT NULL CHECK (done >= 0),
    total      bigint      CHECK (total >= 0),
    message    text        NOT NULL,
    started_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    paced_from_done bigint      NOT NULL,
    paced_from_at   timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON COLUMN job_progress.total IS 'Unknown, when null';
COMMENT ON COLUMN job_progress.paced_from_at IS 'The pace is measured from here: the first report, or the first after a break';
CREATE INDEX job_progress_kind ON job_progress (kind, job_id DESC);

-- Where the job goes on after an interruption. A table of its own, because it is written in the
-- transaction of the work it stands for: a report from beside that must not wait for its row.
CREATE TABLE job_checkpoints (
    job_id     bigint      PRIMARY KEY,
    value      jsonb       NOT NULL,
    updated_at timestamptz NOT NULL
);
