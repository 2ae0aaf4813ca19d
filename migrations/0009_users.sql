-- People and their sessions. Passwords are argon2id hashes; a session's id is stored as its
-- SHA-256, so that a copy of this table opens no session.

CREATE TABLE users (
    id                   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email                text        NOT NULL CHECK (email = lower(email)),
    password_hash        text        NOT NULL,
    role                 text        NOT NULL CHECK (role IN ('admin', 'operator', 'viewer', 'qa_lead', 'technician')),
    must_change_password boolean     NOT NULL DEFAULT false,
    disabled             boolean     NOT NULL DEFAULT false,
    created_at           timestamptz NOT NULL,
    failed_sign_ins      integer     NOT NULL DEFAULT 0,
    failed_window_from   timestamptz,
    CONSTRAINT users_email UNIQUE (email)
);
COMMENT ON COLUMN users.failed_sign_ins IS 'Wrong passwords since failed_window_from; too many in an hour are answered without looking at the password';

CREATE TABLE sessions (
    id_hash    bytea       PRIMARY KEY,
    data       jsonb       NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_expiry ON sessions (expires_at);
