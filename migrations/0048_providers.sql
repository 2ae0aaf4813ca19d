-- Providers as an operator works them (AV-7): switched off and on, and tested. That a provider is off stands in its breaker's row, which
-- every claim and every call reads already: one more gate costs neither a statement. It is no state of the breaker: that goes on as it was
-- when the provider is on again, and letting go of a breaker turns no provider on.

ALTER TABLE circuit_breakers
    ADD COLUMN disabled_by     text,
    ADD COLUMN disabled_reason text,
    ADD COLUMN disabled_at     timestamptz,
    ADD CONSTRAINT circuit_breakers_disabled CHECK (num_nulls(disabled_by, disabled_reason, disabled_at) IN (0, 3));

-- The last test of each provider's credentials.
CREATE TABLE provider_tests (
    provider  text        PRIMARY KEY,
    tested_at timestamptz NOT NULL,
    tested_by text        NOT NULL,
    steps     jsonb       NOT NULL
);

-- What was done to one thing, such as a provider.
CREATE INDEX audit_log_subject ON audit_log (subject, id);
