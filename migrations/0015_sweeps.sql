-- How the last run of each sweep went, for operators to see. One row a sweep, written over.

CREATE TABLE sweeps (
    name        text        PRIMARY KEY,
    run_at      timestamptz NOT NULL,
    duration_ms bigint      NOT NULL,
    report      jsonb,
    effect      jsonb,
    effect_at   timestamptz,
    error       text,
    error_at    timestamptz,
    CONSTRAINT sweeps_effect CHECK ((effect IS NULL) = (effect_at IS NULL)),
    CONSTRAINT sweeps_error CHECK ((error IS NULL) = (error_at IS NULL))
);
COMMENT ON COLUMN sweeps.report IS 'What the last run did; absent if it failed';
COMMENT ON COLUMN sweeps.effect IS 'What the last run did that found anything to do';
