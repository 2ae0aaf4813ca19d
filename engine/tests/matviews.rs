//! Materialized views (OP-9, OP-10): the same rows at the moment of a refresh, readers that never
//! wait, a fall back when they are too old, refreshes that stand back.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use serde_json::json;
use signalbox_engine::matviews::{self, Refresh};
use signalbox_engine::{CommandError, settings};
use signalbox_model::actor::Role;
use signalbox_model::job::JobState;
use signalbox_model::matview::{Matviews, ViewSource};
use sqlx::{Connection, PgConnection};

const VIEWS: [&str; 3] = ["domain_totals", "domain_days", "domain_posts"];

/// A world with `domains` domains, each mentioned in two posts on two days.
async fn world(domains: i32) -> World {
    let world = World::new().await;
    more_domains(&world, domains).await;
    world
}

async fn more_domains(world: &World, domains: i32) {
    for statement in [
        "INSERT INTO posts (url, discovered_at) SELECT 'https://p/' || n, $2
         FROM generate_series(1, 2) n WHERE $1 > 0 ON CONFLICT DO NOTHING",
        "INSERT INTO domains (name, display_name, first_seen_at, last_seen_at)
         SELECT 'd' || n || '.example', 'd', $2, $2 FROM generate_series(1, $1) n
         ON CONFLICT DO NOTHING",
        "INSERT INTO domain_mentions (domain_id, post_id, source, raw_url, raw_host, final_url,
             final_host, spelled_out, seen_at)
         SELECT d.id, p.id, 'post', d.name || p.id, 'h', 'u', 'h', false, $2 - p.id * interval '1 day'
         FROM domains d CROSS JOIN posts p WHERE $1 > 0 ON CONFLICT DO NOTHING",
    ] {
        sqlx::query(statement)
            .bind(domains)
            .bind(world.ctx.now())
            .execute(&world.db.pool)
            .await
            .unwrap();
    }
}

async fn refresh(world: &World) -> Refresh {
    matviews::refresh(&world.db.pool, &world.ctx.clock, false).await.unwrap()
}

async fn source(world: &World) -> (ViewSource, bool) {
    let freshness = matviews::reads(&world.db.pool, world.ctx.now()).await.unwrap().freshness;
    (freshness.source, freshness.fell_back)
}

async fn status(world: &World) -> Matviews {
    matviews::status(&world.ctx).await.unwrap()
}

/// Rows that are in one of the two relations and not in the other.
async fn differences(world: &World, view: &str) -> i64 {
    let sql = format!(
        "SELECT count(*) FROM ((TABLE v_{view} EXCEPT ALL TABLE mv_{view})
             UNION ALL (TABLE mv_{view} EXCEPT ALL TABLE v_{view})) d"
    );
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&world.db.pool).await.unwrap()
}

#[tokio::test]
async fn op_9_both_sources_hold_the_same_rows_at_the_moment_of_a_refresh() {
    let world = world(7).await;
    for view in VIEWS {
        assert!(differences(&world, view).await > 0, "{view} is not refreshed by itself");
    }
    let Refresh::Done(views) = refresh(&world).await else { panic!("skipped") };
    let rows: Vec<_> = views.iter().map(|view| (view.name.as_str(), view.rows.unwrap())).collect();
    assert_eq!(rows, [("mv_domain_days", 14), ("mv_domain_posts", 14), ("mv_domain_totals", 7)]);
    more_domains(&world, 9).await;
    refresh(&world).await;
    for view in VIEWS {
        assert_eq!(differences(&world, view).await, 0, "{view}");
    }
}

#[tokio::test]
async fn op_9_reads_follow_the_switch_and_fall_back_when_the_views_are_too_old() {
    let world = world(1).await;
    assert_eq!(source(&world).await, (ViewSource::Plain, false));
    matviews::switch(&world.ctx, true).await.unwrap();
    assert_eq!(source(&world).await, (ViewSource::Plain, true), "never refreshed");
    refresh(&world).await;
    assert_eq!(source(&world).await, (ViewSource::Materialized, false));
    let as_of = world.ctx.now();
    world.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(status(&world).await.reading.as_of, as_of);
    assert_eq!(status(&world).await.views[0].age_s, Some(900));
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(source(&world).await, (ViewSource::Plain, true), "older than 15 minutes");
    settings::change(&world.ctx, "matview_max_age_minutes", 60, None).await.unwrap();
    assert_eq!(source(&world).await, (ViewSource::Materialized, false));
    matviews::switch(&world.ctx, false).await.unwrap();
    assert_eq!(source(&world).await, (ViewSource::Plain, false));
}

#[tokio::test]
async fn op_9_the_environment_decides_until_an_operator_does() {
    let world = world(1).await;
    let (db, clock) = (&world.db.pool, &world.ctx.clock);
    matviews::apply_environment(db, clock, true).await.unwrap();
    assert!(status(&world).await.enabled);
    matviews::apply_environment(db, clock, false).await.unwrap();
    assert!(!status(&world).await.enabled);
    matviews::switch(&world.ctx, true).await.unwrap();
    matviews::apply_environment(db, clock, false).await.unwrap();
    let kept = status(&world).await;
    assert_eq!((kept.enabled, kept.changed_by.as_deref()), (true, Some("admin@example.org")));
    let again = matviews::switch(&world.ctx, true).await.unwrap_err();
    assert!(matches!(again, CommandError::Conflict(_)));
    assert_eq!(world.count("audit_log").await, 1);
}

#[tokio::test]
async fn op_10_readers_are_not_blocked_by_a_refresh() {
    let world = world(3).await;
    refresh(&world).await;
    let mut refreshing = world.db.pool.begin().await.unwrap();
    more_domains(&world, 5).await;
    sqlx::query("SELECT refresh_matviews($1)")
        .bind(world.ctx.now())
        .execute(&mut *refreshing)
        .await
        .unwrap();
    // The refresh is done but not committed: it holds every lock that it ever holds.
    let mut reader = PgConnection::connect(&world.db.url).await.unwrap();
    sqlx::query("SET lock_timeout = 1").execute(&mut reader).await.unwrap();
    let read: i64 = sqlx::query_scalar("SELECT count(*) FROM mv_domain_totals")
        .fetch_one(&mut reader)
        .await
        .unwrap();
    assert_eq!(read, 3);
    refreshing.commit().await.unwrap();
    assert_eq!(world.count("mv_domain_totals").await, 5);
}

#[tokio::test]
async fn op_10_a_refresh_beside_another_is_skipped_and_says_so() {
    let world = world(1).await;
    let mut other = world.db.pool.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(7390, 1)").execute(&mut *other).await.unwrap();
    assert!(matches!(refresh(&world).await, Refresh::Skipped(_)));
    let seen = status(&world).await;
    assert!(seen.refreshing);
    assert!(seen.skipped.unwrap().what.contains("another refresh"));
    let conflict = matviews::refresh_now(&world.ctx, &world.registry).await.unwrap_err();
    assert!(matches!(conflict, CommandError::Conflict(_)));
    other.rollback().await.unwrap();
    assert!(matches!(refresh(&world).await, Refresh::Done(_)));
    assert_eq!((status(&world).await.refreshing, status(&world).await.skipped), (false, None));
}

#[tokio::test]
async fn op_10_a_scheduled_refresh_stands_back_from_load_and_a_forced_one_does_not() {
    let world = world(1).await;
    settings::change(&world.ctx, "matview_max_active_queries", 0, None).await.unwrap();
    // A statement that waits for a lock is active until it gets it.
    let mut holder = world.db.pool.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(1)").execute(&mut *holder).await.unwrap();
    let mut busy = PgConnection::connect(&world.db.url).await.unwrap();
    let waiting = tokio::spawn(async move {
        sqlx::query("SELECT pg_advisory_lock(1)").execute(&mut busy).await.unwrap();
    });
    while world.count("pg_locks WHERE locktype = 'advisory' AND NOT granted").await == 0 {
        tokio::task::yield_now().await;
    }
    assert!(matches!(refresh(&world).await, Refresh::Skipped(_)));
    let skipped = status(&world).await.skipped.unwrap();
    assert!(skipped.what.contains("1 statement running, more than 0"), "{}", skipped.what);
    let forced = matviews::refresh(&world.db.pool, &world.ctx.clock, true).await.unwrap();
    assert!(matches!(forced, Refresh::Done(_)));
    holder.rollback().await.unwrap();
    waiting.await.unwrap();
}

#[tokio::test]
async fn op_10_a_failed_refresh_is_logged_shown_and_leaves_the_views_as_they_were() {
    let world = world(2).await;
    refresh(&world).await;
    sqlx::query("DROP MATERIALIZED VIEW mv_domain_posts").execute(&world.db.pool).await.unwrap();
    more_domains(&world, 4).await;
    let job = world.enqueue(matviews::KIND, json!({})).await;
    world.worker.drain().await.unwrap();
    assert_eq!(world.job(job).await.state, JobState::Scheduled, "it is tried again");
    assert_eq!(world.count("mv_domain_totals").await, 2);
    assert!(status(&world).await.failed.unwrap().what.contains("mv_domain_posts"));
    let logged = "system_logs WHERE event_type = 'matviews_refresh' AND level = 'error'";
    assert_eq!(world.count(logged).await, 1);
}

#[tokio::test]
async fn op_10_refresh_now_is_a_job_and_the_function_works_by_hand_too() {
    let world = world(2).await;
    let job = matviews::refresh_now(&world.ctx, &world.registry).await.unwrap();
    world.worker.drain().await.unwrap();
    assert_eq!(world.job(job).await.state, JobState::Completed);
    assert_eq!(status(&world).await.views[2].rows, Some(2));
    assert_eq!(world.count("audit_log").await, 1);
    sqlx::query("SELECT refresh_matviews()").execute(&world.db.pool).await.unwrap();
    assert!(status(&world).await.views.iter().all(|view| view.refreshed_at.is_some()));
}

#[tokio::test]
async fn op_9_the_powerless_may_do_nothing_with_materialized_views() {
    let world = world(1).await;
    let before = status(&world).await;
    for role in [Role::QaLead, Role::Technician] {
        let ctx = world.as_role(role);
        let forbidden =
            |result| assert!(matches!(result, Err(CommandError::Forbidden { .. })), "{result:?}");
        forbidden(matviews::status(&ctx).await.map(drop));
        forbidden(matviews::switch(&ctx, true).await);
        forbidden(matviews::refresh_now(&ctx, &world.registry).await.map(drop));
    }
    assert_eq!(status(&world).await, before);
    for table in ["audit_log", "jobs_ready", "system_logs"] {
        assert_eq!(world.count(table).await, 0, "{table}");
    }
}
