-- Plain views that the pages of pipeline `domains` read, and a materialized twin of each (OP-9,
-- OP-10). A twin holds the same rows as its view at the moment of its refresh. Each has a unique
-- index, without which it could not be refreshed while others read it.

CREATE VIEW v_domain_totals AS
SELECT d.id, d.name, d.display_name, d.first_seen_at, d.last_seen_at,
       -- As expressions, so that who only counts domains does not pay for these.
       (SELECT count(*) FROM domain_mentions m WHERE m.domain_id = d.id) AS mentions,
       (SELECT count(DISTINCT m.post_id) FROM domain_mentions m WHERE m.domain_id = d.id) AS posts
FROM domains d;
CREATE MATERIALIZED VIEW mv_domain_totals AS SELECT * FROM v_domain_totals;
CREATE UNIQUE INDEX mv_domain_totals_once ON mv_domain_totals (id);
CREATE INDEX mv_domain_totals_first_seen ON mv_domain_totals (first_seen_at DESC, id DESC);

CREATE VIEW v_domain_days AS
SELECT domain_id, (seen_at AT TIME ZONE 'UTC')::date AS day, count(*) AS mentions
FROM domain_mentions GROUP BY 1, 2;
CREATE MATERIALIZED VIEW mv_domain_days AS SELECT * FROM v_domain_days;
CREATE UNIQUE INDEX mv_domain_days_once ON mv_domain_days (domain_id, day);

CREATE VIEW v_domain_posts AS
SELECT m.domain_id, m.post_id, p.url, count(*) AS mentions
FROM domain_mentions m JOIN posts p ON p.id = m.post_id GROUP BY m.domain_id, m.post_id, p.url;
CREATE MATERIALIZED VIEW mv_domain_posts AS SELECT * FROM v_domain_posts;
CREATE UNIQUE INDEX mv_domain_posts_once ON mv_domain_posts (domain_id, post_id);
CREATE INDEX mv_domain_posts_top ON mv_domain_posts (domain_id, mentions DESC);

-- The twins, and how their last refresh went.
CREATE TABLE matviews (
    name         text        PRIMARY KEY,
    refreshed_at timestamptz,
    duration_ms  bigint,
    row_count    bigint
);
INSERT INTO matviews (name) VALUES ('domain_totals'), ('domain_days'), ('domain_posts');

-- Whether reads come from the twins, and what became of the last refresh that was not done.
CREATE TABLE matviews_control (
    only_row    boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    enabled     boolean     NOT NULL,
    changed_by  text,
    changed_at  timestamptz,
    failed_at   timestamptz,
    failure     text,
    skipped_at  timestamptz,
    skip_reason text
);
INSERT INTO matviews_control (enabled) VALUES (false);

-- Refreshes every twin as of `at`, one after the other, all or none, without blocking readers.
-- The wall clock is read for the durations only, and by those who call it by hand.
CREATE FUNCTION refresh_matviews(at timestamptz DEFAULT clock_timestamp()) RETURNS SETOF matviews
LANGUAGE plpgsql AS $$
DECLARE
    view     text;
    started  timestamptz;
    counted  bigint;
BEGIN
    FOR view IN SELECT m.name FROM matviews m ORDER BY m.name LOOP
        started := clock_timestamp();
        EXECUTE format('REFRESH MATERIALIZED VIEW CONCURRENTLY %I', 'mv_' || view);
        EXECUTE format('SELECT count(*) FROM %I', 'mv_' || view) INTO counted;
        UPDATE matviews m SET refreshed_at = at, row_count = counted,
            duration_ms = extract(epoch FROM clock_timestamp() - started) * 1000
        WHERE m.name = view;
    END LOOP;
    RETURN QUERY SELECT * FROM matviews ORDER BY 1;
END $$;
