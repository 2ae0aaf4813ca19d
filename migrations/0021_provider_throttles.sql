-- Near a provider's own limit its rates are lowered by themselves (AV-9). What they are lowered to is
-- kept per provider, as a share of the operator's settings: those are never touched, and a provider
-- counts the calls of all its operations together.

CREATE TABLE provider_throttles (
    provider     text        PRIMARY KEY,
    percent      smallint    NOT NULL DEFAULT 100 CHECK (percent BETWEEN 10 AND 100),
    since        timestamptz NOT NULL,
    lowered_at   timestamptz NOT NULL,
    holds_until  timestamptz NOT NULL,
    used_percent smallint
);
COMMENT ON COLUMN provider_throttles.percent IS 'Of each of the provider''s rate settings; 100 is not throttled';
COMMENT ON COLUMN provider_throttles.since IS 'Since when the rates have been below their settings';
COMMENT ON COLUMN provider_throttles.holds_until IS 'From then on the rates come back, step by step';
COMMENT ON COLUMN provider_throttles.used_percent IS 'The share of the provider''s limit that was used when they were lowered; absent when it answered 429';
