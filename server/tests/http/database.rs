//! The database by API (JS-5, JS-7, CP-8).

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::support::{ADMIN, Console, about, json_of, problem};

const PATH: &str = "/api/admin/database";

/// A connection of somebody else's, as the API lists it.
async fn stranger(console: &Console, listed: &Value) -> (PgConnection, Value) {
    let url = format!("{}&application_name=psql", console.db.url);
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let pid: i32 =
        sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await.unwrap();
    assert!(listed["sessions"].as_array().unwrap().iter().all(|session| session["pid"] != pid));
    (connection, json!(pid))
}

#[tokio::test]
async fn js_5_connections_are_read_and_an_idle_one_is_closed() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let before = json_of(admin.get(PATH).await, 200).await;
    assert!(before["connections"]["max"].as_i64().unwrap() > 0, "{before}");
    assert!(before["tables"]["tables"].as_array().unwrap().iter().any(|t| t["name"] == "domains"));
    assert!(before["asOf"].is_string() && before["statements"]["state"].is_string());
    let (mut psql, pid) = stranger(&console, &before).await;
    let now = json_of(admin.get(PATH).await, 200).await;
    let listed = now["sessions"].as_array().unwrap();
    let session = listed.iter().find(|session| session["pid"] == pid).unwrap();
    assert_eq!((&session["state"], &session["own"]), (&json!("idle"), &json!(false)));
    let mut close = json!({ "action": "close_connection", "pid": pid, "reason": "forgotten" });
    let missing = problem(admin.post(PATH, close.clone()).await, 422).await;
    about(&missing, "startedAt");
    close["startedAt"] = session["startedAt"].clone();
    let closed = json_of(admin.post(PATH, close.clone()).await, 200).await;
    assert_eq!(closed, json!({ "pid": pid, "ended": true }));
    assert!(sqlx::query("SELECT 1").execute(&mut psql).await.is_err());
    problem(admin.post(PATH, close).await, 404).await;
}

#[tokio::test]
async fn js_7_maintenance_and_backups_are_jobs() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let mut jobs = Vec::new();
    for body in [
        json!({ "action": "analyze", "table": "domains", "reason": "weekly" }),
        json!({ "action": "vacuum", "reason": "monthly", "requestedBy": ADMIN }),
        json!({ "action": "reindex", "table": "users", "reason": "monthly" }),
        json!({ "action": "backup", "reason": "before the change" }),
    ] {
        jobs.push(json_of(admin.post(PATH, body).await, 202).await["jobId"].as_i64().unwrap());
    }
    let job = json_of(admin.get(&format!("/api/jobs/{}", jobs[0])).await, 200).await;
    assert_eq!(job["job"]["kind"], "system.maintain");
    assert_eq!(job["job"]["payload"], json!({ "task": "analyze", "table": "domains" }));
    let backups = json_of(admin.get("/api/admin/database/backups").await, 200).await;
    assert_eq!(backups["backups"][0]["stage"], "waiting");
    assert_eq!(backups["backups"][0]["requestedBy"], ADMIN);
    let again = json!({ "action": "backup", "reason": "again" });
    problem(admin.post(PATH, again).await, 409).await;
    let verify = json!({ "action": "verify_backup", "backup": 1, "reason": "doubts" });
    problem(admin.post(PATH, verify).await, 409).await;
    let verify = json!({ "action": "verify_backup", "backup": 99, "reason": "doubts" });
    problem(admin.post(PATH, verify).await, 404).await;
}

#[tokio::test]
async fn js_5_and_7_bad_commands_and_the_powerless_change_nothing() {
    let console = Console::start().await;
    let admin = console.admin().await;
    for (field, body) in [
        ("action", json!({ "action": "drop", "reason": "no" })),
        ("reason", json!({ "action": "vacuum" })),
        ("reason", json!({ "action": "backup", "reason": " " })),
        (
            "table",
            json!({ "action": "analyze", "table": "users; DROP TABLE users", "reason": "x" }),
        ),
        ("pid", json!({ "action": "close_connection", "reason": "x" })),
        ("backup", json!({ "action": "verify_backup", "reason": "x" })),
        ("tables", json!({ "action": "vacuum", "tables": "domains", "reason": "x" })),
    ] {
        about(&problem(admin.post(PATH, body).await, 422).await, field);
    }
    let stranger = json!({ "action": "vacuum", "reason": "x", "requestedBy": "eve@example.com" });
    problem(admin.post(PATH, stranger).await, 403).await;
    for role in ["operator", "viewer"] {
        console.set_role(role).await;
        json_of(admin.get(PATH).await, 200).await;
        json_of(admin.get("/api/admin/database/backups").await, 200).await;
        for action in ["analyze", "vacuum", "reindex", "backup"] {
            let body = json!({ "action": action, "reason": "because" });
            problem(admin.post(PATH, body).await, 403).await;
        }
        let by_hand = json!({ "kind": "system.backup", "payload": {} });
        problem(admin.post("/api/jobs", by_hand).await, 403).await;
    }
    assert_eq!(console.number("SELECT count(*) FROM jobs_ready").await, 0);
    assert_eq!(console.number("SELECT count(*) FROM audit_log").await, 0);
}

#[tokio::test]
async fn js_5_plain_forms_close_maintain_and_back_up() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let form = async |action: &str, fields: &[(&str, &str)]| {
        let request = admin.request(reqwest::Method::POST, &format!("/api/fn/{action}"));
        let sent = request.header("accept", "text/html").form(fields).send().await.unwrap();
        assert_eq!(sent.status(), 302, "{action}");
        sent.headers()["location"].to_str().unwrap().to_owned()
    };
    let back = form("maintain_table", &[("task", "analyze"), ("table", ""), ("reason", "x")]).await;
    assert_eq!(back, "/admin/database/tables");
    let page = admin.get("/admin/database/tables").await.text().await.unwrap();
    assert!(page.contains("of all tables") && page.contains("does it."), "{page}");
    let back = form("take_backup", &[("verify", "true"), ("reason", "tonight")]).await;
    assert_eq!(back, "/admin/database/backups");
    let page = admin.get("/admin/database/backups").await.text().await.unwrap();
    assert!(page.contains("tonight") && page.contains("Waiting"), "{page}");
    let back = form("close_connection", &[("connection", "1-1"), ("reason", "x")]).await;
    let page = admin.get(&back).await.text().await.unwrap();
    assert!(page.contains("There is no connection 1 any more."), "{page}");
}
