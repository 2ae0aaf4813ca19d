-- The pages of a queue, a schedule and a setting show what was done with it, and read that every few
-- seconds. Without an index they read the whole log for a name that is rare in it.

CREATE INDEX system_logs_metadata ON system_logs USING gin (metadata jsonb_path_ops);
