-- What people decided about an error that puts jobs into the dead letter queue: its cause is repaired, or it is known and to be left
-- alone. By fingerprint, because the decision outlives the letters: one that comes back after it was repaired is news.

CREATE TABLE dead_letter_marks (
    fingerprint text        PRIMARY KEY,
    mark        text        NOT NULL CHECK (mark IN ('resolved', 'ignored')),
    reason      text        NOT NULL,
    marked_by   text        NOT NULL,
    marked_at   timestamptz NOT NULL
);
