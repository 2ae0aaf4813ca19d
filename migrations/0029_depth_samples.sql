-- How many jobs waited, and how many dead letters lay there, minute by minute: what a backlog or a growing queue of dead letters is
-- recognised by. Sampled, because no counter can tell it afterwards; counts are capped as everywhere.

CREATE TABLE depth_samples (
    minute    timestamptz NOT NULL,
    queue     text        NOT NULL,
    waiting   integer     NOT NULL,
    scheduled integer     NOT NULL,
    running   integer     NOT NULL,
    dead      integer     NOT NULL,
    PRIMARY KEY (minute, queue)
);
COMMENT ON COLUMN depth_samples.waiting IS 'Due and waiting; counted to 10 000 per kind';
COMMENT ON COLUMN depth_samples.dead IS 'Pending dead letters; counted to 10 000';
