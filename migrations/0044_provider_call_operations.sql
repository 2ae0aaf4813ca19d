-- Which operation a call was, so that health and metrics can count per operation and not only per provider; and the calls that the provider
-- asked to make later (429), which were not recorded before: a breaker does not count them, but people who ask where the calls went do.

ALTER TABLE provider_calls ADD COLUMN operation text NOT NULL DEFAULT '';
COMMENT ON COLUMN provider_calls.operation IS 'Such as discovery; empty for calls from before it was kept';

ALTER TABLE provider_calls DROP CONSTRAINT provider_calls_outcome_check;
ALTER TABLE provider_calls ADD CONSTRAINT provider_calls_outcome_check
    CHECK (outcome IN ('ok', 'failed', 'refused', 'limited'));
COMMENT ON COLUMN provider_calls.outcome IS 'refused: the breaker let none out; limited: the provider asked to slow down';
