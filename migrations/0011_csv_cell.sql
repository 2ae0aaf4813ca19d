-- The guard of every CSV export: a cell that a spreadsheet would run as a formula gets a leading
-- apostrophe (OWASP, "CSV Injection"). NUL, the last of the dangerous first characters, cannot
-- occur in a text.

CREATE FUNCTION csv_cell(cell text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN left(cell, 1) IN ('=', '+', '-', '@', E'\t', E'\r', E'\n')
                THEN '''' || cell ELSE cell END
$$;

-- A time as exports write it: ISO 8601, in UTC, to the second.
CREATE FUNCTION csv_time(at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;
