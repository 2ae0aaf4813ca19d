-- Counters per kind and minute, kept by the engine in the transaction that ends a run. The
-- dashboards read these, so that no figure's cost grows with the number of finished jobs.

CREATE TABLE job_stats (
    minute    timestamptz NOT NULL,
    kind      text        NOT NULL,
    completed bigint      NOT NULL DEFAULT 0,
    failed    bigint      NOT NULL DEFAULT 0,
    total_ms  bigint      NOT NULL DEFAULT 0,
    histogram bigint[]    NOT NULL,
    PRIMARY KEY (minute, kind)
) WITH (fillfactor = 50);
COMMENT ON COLUMN job_stats.total_ms IS 'Sum of the durations of completed runs';
COMMENT ON COLUMN job_stats.histogram IS 'Completed runs by duration; bounds in model/src/metrics.rs';

CREATE TABLE job_last_success (
    kind text        PRIMARY KEY,
    at   timestamptz NOT NULL
);

-- Adds two histograms of the same length.
CREATE FUNCTION add_histograms(a bigint[], b bigint[]) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_agg(x + y ORDER BY n) FROM unnest(a, b) WITH ORDINALITY AS t(x, y, n)
$$;
