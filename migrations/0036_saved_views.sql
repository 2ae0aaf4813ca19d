-- What a person filters lists by again and again, under a name: a list of the console and its filters, as they stand in the address.

CREATE TABLE saved_views (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner      text        NOT NULL REFERENCES users (email) ON UPDATE CASCADE ON DELETE CASCADE,
    list       text        NOT NULL CHECK (list IN ('jobs', 'dead_letters', 'logs')),
    name       text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 60),
    query      text        NOT NULL CHECK (char_length(query) BETWEEN 1 AND 2000),
    created_at timestamptz NOT NULL,
    CONSTRAINT saved_views_name UNIQUE (owner, list, name)
);
