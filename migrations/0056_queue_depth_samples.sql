-- How many jobs of each queue waited, minute by minute: the rule on long queues is judged by queue, and what another threshold would have
-- found cannot be told from the sum of all (0029). A queue in which nothing waited has no row: depth_samples says that the minute was sampled.

CREATE TABLE queue_depth_samples (
    minute  timestamptz NOT NULL,
    queue   text        NOT NULL,
    waiting bigint      NOT NULL CHECK (waiting > 0),
    PRIMARY KEY (minute, queue)
);
COMMENT ON COLUMN queue_depth_samples.waiting IS 'Due and waiting; counted to 10 000 per kind';
