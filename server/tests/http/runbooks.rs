//! Runbooks by API (RB, JS-3).

use serde_json::{Value, json};

use crate::support::{ADMIN, Console, about, json_of, problem};

const PATH: &str = "/api/admin/runbooks/breaker-open";

#[tokio::test]
async fn rb_an_incident_is_taken_on_worked_ended_and_exported() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let force = json!({ "action": "force_open", "reason": "they bill twice" });
    json_of(admin.post("/api/admin/breakers/mcp", force).await, 200).await;

    let all = json_of(admin.get("/api/admin/runbooks").await, 200).await;
    let runbooks = all["runbooks"].as_array().unwrap();
    assert_eq!(runbooks.len(), 7);
    let start = json!({ "action": "start", "severity": "P1" });
    let started = json_of(admin.post(PATH, start.clone()).await, 200).await;
    assert_eq!(started["run"]["startedBy"], ADMIN);
    assert_eq!(started["detection"][0]["ok"], false);
    problem(admin.post(PATH, start).await, 409).await;

    let pull = |lever: &str| json!({ "action": "pull", "lever": lever, "target": "mcp", "reason": "they answer" });
    let pulled = json_of(admin.post(PATH, pull("reset_breaker")).await, 200).await;
    assert!(pulled["verification"].as_array().unwrap().iter().all(|finding| finding["ok"] == true));
    json_of(admin.post(PATH, json!({ "action": "note", "note": "a | b" })).await, 200).await;
    let end = json!({ "action": "end", "note": "a bill too many" });
    let ended = json_of(admin.post(PATH, end.clone()).await, 200).await;
    assert_eq!(ended["run"], Value::Null);
    problem(admin.post(PATH, end).await, 409).await;

    let id = ended["past"][0]["id"].as_i64().unwrap();
    let run = json_of(admin.get(&format!("/api/admin/runbooks/runs/{id}")).await, 200).await;
    assert_eq!(run["endedBy"], ADMIN);
    let export = admin.get(&format!("/api/admin/runbooks/runs/{id}/export")).await;
    assert_eq!(export.headers()["content-type"], "text/markdown; charset=utf-8");
    let name = format!("attachment; filename=\"breaker-open-run-{id}.md\"");
    assert_eq!(export.headers()["content-disposition"], name.as_str());
    let text = export.text().await.unwrap();
    assert!(text.starts_with("# P1: Breaker open"), "{text}");
    assert!(text.contains("a \\| b") && text.contains("(they answer)"), "{text}");
}

#[tokio::test]
async fn rb_bad_commands_name_what_is_wrong() {
    let console = Console::start().await;
    let admin = console.admin().await;
    problem(admin.get("/api/admin/runbooks/flood").await, 404).await;
    problem(admin.get("/api/admin/runbooks/runs/7").await, 404).await;
    let send = async |body| problem(admin.post(PATH, body).await, 422).await;
    let stop = json!({ "action": "pull", "lever": "stop_everything", "reason": " " });
    about(&send(stop).await, "reason");
    send(json!({ "action": "pull", "lever": "shout", "reason": "x" })).await;
    send(json!({ "action": "start", "severity": "P0" })).await;
    let unknown =
        json!({ "action": "pull", "lever": "pause_queue", "target": "none", "reason": "x" });
    problem(admin.post(PATH, unknown).await, 404).await;
    problem(admin.post(PATH, json!({ "action": "note", "note": "x" })).await, 409).await;
}
