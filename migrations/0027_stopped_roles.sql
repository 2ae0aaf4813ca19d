-- What operators have stopped (ST-4): one worker, all workers, the scheduler. The claim and the tick read it in their own statements.
-- A worker's stop ends with the worker; that of a role holds for every process of that role, those started later included.

ALTER TABLE workers
    ADD COLUMN stop_reason text,
    ADD COLUMN stopped_by  text,
    ADD COLUMN stopped_at  timestamptz,
    ADD CONSTRAINT workers_stop CHECK (num_nulls(stop_reason, stopped_by, stopped_at) IN (0, 3));

CREATE TABLE stopped_roles (
    role        text        PRIMARY KEY CHECK (role IN ('worker', 'scheduler')),
    stop_reason text        NOT NULL,
    stopped_by  text        NOT NULL,
    stopped_at  timestamptz NOT NULL
);
