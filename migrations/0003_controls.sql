-- What gates the claim: the kill switch, the settings, the breakers and the rate buckets. Small
-- tables that every worker reads before every claim, so that a change acts everywhere at once.

CREATE TABLE kill_switch (
    only_row   boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    active     boolean     NOT NULL,
    reason     text,
    changed_by text,
    changed_at timestamptz,
    CONSTRAINT kill_switch_reason CHECK (NOT active OR reason IS NOT NULL)
);
INSERT INTO kill_switch (active) VALUES (false);

-- Only what differs from the catalogue's defaults has a row.
CREATE TABLE system_config (
    key         text        PRIMARY KEY,
    value       bigint      NOT NULL,
    description text,
    updated_by  text        NOT NULL,
    updated_at  timestamptz NOT NULL
);

CREATE TABLE circuit_breakers (
    provider        text        PRIMARY KEY,
    state           text        NOT NULL CHECK (state IN ('closed', 'open', 'half_open')),
    failures        integer     NOT NULL CHECK (failures >= 0),
    opened_at       timestamptz,
    retry_at        timestamptz,
    trials          integer     NOT NULL DEFAULT 0 CHECK (trials >= 0),
    trial_at        timestamptz,
    last_success_at timestamptz,
    last_error      text,
    CONSTRAINT circuit_breakers_open CHECK ((state = 'closed') = (opened_at IS NULL))
);
COMMENT ON COLUMN circuit_breakers.trials IS 'Trial calls out right now, while half open';
COMMENT ON COLUMN circuit_breakers.trial_at IS 'When the last trial was let out: a trial whose caller died is written off after the call time-out';

-- Token buckets, one per rate setting.
CREATE TABLE rate_buckets (
    setting       text             PRIMARY KEY,
    tokens        double precision NOT NULL CHECK (tokens >= 0),
    refilled_at   timestamptz      NOT NULL,
    blocked_until timestamptz
);
COMMENT ON COLUMN rate_buckets.blocked_until IS 'The provider asked us to wait until then (Retry-After)';
