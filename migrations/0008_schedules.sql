-- Schedules, and the lease of the one leader that runs them.

CREATE TABLE schedules (
    name        text        PRIMARY KEY,
    kind        text        NOT NULL,
    payload     jsonb       NOT NULL DEFAULT '{}',
    cron        text        NOT NULL,
    paused      boolean     NOT NULL DEFAULT false,
    next_run_at timestamptz NOT NULL,
    last_run_at timestamptz
);

CREATE TABLE leaders (
    name        text        PRIMARY KEY,
    holder      uuid        NOT NULL,
    elected_at  timestamptz NOT NULL,
    lease_until timestamptz NOT NULL
);
