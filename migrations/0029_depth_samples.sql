-- How many jobs waited and ran, and how many dead letters lay there, minute by minute: what a backlog or a growing queue of dead letters
-- is recognised by. Sampled, because no counter can tell it afterwards; counts are capped as everywhere.

CREATE TABLE depth_samples (
    minute  timestamptz PRIMARY KEY,
    waiting bigint      NOT NULL,
    running bigint      NOT NULL,
    dead    bigint      NOT NULL
);
COMMENT ON COLUMN depth_samples.waiting IS 'Due and waiting; counted to 10 000 per queue and kind';
COMMENT ON COLUMN depth_samples.dead IS 'Pending dead letters';
