-- Alerts (OP-13): what the rules have found. Rules stand in the code; a row of alert_rules exists only for what an operator changed,
-- one of alert_silences for a rule that nobody is to be told of for a while.

CREATE TABLE alert_rules (
    name        text        PRIMARY KEY,
    threshold   bigint,
    for_minutes integer,
    enabled     boolean     NOT NULL,
    updated_by  text        NOT NULL,
    updated_at  timestamptz NOT NULL
);

CREATE TABLE alert_silences (
    rule   text        PRIMARY KEY,
    until  timestamptz NOT NULL,
    reason text        NOT NULL,
    by     text        NOT NULL
);

-- A condition that a rule watches: not yet an alert while fired_at is null. `told` is what people outside know of it.
CREATE TABLE alerts (
    id              bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    rule            text        NOT NULL,
    subject         text        NOT NULL,
    detail          text        NOT NULL,
    since           timestamptz NOT NULL,
    fired_at        timestamptz,
    resolved_at     timestamptz,
    repeats         integer     NOT NULL DEFAULT 0,
    told            text        CHECK (told IN ('fired', 'resolved', 'silenced')),
    told_at         timestamptz,
    acknowledged_by text,
    acknowledged_at timestamptz,
    CONSTRAINT alerts_told CHECK (num_nulls(told, told_at) IN (0, 2)),
    CONSTRAINT alerts_acknowledged CHECK (num_nulls(acknowledged_by, acknowledged_at) IN (0, 2))
);
CREATE UNIQUE INDEX alerts_open ON alerts (rule, subject) WHERE resolved_at IS NULL;
CREATE INDEX alerts_resolved ON alerts (resolved_at) WHERE resolved_at IS NOT NULL;
CREATE INDEX alerts_to_tell ON alerts (id) WHERE resolved_at IS NULL OR told <> 'resolved';
CREATE INDEX alerts_of_rule ON alerts (rule, id);
