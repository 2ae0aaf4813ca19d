-- What people outside are told of alerts, one row for each channel: written in the transaction that finds it, sent after it. No job
-- sends them: they must come through while the kill switch is on and while no worker is at work.

CREATE TABLE alert_messages (
    id         bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at         timestamptz NOT NULL,
    channel    text,
    text       text        NOT NULL,
    state      text        NOT NULL CHECK (state IN ('waiting', 'sent', 'failed', 'dry_run', 'no_channel')),
    attempts   integer     NOT NULL DEFAULT 0,
    next_at    timestamptz NOT NULL,
    error      text,
    sent_at    timestamptz
);
CREATE INDEX alert_messages_waiting ON alert_messages (next_at) WHERE state = 'waiting';
