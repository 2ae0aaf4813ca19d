-- Every call to a provider, for two days: what a back-test of a breaker's settings replays. One row
-- a call and not a counter a minute, because a breaker counts failures in a row: the order is what
-- matters. Rates bound how many there are; the sweep removes them by age.

CREATE TABLE provider_calls (
    id       bigint      GENERATED ALWAYS AS IDENTITY,
    provider text        NOT NULL,
    at       timestamptz NOT NULL,
    took_ms  integer     NOT NULL CHECK (took_ms >= 0),
    outcome  text        NOT NULL CHECK (outcome IN ('ok', 'failed', 'refused')),
    job_id   bigint      NOT NULL
);
COMMENT ON COLUMN provider_calls.at IS 'When it ended; it began took_ms earlier';
COMMENT ON COLUMN provider_calls.outcome IS 'refused: the breaker let none out';
CREATE INDEX provider_calls_provider ON provider_calls (provider, at, id);
CREATE INDEX provider_calls_at ON provider_calls USING brin (at);
