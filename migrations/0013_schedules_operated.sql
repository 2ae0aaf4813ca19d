-- What operators need of schedules: a time zone, a rule for missed ticks, a pause that says why,
-- an operator's own times beside those of the code, and the job that ran last.

UPDATE schedules SET paused = false;

ALTER TABLE schedules
    ADD COLUMN time_zone          text NOT NULL DEFAULT 'UTC',
    ADD COLUMN missed_ticks       text NOT NULL DEFAULT 'run_once'
        CHECK (missed_ticks IN ('run_once', 'skip', 'run_all')),
    ADD COLUMN operator_cron      text,
    ADD COLUMN operator_time_zone text,
    ADD COLUMN changed_by         text,
    ADD COLUMN changed_at         timestamptz,
    ADD COLUMN pause_reason       text,
    ADD COLUMN paused_by          text,
    ADD COLUMN paused_at          timestamptz,
    ADD COLUMN last_job_id        bigint,
    ADD CONSTRAINT schedules_operator_times CHECK ((operator_cron IS NULL) = (operator_time_zone IS NULL)),
    ADD CONSTRAINT schedules_pause_says_why CHECK (paused = (pause_reason IS NOT NULL));

COMMENT ON COLUMN schedules.cron IS 'As the code declares it; operator_cron, when set, is what counts';
COMMENT ON COLUMN schedules.next_run_at IS 'The first tick that has not been dealt with; it stands still while paused';
COMMENT ON COLUMN schedules.last_run_at IS 'The last tick that became a job; a run by hand is no tick';
COMMENT ON COLUMN schedules.last_job_id IS 'The job of the last tick or of the last run by hand';
