-- The audit log as a chain (AV-11): each entry is sealed by a hash over itself and the seal before it, so that an entry that is changed,
-- removed or slipped in afterwards is found by computing the chain anew; and where whoever did it has computed the whole chain anew, or cut
-- off its end, by a seal that was kept elsewhere. The leader seals what is new every second: to seal in the commands' own transactions would
-- let them commit one at a time only (a sixth of the throughput, with 16 clients).

CREATE TABLE audit_chain (
    seq      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    audit_id bigint NOT NULL UNIQUE,
    seal     bytea  NOT NULL
);
CREATE TRIGGER audit_chain_keep BEFORE UPDATE OR DELETE ON audit_chain
    FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only();
CREATE TRIGGER audit_chain_keep_all BEFORE TRUNCATE ON audit_chain
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();

-- The seal of an entry, given the one before it. Times as numbers: their text depends on who asks.
CREATE FUNCTION audit_seal(before bytea, entry audit_log) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(before || convert_to(jsonb_build_array(entry.id, entry.actor, entry.action, entry.subject, entry.reason,
        entry.details, extract(epoch FROM entry.created_at))::text, 'UTF8'))
$$;

-- What is new.
CREATE TABLE audit_unsealed (audit_id bigint PRIMARY KEY);
CREATE FUNCTION audit_log_is_unsealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_unsealed VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER audit_log_unsealed AFTER INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_log_is_unsealed();

-- Seals what is new, at most so many entries; how many there were.
CREATE FUNCTION seal_audit_log(at_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    entry audit_log;
    before bytea;
    sealed integer := 0;
BEGIN
    -- One at a time. No lock of the table: that would keep vacuum from it.
    PERFORM pg_advisory_xact_lock(8316291910694862850); -- 0x7369_676e_616c_0002, beside that of the claim
    SELECT seal INTO before FROM audit_chain ORDER BY seq DESC LIMIT 1;
    FOR entry IN SELECT a.* FROM audit_unsealed u JOIN audit_log a ON a.id = u.audit_id
        WHERE NOT EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = a.id) ORDER BY a.id LIMIT at_most LOOP
        before := audit_seal(coalesce(before, ''), entry);
        INSERT INTO audit_chain (audit_id, seal) VALUES (entry.id, before);
        DELETE FROM audit_unsealed WHERE audit_id = entry.id;
        sealed := sealed + 1;
    END LOOP;
    RETURN sealed;
END $$;

-- What was there before is new to the chain.
INSERT INTO audit_unsealed SELECT id FROM audit_log;

CREATE INDEX audit_log_actor ON audit_log (actor, id);
CREATE INDEX audit_log_action ON audit_log (action text_pattern_ops, id);
