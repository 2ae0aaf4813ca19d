-- Two records for people: what the system did (system_logs) and what operators did (audit_log).

CREATE SEQUENCE system_log_ids;
CREATE TABLE system_logs (
    id         bigint      NOT NULL DEFAULT nextval('system_log_ids'),
    event_type text        NOT NULL,
    level      text        NOT NULL CHECK (level IN ('info', 'warn', 'error')),
    message    text        NOT NULL,
    job_id     bigint,
    metadata   jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL
) PARTITION BY RANGE (created_at);
CREATE INDEX system_logs_id ON system_logs (id);
CREATE INDEX system_logs_event ON system_logs (event_type, id);
CREATE INDEX system_logs_job ON system_logs (job_id, id) WHERE job_id IS NOT NULL;

CREATE TABLE audit_log (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor      text        NOT NULL,
    action     text        NOT NULL,
    subject    text        NOT NULL,
    reason     text,
    details    jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL
);

-- The audit log is append-only, whoever asks.
CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append-only';
END $$;
CREATE TRIGGER audit_log_keep BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only();
CREATE TRIGGER audit_log_keep_all BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
