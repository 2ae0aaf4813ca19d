-- The audit log in other hands (AV-11): triggers bind everybody but the tables' owner, who can switch them off. Once a superuser has given the
-- log to a role that nobody signs in as, the application can add to it and read it, and nothing else: docs/operations.md.

CREATE FUNCTION give_audit_log_to(auditor name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    -- Whoever owns the rest is the application.
    application name := (SELECT tableowner FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'jobs_ready');
    own text;
BEGIN
    IF application = auditor THEN
        RAISE EXCEPTION 'the audit log must be given to a role of its own, not to that of the application';
    END IF;
    -- Whoever owns the schema may drop what is in it.
    EXECUTE format('ALTER SCHEMA %I OWNER TO %I', current_schema(), auditor);
    EXECUTE format('GRANT CREATE, USAGE ON SCHEMA %I TO %I', current_schema(), application);
    FOREACH own IN ARRAY ARRAY['TABLE audit_log', 'TABLE audit_chain', 'FUNCTION audit_seal(bytea, audit_log)',
                               'FUNCTION audit_log_is_append_only()', 'FUNCTION audit_log_is_unsealed()'] LOOP
        EXECUTE format('ALTER %s OWNER TO %I', own, auditor);
    END LOOP;
    EXECUTE format('REVOKE ALL ON audit_log, audit_chain FROM PUBLIC, %I', application);
    EXECUTE format('GRANT SELECT, INSERT ON audit_log, audit_chain TO %I', application);
END $$;
REVOKE EXECUTE ON FUNCTION give_audit_log_to(name) FROM PUBLIC;
