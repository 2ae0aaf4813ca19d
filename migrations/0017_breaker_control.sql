-- A breaker can open by rates over its last calls and be forced by a person, and every move it makes
-- is kept. The window lies in the breaker's row: it must survive every process, as the rest does.

ALTER TABLE circuit_breakers
    ADD COLUMN window_calls  smallint NOT NULL DEFAULT 0 CHECK (window_calls BETWEEN 0 AND 64),
    ADD COLUMN window_failed bigint   NOT NULL DEFAULT 0,
    ADD COLUMN window_slow   bigint   NOT NULL DEFAULT 0,
    ADD COLUMN forced        text     CHECK (forced IN ('open', 'closed')),
    ADD COLUMN forced_until  timestamptz,
    ADD COLUMN forced_by     text,
    ADD COLUMN forced_reason text,
    ADD COLUMN forced_at     timestamptz,
    ADD CONSTRAINT circuit_breakers_forced CHECK (
        (forced IS NULL) = (forced_by IS NULL) AND (forced IS NULL) = (forced_reason IS NULL)
        AND (forced IS NULL) = (forced_at IS NULL) AND (forced IS NOT NULL OR forced_until IS NULL)
        AND (forced IS NULL OR forced = state));
COMMENT ON COLUMN circuit_breakers.window_failed IS 'One bit for each of the last calls, the newest lowest: whether it failed';
COMMENT ON COLUMN circuit_breakers.window_slow IS 'The same: whether it was slow';

CREATE TABLE breaker_transitions (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider   text        NOT NULL,
    at         timestamptz NOT NULL,
    from_state text        NOT NULL CHECK (from_state IN ('closed', 'open', 'half_open')),
    to_state   text        NOT NULL CHECK (to_state IN ('closed', 'open', 'half_open')),
    cause      text        NOT NULL,
    actor      text,
    detail     text
);
COMMENT ON COLUMN breaker_transitions.actor IS 'Who moved it, if a person did';
COMMENT ON COLUMN breaker_transitions.detail IS 'The reason given, or the error of the call that moved it';
CREATE INDEX breaker_transitions_provider ON breaker_transitions (provider, id);
CREATE INDEX breaker_transitions_at ON breaker_transitions (at);
