//! The audit log in other hands (AV-11): by its rights, and not by triggers alone, the application
//! can only add to it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use signalbox_engine::clock::SystemClock;
use signalbox_engine::testing::TestDb;
use signalbox_engine::{Ctx, audit, db, kill_switch};
use signalbox_model::actor::{Actor, Role};
use sqlx::PgPool;

/// `url` for another role and database.
fn url_of(url: &str, role: &str, database: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (_, rest) = rest.split_once('@').unwrap();
    let (host, rest) = rest.split_once('/').unwrap();
    let query = rest.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{role}@{host}/{database}{query}")
}

/// Carries out `sql`, which a test made up itself.
async fn run(pool: &PgPool, sql: String) -> Result<(), sqlx::Error> {
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(pool).await.map(drop)
}

#[tokio::test]
async fn av_11_the_application_adds_to_the_log_but_cannot_touch_what_is_there() {
    let superuser = TestDb::new().await;
    let name = format!("audited_{}", std::process::id());
    let (application, auditor) = (format!("{name}_app"), format!("{name}_auditor"));
    for sql in [
        format!("CREATE ROLE {application} LOGIN"),
        format!("CREATE ROLE {auditor} NOLOGIN"),
        format!("CREATE DATABASE {name} OWNER {application}"),
    ] {
        run(&superuser.pool, sql).await.unwrap();
    }
    let app = db::connect(&url_of(&superuser.url, &application, &name), 2).await.unwrap();
    db::migrate(&app).await.unwrap();
    let owner = superuser.url.split("://").nth(1).unwrap().split('@').next().unwrap();
    let root = db::connect(&url_of(&superuser.url, owner, &name), 2).await.unwrap();
    run(&root, format!("SELECT give_audit_log_to('{auditor}')")).await.unwrap();

    let actor = Actor::new("ada@example.com", Role::Admin);
    let ctx = Ctx::new(app.clone(), SystemClock::shared(), actor);
    kill_switch::activate(&ctx, "a rehearsal").await.unwrap();
    assert_eq!(audit::seal(&app).await.unwrap(), 1);
    assert!(audit::verify(&ctx, None).await.unwrap().is_intact());
    for sql in [
        "UPDATE audit_log SET actor = 'nobody'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "ALTER TABLE audit_log DISABLE TRIGGER ALL",
        "DROP TABLE audit_log CASCADE",
        "DROP SCHEMA public CASCADE",
        "UPDATE audit_chain SET seal = ''",
        "DELETE FROM audit_chain",
        "ALTER TABLE audit_chain DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION audit_seal(before bytea, entry audit_log) RETURNS bytea
         LANGUAGE sql IMMUTABLE AS $$ SELECT ''::bytea $$",
        "CREATE OR REPLACE FUNCTION audit_log_is_append_only() RETURNS trigger
         LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
    ] {
        let refused = run(&app, sql.to_owned()).await.expect_err(sql);
        let code = refused.as_database_error().and_then(|error| error.code()).unwrap();
        assert_eq!(code, "42501", "{sql}: insufficient privilege, and not {refused}");
    }
    assert!(audit::verify(&ctx, None).await.unwrap().is_intact());

    app.close().await;
    root.close().await;
    for sql in [
        format!("DROP DATABASE {name} WITH (FORCE)"),
        format!("DROP ROLE {application}"),
        format!("DROP ROLE {auditor}"),
    ] {
        run(&superuser.pool, sql).await.unwrap();
    }
}
