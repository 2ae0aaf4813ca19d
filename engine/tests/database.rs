//! What operators see of the database and do with it (JS-5, JS-7, CP-8).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::World;
use serde_json::json;
use signalbox_engine::database::{self, Own};
use signalbox_engine::jobs::{enqueue, execute, list};
use signalbox_engine::{CommandError, Ctx, sweeps};
use signalbox_model::actor::Role;
use signalbox_model::database::{Database, Session, Statements, Task};
use signalbox_model::job::{JobState, NewJob};
use sqlx::{Connection as _, PgConnection};
use tokio_util::sync::CancellationToken;

/// A connection of somebody else's, such as a forgotten psql.
async fn stranger(world: &World) -> (PgConnection, i32) {
    let url = format!("{}&application_name=psql", world.db.url);
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let pid =
        sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await.unwrap();
    (connection, pid)
}

async fn run(connection: &mut PgConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

async fn read(world: &World) -> Database {
    database::read(&world.ctx).await.unwrap()
}

fn session(database: &Database, pid: i32) -> Session {
    database.sessions.iter().find(|session| session.pid == pid).cloned().unwrap()
}

async fn audited(ctx: &Ctx) -> Vec<(String, String, Option<String>)> {
    sqlx::query_as("SELECT action, subject, reason FROM audit_log ORDER BY id")
        .fetch_all(&ctx.db)
        .await
        .unwrap()
}

fn is_forbidden<T>(result: Result<T, CommandError>) -> bool {
    matches!(result, Err(CommandError::Forbidden { .. }))
}

#[tokio::test]
async fn js_5_connections_are_counted_and_listed_by_what_they_do() {
    let world = World::new().await;
    let (mut psql, pid) = stranger(&world).await;
    run(&mut psql, "BEGIN; SELECT 'hunter2'").await;
    let seen = read(&world).await;
    assert!(seen.connections.idle_in_transaction >= 1, "{:?}", seen.connections);
    assert!(seen.connections.used() <= seen.connections.max);
    assert!(seen.bytes > 0 && seen.pool.max > 0);
    let found = session(&seen, pid);
    assert_eq!((found.application.as_str(), found.own), ("psql", false));
    assert_eq!(found.state, "idle in transaction");
    assert!(found.transaction_since.is_some() && !found.statement.contains("hunter2"));
    assert!(seen.sessions.iter().any(|session| session.own), "the pool's own");
    run(&mut psql, "COMMIT").await;
    assert!(session(&read(&world).await, pid).is_idle());
}

#[tokio::test]
async fn js_5_who_waits_for_a_lock_is_shown_with_who_holds_it() {
    let world = World::new().await;
    let (mut holder, holds) = stranger(&world).await;
    let (mut waiter, waits) = stranger(&world).await;
    run(&mut holder, "BEGIN; LOCK TABLE domains IN ACCESS EXCLUSIVE MODE").await;
    let waiting =
        tokio::spawn(async move { run(&mut waiter, "SELECT count(*) FROM domains").await });
    let blocked = loop {
        if let Some(blocked) = read(&world).await.blocked.pop() {
            break blocked;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((blocked.pid, blocked.blocked_by.as_slice()), (waits, [holds].as_slice()));
    assert_eq!(blocked.statement, "SELECT count(*) FROM domains");
    assert!(blocked.blocking_statement.contains("LOCK TABLE domains"), "{blocked:?}");
    run(&mut holder, "ROLLBACK").await;
    waiting.await.unwrap();
}

#[tokio::test]
async fn js_5_an_idle_connection_is_closed_once_and_recorded() {
    let world = World::new().await;
    let (mut psql, pid) = stranger(&world).await;
    let found = session(&read(&world).await, pid);
    let name = (pid, found.started_at);
    let close = |why: &'static str| database::close(&world.ctx, name, Own::Spare, why);
    assert!(matches!(close(" ").await, Err(CommandError::Invalid(_))));
    // A process id is used again: with another time of opening it names nobody.
    let other = (pid, found.started_at + chrono::Duration::microseconds(1));
    let nobody = database::close(&world.ctx, other, Own::Spare, "forgotten").await;
    assert!(matches!(nobody, Err(CommandError::NotFound { .. })));
    assert!(audited(&world.ctx).await.is_empty());
    assert!(close("forgotten").await.unwrap(), "it has ended");
    assert!(sqlx::query("SELECT 1").execute(&mut psql).await.is_err());
    assert!(matches!(close("again").await, Err(CommandError::NotFound { .. })));
    let subject = format!("connection {pid}");
    assert_eq!(
        audited(&world.ctx).await,
        [("database.close_connection".to_owned(), subject, Some("forgotten".to_owned()))]
    );
}

#[tokio::test]
async fn js_5_our_own_connections_are_not_closed_by_accident() {
    let world = World::new().await;
    let mut ours = world.db.pool.acquire().await.unwrap();
    let pid: i32 =
        sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *ours).await.unwrap();
    let name = (pid, session(&read(&world).await, pid).started_at);
    let spared = database::close(&world.ctx, name, Own::Spare, "full").await.unwrap_err();
    assert!(
        matches!(&spared, CommandError::Conflict(why) if why.contains("Signalbox's own")),
        "{spared}"
    );
    assert!(sqlx::query("SELECT 1").execute(&mut *ours).await.is_ok());
    assert!(database::close(&world.ctx, name, Own::Close, "full").await.unwrap());
    assert!(sqlx::query("SELECT 1").execute(&mut *ours).await.is_err());
}

#[tokio::test]
async fn js_5_statements_are_counted_or_the_page_says_how_to_have_them_counted() {
    let world = World::new().await;
    let Statements::Missing { remedy } = read(&world).await.statements else { panic!("counted") };
    assert!(remedy.contains("CREATE EXTENSION pg_stat_statements"), "{remedy}");
    if remedy.contains("shared_preload_libraries") {
        return; // The library is not installed where this runs.
    }
    database::statements::enable(&world.db.pool).await;
    world.count("domains").await;
    let Statements::Counted { top, .. } = read(&world).await.statements else { panic!("missing") };
    assert!(!top.is_empty() && top.iter().all(|statement| statement.calls > 0), "{top:?}");
}

#[tokio::test]
async fn cp_8_tables_and_indexes_are_measured_partitions_as_one() {
    let world = World::new().await;
    sweeps::make_partitions(&world.db.pool, world.ctx.now()).await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO domains (name, display_name, first_seen_at, last_seen_at) SELECT 'h' || n, n, now(), now() FROM generate_series(1, 2000) n;
         ANALYZE domains; DELETE FROM domains WHERE name <> 'h1'; SELECT pg_stat_force_next_flush()",
    )
    .execute(&world.db.pool)
    .await
    .unwrap();
    let seen = database::tables(&world.ctx).await.unwrap();
    let table = |name: &str| seen.tables.iter().find(|table| table.name == name).unwrap();
    assert!(table("jobs_finished").partitions > 3, "{:?}", table("jobs_finished"));
    assert!(!seen.tables.iter().any(|table| table.name.starts_with("jobs_finished_2")));
    let domains = table("domains");
    assert!(domains.bytes > 0 && domains.index_bytes > 0 && domains.analyzed_at.is_some());
    let index = seen.indexes.iter().find(|index| index.name == "domains_pkey").unwrap();
    assert!(index.keeps_rule && !index.is_idle() && !index.invalid && index.table == "domains");
}

#[tokio::test]
async fn js_7_a_table_is_maintained_by_a_job_with_progress_and_recorded() {
    let world = World::new().await;
    for task in Task::ALL {
        let job = database::ask(&world.ctx, &world.registry, task, Some("domains"), "weekly")
            .await
            .unwrap();
        assert_eq!(world.worker.drain().await.unwrap(), 1);
        let done = world.job(job).await;
        assert_eq!(done.state, JobState::Completed, "{done:?}");
        assert_eq!(done.queue, "maintenance");
        let progress = done.progress.unwrap();
        assert_eq!((progress.done, progress.total), (1, Some(1)), "{progress:?}");
    }
    let actions: Vec<_> =
        audited(&world.ctx).await.into_iter().map(|(action, ..)| action).collect();
    assert_eq!(actions, ["database.analyze", "database.vacuum", "database.reindex"]);
    let last = database::last(&world.ctx, &world.registry, 2).await.unwrap();
    assert_eq!(last.len(), 2);
    assert_eq!(last[0].payload["task"], "reindex");
}

#[tokio::test]
async fn js_7_all_tables_are_maintained_and_what_was_broken_off_is_made_good() {
    let world = World::new().await;
    // What a REINDEX CONCURRENTLY that was cancelled leaves.
    sqlx::raw_sql(
        "CREATE INDEX domains_pkey_ccnew ON domains (id);
         UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'domains_pkey_ccnew'::regclass",
    )
    .execute(&world.db.pool)
    .await
    .unwrap();
    for task in Task::ALL {
        let job = database::ask(&world.ctx, &world.registry, task, None, "monthly").await.unwrap();
        world.worker.drain().await.unwrap();
        let done = world.job(job).await;
        assert_eq!(done.state, JobState::Completed, "{task:?}: {:?}", done.error);
    }
    let seen = database::tables(&world.ctx).await.unwrap();
    assert!(seen.tables.iter().all(|table| table.analyzed_at.is_some()), "{:?}", seen.tables);
    assert!(!seen.indexes.iter().any(|index| index.name.contains("ccnew")));
}

#[tokio::test]
async fn js_7_a_maintenance_job_that_is_asked_to_stop_stops_and_its_attempt_is_not_spent() {
    let world = World::new().await;
    let (mut holder, _) = stranger(&world).await;
    run(&mut holder, "BEGIN; LOCK TABLE domains IN ACCESS EXCLUSIVE MODE").await;
    let ask = database::ask(&world.ctx, &world.registry, Task::Vacuum, Some("domains"), "weekly");
    let job = ask.await.unwrap();
    let claimed = world.worker.claim(1).await.unwrap().pop().unwrap();
    let stop = CancellationToken::new();
    let Ctx { db, clock, .. } = &world.ctx;
    let running = execute(db, clock, &world.registry, claimed, stop.clone());
    // It waits for the lock, and would wait forever.
    let watching = async {
        while read(&world).await.blocked.is_empty() {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(running, watching);
    world.worker.settle(&[ended]).await.unwrap();
    assert!(read(&world).await.blocked.is_empty(), "nothing of it waits any more");
    let waits = world.job(job).await;
    assert_eq!((waits.state, waits.attempt), (JobState::Available, 0), "{waits:?}");
}

#[tokio::test]
async fn js_7_only_tables_that_there_are_get_into_a_statement() {
    let world = World::new().await;
    sqlx::raw_sql("CREATE TABLE \"Odd \"\"name; --\" (id int)")
        .execute(&world.db.pool)
        .await
        .unwrap();
    let ask = |table: &'static str| {
        database::ask(&world.ctx, &world.registry, Task::Analyze, Some(table), "weekly")
    };
    for bad in [
        "domains; DROP TABLE domains",
        "domains, users",
        "nothing",
        "pg_catalog.pg_class",
        "Odd \"name; --",
    ] {
        let refused = ask(bad).await.unwrap_err();
        assert!(refused.to_string().contains("there is no table"), "{bad}: {refused}");
    }
    let job = ask("\"Odd \"\"name; --\"").await.unwrap();
    world.worker.drain().await.unwrap();
    assert_eq!(world.job(job).await.state, JobState::Completed);
    let by_hand =
        NewJob::new("system.maintain", json!({ "task": "analyze", "table": "users; SELECT 1" }));
    let job = enqueue::enqueue(&world.ctx, &world.registry, by_hand).await.unwrap().id;
    world.worker.drain().await.unwrap();
    let dead = list::detail(&world.ctx, &world.registry, job).await.unwrap().job;
    assert_eq!(dead.state, JobState::Dead);
}

#[tokio::test]
async fn js_5_and_7_the_powerless_change_nothing() {
    let world = World::new().await;
    let (mut psql, pid) = stranger(&world).await;
    let name = (pid, session(&read(&world).await, pid).started_at);
    for role in [Role::Operator, Role::Viewer, Role::QaLead, Role::Technician] {
        let ctx = world.as_role(role);
        assert!(is_forbidden(database::close(&ctx, name, Own::Spare, "because").await));
        let ask = database::ask(&ctx, &world.registry, Task::Vacuum, None, "because");
        assert!(is_forbidden(ask.await));
        for kind in ["system.maintain", "system.backup", "system.verify_backup"] {
            let payload =
                if kind == "system.maintain" { json!({ "task": "vacuum" }) } else { json!({}) };
            let job = NewJob::new(kind, payload);
            assert!(
                is_forbidden(enqueue::enqueue(&ctx, &world.registry, job).await),
                "{role:?} {kind}"
            );
        }
        let reads = matches!(role, Role::Operator | Role::Viewer);
        assert_eq!(is_forbidden(database::read(&ctx).await), !reads);
        assert_eq!(is_forbidden(database::tables(&ctx).await), !reads);
    }
    assert!(sqlx::query("SELECT 1").execute(&mut psql).await.is_ok());
    assert_eq!(world.count("audit_log").await, 0);
    assert_eq!(world.count("jobs_ready").await, 0);
}
