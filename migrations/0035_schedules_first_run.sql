-- When a schedule ran first: one that has ticked ever since and never ended well has a gap as long as that, however lately it ticked.

ALTER TABLE schedules ADD COLUMN first_run_at timestamptz;
UPDATE schedules SET first_run_at = last_run_at;
