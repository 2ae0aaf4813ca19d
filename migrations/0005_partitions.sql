-- Daily partitions of the append-only tables, made ahead and dropped when old. A default
-- partition catches what falls outside, so that no row is ever refused for its date.

CREATE TABLE jobs_finished_default PARTITION OF jobs_finished DEFAULT;
CREATE TABLE job_attempts_default  PARTITION OF job_attempts  DEFAULT;
CREATE TABLE system_logs_default   PARTITION OF system_logs   DEFAULT;

-- Makes the partitions of the days from `first` on. A day whose rows already lie in the default
-- partition is left there.
CREATE FUNCTION make_partitions(first date, days integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    day date;
    child text;
    made integer := 0;
BEGIN
    FOREACH parent IN ARRAY ARRAY['jobs_finished', 'job_attempts', 'system_logs'] LOOP
        FOR day IN SELECT first + n FROM generate_series(0, days - 1) n LOOP
            child := format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
            CONTINUE WHEN to_regclass(child) IS NOT NULL;
            BEGIN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                    child, parent,
                    day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
                made := made + 1;
            EXCEPTION WHEN check_violation THEN
                NULL;
            END;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;

-- Drops the partitions that lie wholly before `oldest`.
CREATE FUNCTION drop_partitions(oldest date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    child text;
    dropped integer := 0;
BEGIN
    FOR child IN
        SELECT c.relname FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid
        JOIN pg_class p ON p.oid = i.inhparent
        WHERE p.relname IN ('jobs_finished', 'job_attempts', 'system_logs')
          AND c.relname ~ '_[0-9]{8}$'
          AND to_date(right(c.relname, 8), 'YYYYMMDD') < oldest
    LOOP
        EXECUTE format('DROP TABLE %I', child);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
