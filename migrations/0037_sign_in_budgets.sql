-- How many passwords may be tried. What is counted is an account (there or not), as strangers try it; an account as one of its own devices or
-- addresses tries it; and an address, whatever accounts it tries. So guesses from anywhere never use up what the owner's own devices may.

CREATE TABLE sign_in_budgets (
    subject     bytea       PRIMARY KEY,
    tries       integer     NOT NULL,
    window_from timestamptz NOT NULL
);
COMMENT ON COLUMN sign_in_budgets.subject IS 'SHA-256 of what is counted: nobody''s address or e-mail stands here';
CREATE INDEX sign_in_budgets_age ON sign_in_budgets (window_from);

CREATE TABLE known_devices (
    id_hash      bytea       NOT NULL,
    email        text        NOT NULL REFERENCES users (email) ON UPDATE CASCADE ON DELETE CASCADE,
    address      text,
    last_used_at timestamptz NOT NULL,
    PRIMARY KEY (email, id_hash)
);
COMMENT ON TABLE known_devices IS 'Browsers that a user has signed in with, and where; the cookie that names one opens nothing by itself';
CREATE INDEX known_devices_age ON known_devices (last_used_at);

-- Counted until now; a later release drops them.
COMMENT ON COLUMN users.failed_sign_ins IS 'Not used any more: see sign_in_budgets';
COMMENT ON COLUMN users.failed_window_from IS 'Not used any more: see sign_in_budgets';
