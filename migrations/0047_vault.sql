-- The vault (AV-7, CP-5): the keys of outside providers, encrypted with a key that is never in the database. Whoever has a dump of it has
-- no provider's key; and whoever changes a row, what is shown of the key included, is found out when the row is opened: all other columns
-- are bound to the ciphertext as its associated data. One row per provider; who changed it before stands in the audit log.

CREATE TABLE vault_secrets (
    provider   text        PRIMARY KEY,
    key_id     text        NOT NULL,
    nonce      bytea       NOT NULL CHECK (octet_length(nonce) = 24),
    ciphertext bytea       NOT NULL,
    version    bigint      NOT NULL,
    last4      text,
    expires_at timestamptz,
    updated_by text        NOT NULL,
    updated_at timestamptz NOT NULL
);
COMMENT ON TABLE vault_secrets IS 'XChaCha20-Poly1305; the associated data are all columns but nonce and ciphertext (engine/src/vault/row.rs)';
COMMENT ON COLUMN vault_secrets.key_id IS 'Which master key it is encrypted with: the beginning of a hash of that key';
COMMENT ON COLUMN vault_secrets.last4 IS 'The last four characters, shown to people; only of keys of 12 characters or more';

-- Versions of all keys together, so that a key that was removed and set again has not the version of an older one.
CREATE SEQUENCE vault_versions;
