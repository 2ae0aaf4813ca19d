-- What the page of users shows and does: when somebody was in last, whose sessions are open, and the tokens that scripts sign in with.

ALTER TABLE users ADD COLUMN last_sign_in_at timestamptz;

-- A session's data is JSON of the server's; whose it is, is looked up here.
ALTER TABLE sessions ADD COLUMN email text GENERATED ALWAYS AS (data ->> 'email') STORED;
CREATE INDEX sessions_email ON sessions (email) WHERE email IS NOT NULL;

CREATE TABLE api_tokens (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner        text        NOT NULL REFERENCES users (email) ON UPDATE CASCADE ON DELETE CASCADE,
    name         text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 60),
    token_hash   bytea       NOT NULL UNIQUE,
    hint         text        NOT NULL,
    scopes       text[]      NOT NULL CHECK (cardinality(scopes) > 0),
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    CONSTRAINT api_tokens_end CHECK (expires_at > created_at)
);
COMMENT ON COLUMN api_tokens.token_hash IS 'SHA-256 of the token: 256 random bits need no slow hash, and a copy of this table opens nothing';
COMMENT ON COLUMN api_tokens.hint IS 'Its last four characters, to be recognised by';
CREATE INDEX api_tokens_owner ON api_tokens (owner);
