-- Pipeline `domains`: posts and their texts as the provider gave them, and the domains found in
-- them. Every unique key makes a repeated run add nothing.

CREATE TABLE posts (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url           text        NOT NULL,
    author        text,
    description   text,
    published_at  timestamptz,
    discovered_at timestamptz NOT NULL,
    harvested_at  timestamptz,
    extracted_at  timestamptz,
    CONSTRAINT posts_url UNIQUE (url)
);

CREATE TABLE comments (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    post_id      bigint      NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    external_id  text        NOT NULL,
    author       text,
    body         text        NOT NULL,
    published_at timestamptz,
    CONSTRAINT comments_external UNIQUE (post_id, external_id)
);

CREATE TABLE domains (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text        NOT NULL,
    display_name  text        NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    CONSTRAINT domains_name UNIQUE (name)
);
CREATE INDEX domains_first_seen ON domains (first_seen_at DESC, id DESC);

CREATE TABLE domain_mentions (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain_id   bigint      NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    post_id     bigint      NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    source      text        NOT NULL CHECK (source IN ('post', 'comment', 'page')),
    raw_url     text        NOT NULL,
    raw_host    text        NOT NULL,
    final_url   text        NOT NULL,
    final_host  text        NOT NULL,
    spelled_out boolean     NOT NULL,
    seen_at     timestamptz NOT NULL
);
-- A link can be longer than an index entry may be: its digest stands in for it.
CREATE UNIQUE INDEX domain_mentions_once ON domain_mentions (post_id, md5(raw_url));
CREATE INDEX domain_mentions_domain ON domain_mentions (domain_id, seen_at DESC);
CREATE INDEX domain_mentions_seen ON domain_mentions (seen_at);
