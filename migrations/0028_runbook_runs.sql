-- Incidents that somebody took on with a runbook, and the record of each (RB, JS-3): what showed it, what was found and done, what
-- showed that it was over. One run a class at a time; the record is only added to.

CREATE TABLE runbook_runs (
    id         bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    incident   text        NOT NULL,
    severity   text        NOT NULL CHECK (severity IN ('P1', 'P2', 'P3', 'P4')),
    started_at timestamptz NOT NULL,
    started_by text        NOT NULL,
    ended_at   timestamptz,
    ended_by   text,
    CONSTRAINT runbook_runs_end CHECK (num_nulls(ended_at, ended_by) IN (0, 2))
);
CREATE UNIQUE INDEX runbook_runs_under_way ON runbook_runs (incident) WHERE ended_at IS NULL;

CREATE TABLE runbook_entries (
    id     bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    run_id bigint      NOT NULL REFERENCES runbook_runs,
    at     timestamptz NOT NULL,
    by     text        NOT NULL,
    step   text        NOT NULL CHECK (step IN ('detection', 'diagnosis', 'mitigation', 'verification', 'note')),
    what   text        NOT NULL
);
CREATE INDEX runbook_entries_run ON runbook_entries (run_id, id);
