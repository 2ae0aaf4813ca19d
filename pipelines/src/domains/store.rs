//! The pipeline's tables: what jobs write, and what the pages read.

use std::collections::{BTreeMap, HashSet};

use signalbox_engine::matviews::{self, Reads};
use signalbox_engine::{CommandError, Ctx, wanted};
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::domain::{
    DateFilter, Domain, DomainDetail, DomainList, Mention, MentionSource, MentionsOnDay, NewDomains,
};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};

use crate::domains::links::{FoundLink, find_links};
use crate::domains::provider::{Comment, Post, SearchResult};

/// The most domains of one list.
const LIST_ROWS: i64 = 200;

// The views that pages read, each with a materialized twin (migrations/0014_matviews.sql).
const TOTALS: &str = "domain_totals";
const DAYS: &str = "domain_days";
const POSTS: &str = "domain_posts";

/// Stores posts that a search found. Returns their ids, known ones included.
pub(crate) async fn save_posts(
    tx: &mut PgConnection,
    found: &[SearchResult],
    now: Timestamp,
) -> Result<Vec<i64>, sqlx::Error> {
    // One order everywhere: two searches with the same posts cannot deadlock.
    let posts: BTreeMap<&str, Option<&str>> =
        found.iter().map(|post| (post.link.as_str(), post.description.as_deref())).collect();
    sqlx::query_scalar(
        "INSERT INTO posts (url, description, discovered_at)
         SELECT url, description, $3 FROM unnest($1::text[], $2::text[]) AS p(url, description)
         ON CONFLICT (url) DO UPDATE SET description = coalesce(posts.description, excluded.description)
         RETURNING id",
    )
    .bind(posts.keys().copied().collect::<Vec<_>>())
    .bind(posts.values().copied().collect::<Vec<_>>())
    .bind(now)
    .fetch_all(tx)
    .await
}

/// The address of a post.
pub(crate) async fn post_url(db: &PgPool, id: i64) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT url FROM posts WHERE id = $1").bind(id).fetch_optional(db).await
}

/// Stores what was read of a post and its comments.
pub(crate) async fn save_harvest(
    tx: &mut PgConnection,
    post_id: i64,
    post: &Post,
    comments: &[Comment],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE posts SET author = coalesce($2, author), description = coalesce($3, description),
             published_at = coalesce($4, published_at), harvested_at = $5 WHERE id = $1",
    )
    .bind(post_id)
    .bind(&post.author)
    .bind(&post.description)
    .bind(post.published_at)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO comments (post_id, external_id, author, body, published_at)
         SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[])
         ON CONFLICT (post_id, external_id) DO NOTHING",
    )
    .bind(post_id)
    .bind(comments.iter().map(|c| c.external_id.as_str()).collect::<Vec<_>>())
    .bind(comments.iter().map(|c| c.author.as_deref()).collect::<Vec<_>>())
    .bind(comments.iter().map(|c| c.body.as_str()).collect::<Vec<_>>())
    .bind(comments.iter().map(|c| c.published_at).collect::<Vec<_>>())
    .execute(tx)
    .await
    .map(drop)
}

/// A text in which links are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    source: MentionSource,
    body: String,
    seen_at: Timestamp,
}

impl Text {
    /// The text of a post's page, read at `now`.
    pub(crate) fn page(body: String, now: Timestamp) -> Text {
        Text { source: MentionSource::Page, body, seen_at: now }
    }
}

/// The stored texts of a post: its own, then its comments in the order they were written.
pub(crate) async fn texts(db: &PgPool, post_id: i64) -> Result<Vec<Text>, sqlx::Error> {
    sqlx::query(
        "SELECT 'post' AS source, description AS body, coalesce(published_at, discovered_at) AS seen_at, 0 AS id
         FROM posts WHERE id = $1 AND description IS NOT NULL
         UNION ALL
         SELECT 'comment', c.body, coalesce(c.published_at, p.harvested_at, p.discovered_at), c.id
         FROM comments c JOIN posts p ON p.id = c.post_id WHERE p.id = $1
         ORDER BY source DESC, seen_at, id",
    )
    .bind(post_id)
    .try_map(|row: PgRow| {
        let source: String = row.try_get("source")?;
        Ok(Text {
            source: MentionSource::from_name(&source).unwrap_or(MentionSource::Post),
            body: row.try_get("body")?,
            seen_at: row.try_get("seen_at")?,
        })
    })
    .fetch_all(db)
    .await
}

/// A link, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundMention {
    link: FoundLink,
    source: MentionSource,
    seen_at: Timestamp,
}

/// All links of `texts`, each as it was first written: (post, raw URL) is counted once.
pub(crate) fn mentions_in(texts: &[Text]) -> Vec<FoundMention> {
    let mut seen = HashSet::new();
    let mut mentions = Vec::new();
    for text in texts {
        for link in find_links(&text.body) {
            if seen.insert(link.raw_url.clone()) {
                mentions.push(FoundMention { link, source: text.source, seen_at: text.seen_at });
            }
        }
    }
    mentions
}

/// Stores the mentions of a post, and their domains. What is there already stays as it is.
pub(crate) async fn save_mentions(
    tx: &mut PgConnection,
    post_id: i64,
    mentions: &[FoundMention],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    save_domains(tx, mentions).await?;
    sqlx::query(
        "INSERT INTO domain_mentions (domain_id, post_id, source, raw_url, raw_host, final_url,
             final_host, spelled_out, seen_at)
         SELECT d.id, $1, m.source, m.raw_url, m.raw_host, m.final_url, m.final_host, m.spelled_out, m.seen_at
         FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                     $8::boolean[], $9::timestamptz[])
              AS m(domain, source, raw_url, raw_host, final_url, final_host, spelled_out, seen_at)
         JOIN domains d ON d.name = m.domain
         ON CONFLICT (post_id, md5(raw_url)) DO NOTHING",
    )
    .bind(post_id)
    .bind(mentions.iter().map(|m| m.link.registrable_domain.as_str()).collect::<Vec<_>>())
    .bind(mentions.iter().map(|m| m.source.name()).collect::<Vec<_>>())
    .bind(mentions.iter().map(|m| m.link.raw_url.as_str()).collect::<Vec<_>>())
    .bind(mentions.iter().map(|m| m.link.raw_host.as_str()).collect::<Vec<_>>())
    .bind(mentions.iter().map(|m| m.link.final_url.as_str()).collect::<Vec<_>>())
    .bind(mentions.iter().map(|m| m.link.final_host.as_str()).collect::<Vec<_>>())
    .bind(mentions.iter().map(|m| m.link.spelled_out).collect::<Vec<_>>())
    .bind(mentions.iter().map(|m| m.seen_at).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
    sqlx::query("UPDATE posts SET extracted_at = $2 WHERE id = $1")
        .bind(post_id)
        .bind(now)
        .execute(tx)
        .await
        .map(drop)
}

async fn save_domains(tx: &mut PgConnection, mentions: &[FoundMention]) -> Result<(), sqlx::Error> {
    // By name, so that two extractions take the rows' locks in the same order.
    let mut domains: BTreeMap<&str, (&str, Timestamp, Timestamp)> = BTreeMap::new();
    for mention in mentions {
        let (_, first, last) = domains.entry(&mention.link.registrable_domain).or_insert((
            &mention.link.domain_unicode,
            mention.seen_at,
            mention.seen_at,
        ));
        *first = mention.seen_at.min(*first);
        *last = mention.seen_at.max(*last);
    }
    sqlx::query(
        "INSERT INTO domains (name, display_name, first_seen_at, last_seen_at)
         SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
         ON CONFLICT (name) DO UPDATE SET
             first_seen_at = least(domains.first_seen_at, excluded.first_seen_at),
             last_seen_at = greatest(domains.last_seen_at, excluded.last_seen_at)",
    )
    .bind(domains.keys().copied().collect::<Vec<_>>())
    .bind(domains.values().map(|d| d.0).collect::<Vec<_>>())
    .bind(domains.values().map(|d| d.1).collect::<Vec<_>>())
    .bind(domains.values().map(|d| d.2).collect::<Vec<_>>())
    .execute(tx)
    .await
    .map(drop)
}

pub(crate) async fn domain_exists(db: &PgPool, id: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM domains WHERE id = $1)")
        .bind(id)
        .fetch_one(db)
        .await
}

/// The domains first seen in the range of `filter` whose name contains `q`.
///
/// # Errors
/// Without [`Permission::ReadResults`], or when the database does not answer.
pub async fn list(
    ctx: &Ctx,
    filter: DateFilter,
    q: Option<&str>,
) -> Result<DomainList, CommandError> {
    ctx.demand(Permission::ReadResults)?;
    let now = ctx.now();
    let reads = matviews::reads(&ctx.db, now).await?;
    let select = format!(
        "SELECT * FROM {}
         WHERE ($1::timestamptz IS NULL OR first_seen_at >= $1)
           AND ($2::text IS NULL OR strpos(name, lower($2)) > 0 OR strpos(display_name, lower($2)) > 0)
         ORDER BY first_seen_at DESC, id DESC LIMIT $3",
        reads.relation(TOTALS)
    );
    let domains = sqlx::query(AssertSqlSafe(select))
        .bind(filter.since(now))
        .bind(wanted(q))
        .bind(LIST_ROWS)
        .try_map(domain)
        .fetch_all(&ctx.db)
        .await?;
    let new = new_domains(&ctx.db, reads, now).await?;
    Ok(DomainList { domains, new, freshness: reads.freshness, as_of: now })
}

/// How many domains are new.
///
/// # Errors
/// Without [`Permission::ReadResults`], or when the database does not answer.
pub async fn new(ctx: &Ctx) -> Result<NewDomains, CommandError> {
    ctx.demand(Permission::ReadResults)?;
    let reads = matviews::reads(&ctx.db, ctx.now()).await?;
    Ok(new_domains(&ctx.db, reads, ctx.now()).await?)
}

async fn new_domains(db: &PgPool, reads: Reads, now: Timestamp) -> Result<NewDomains, sqlx::Error> {
    let since = |filter: DateFilter| filter.since(now).unwrap_or(now);
    let from = reads.relation(TOTALS);
    let select = format!(
        "SELECT (SELECT count(*) FROM {from} WHERE first_seen_at >= $1),
                (SELECT count(*) FROM {from} WHERE first_seen_at >= $2),
                (SELECT count(*) FROM {from} WHERE first_seen_at >= $3),
                (SELECT count(*) FROM {from})"
    );
    let (today, week, month, all) = sqlx::query_as(AssertSqlSafe(select))
        .bind(since(DateFilter::Today))
        .bind(since(DateFilter::Week))
        .bind(since(DateFilter::Month))
        .fetch_one(db)
        .await?;
    Ok(NewDomains { today, week, month, all })
}

/// One domain with everything its page shows.
///
/// # Errors
/// Without [`Permission::ReadResults`]; when there is no such domain; when the database does not
/// answer.
pub async fn detail(ctx: &Ctx, id: i64) -> Result<DomainDetail, CommandError> {
    ctx.demand(Permission::ReadResults)?;
    let now = ctx.now();
    let mut reads = matviews::reads(&ctx.db, now).await?;
    let mut domain = totals(&ctx.db, reads, id).await?;
    if domain.is_none() {
        // One that was found after the last refresh has a page too.
        reads = Reads::live(now);
        domain = totals(&ctx.db, reads, id).await?;
    }
    let domain = domain.ok_or_else(|| CommandError::not_found("domain", id))?;
    let mentions = sqlx::query(
        "SELECT m.*, p.url AS post_url FROM domain_mentions m JOIN posts p ON p.id = m.post_id
         WHERE m.domain_id = $1 ORDER BY m.seen_at DESC, m.id DESC LIMIT 100",
    )
    .bind(id)
    .try_map(mention)
    .fetch_all(&ctx.db)
    .await?;
    Ok(DomainDetail {
        domain,
        per_day: per_day(&ctx.db, reads, id, now).await?,
        top_posts: top_posts(&ctx.db, reads, id).await?,
        mentions,
        freshness: reads.freshness,
        as_of: now,
    })
}

async fn totals(db: &PgPool, reads: Reads, id: i64) -> Result<Option<Domain>, sqlx::Error> {
    let select = format!("SELECT * FROM {} WHERE id = $1", reads.relation(TOTALS));
    sqlx::query(AssertSqlSafe(select)).bind(id).try_map(domain).fetch_optional(db).await
}

async fn top_posts(db: &PgPool, reads: Reads, id: i64) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let select = format!(
        "SELECT url, mentions FROM {} WHERE domain_id = $1 ORDER BY mentions DESC, url LIMIT 10",
        reads.relation(POSTS)
    );
    sqlx::query_as(AssertSqlSafe(select)).bind(id).fetch_all(db).await
}

async fn per_day(
    db: &PgPool,
    reads: Reads,
    id: i64,
    now: Timestamp,
) -> Result<Vec<MentionsOnDay>, sqlx::Error> {
    let select = format!(
        "SELECT days.day::date AS day, coalesce(d.mentions, 0) AS mentions
         FROM generate_series($2::date - 29, $2::date, interval '1 day') AS days(day)
         LEFT JOIN {} d ON d.domain_id = $1 AND d.day = days.day::date
         ORDER BY days.day",
        reads.relation(DAYS)
    );
    sqlx::query(AssertSqlSafe(select))
        .bind(id)
        .bind(now.date_naive())
        .try_map(|row: PgRow| {
            Ok(MentionsOnDay { day: row.try_get("day")?, mentions: row.try_get("mentions")? })
        })
        .fetch_all(db)
        .await
}

fn domain(row: PgRow) -> Result<Domain, sqlx::Error> {
    Ok(Domain {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        display_name: row.try_get("display_name")?,
        mentions: row.try_get("mentions")?,
        posts: row.try_get("posts")?,
        first_seen_at: row.try_get("first_seen_at")?,
        last_seen_at: row.try_get("last_seen_at")?,
    })
}

fn mention(row: PgRow) -> Result<Mention, sqlx::Error> {
    let source: String = row.try_get("source")?;
    Ok(Mention {
        id: row.try_get("id")?,
        post_url: row.try_get("post_url")?,
        source: MentionSource::from_name(&source).unwrap_or(MentionSource::Post),
        raw_url: row.try_get("raw_url")?,
        raw_host: row.try_get("raw_host")?,
        final_url: row.try_get("final_url")?,
        final_host: row.try_get("final_host")?,
        spelled_out: row.try_get("spelled_out")?,
        seen_at: row.try_get("seen_at")?,
    })
}
