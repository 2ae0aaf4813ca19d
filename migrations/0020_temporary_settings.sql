-- A setting may be changed for a while. The temporary value lies over the lasting one, which stays
-- as it is: when its time is over, what counts again is the last value that had no end, and no
-- worker needs anybody to tell it.

CREATE TABLE temporary_settings (
    key         text        PRIMARY KEY,
    value       bigint      NOT NULL,
    description text,
    set_by      text        NOT NULL,
    set_at      timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    CONSTRAINT temporary_settings_end CHECK (expires_at > set_at)
);
COMMENT ON COLUMN temporary_settings.expires_at IS 'From then on the row counts for nothing; the scheduler removes and logs it';

-- What counts at a moment, of all that differs from the catalogue's defaults.
CREATE FUNCTION settings_at(now timestamptz) RETURNS TABLE (key text, value bigint)
LANGUAGE sql STABLE AS $$
    SELECT key, coalesce(t.value, c.value)
    FROM system_config c
         FULL JOIN (SELECT * FROM temporary_settings WHERE expires_at > now) t USING (key)
$$;
