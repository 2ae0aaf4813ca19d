-- Second factors (RFC 6238): a secret that a person's authenticator shares, encrypted by the vault and bound to whose it is; and codes for those
-- who have lost the authenticator, as digests. A step counts once: a code that somebody has watched being typed opens nothing.

CREATE TABLE second_factors (
    email        text        PRIMARY KEY REFERENCES users (email) ON DELETE CASCADE,
    key_id       text        NOT NULL,
    nonce        bytea       NOT NULL CHECK (octet_length(nonce) = 24),
    ciphertext   bytea       NOT NULL,
    created_at   timestamptz NOT NULL,
    confirmed_at timestamptz,
    last_step    bigint      NOT NULL DEFAULT 0
);
COMMENT ON COLUMN second_factors.confirmed_at IS 'When a first code was right: until then it is not asked for';

CREATE TABLE recovery_codes (
    email     text  NOT NULL REFERENCES second_factors (email) ON DELETE CASCADE,
    code_hash bytea NOT NULL,
    PRIMARY KEY (email, code_hash)
);
COMMENT ON COLUMN recovery_codes.code_hash IS 'SHA-256 of 80 random bits; removed when it is used';
