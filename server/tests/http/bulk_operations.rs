//! Acts on many dead letters, and breakers, by API.

use serde_json::json;
use signalbox_engine::dead_letters::runner;
use signalbox_engine::testing::TestWorker;

use crate::support::{Console, Person, about, json_of, problem};

const PATH: &str = "/api/admin/dead-letter-queue/bulk";

/// A console whose queue holds `count` letters of one group.
async fn with_letters(count: usize) -> (Console, Person) {
    let console = Console::start().await;
    let admin = console.admin().await;
    let job =
        json!({ "kind": "system.fail", "payload": { "message": "gone", "class": "rejected" } });
    for _ in 0..count {
        assert_eq!(admin.post("/api/jobs", job.clone()).await.status(), 201);
    }
    let system = &console.system;
    let worker =
        TestWorker::new(&system.db, system.clock.clone(), &console.registry).await.unwrap();
    assert_eq!(worker.drain().await.unwrap(), count);
    (console, admin)
}

#[tokio::test]
async fn op_6_a_group_is_previewed_retried_and_undone_by_api() {
    let (_console, admin) = with_letters(3).await;
    let groups = json_of(admin.get("/api/admin/dead-letter-queue/groups?limit=5").await, 200).await;
    assert_eq!(groups["groups"][0]["count"], 3);
    let fingerprint = groups["groups"][0]["fingerprint"].clone();
    let filter = json!({ "fingerprint": fingerprint });
    let ask = json!({ "action": "retry", "filter": filter });
    let preview = json_of(admin.post(&format!("{PATH}/preview"), ask).await, 200).await;
    assert_eq!(preview["count"], 3);
    let start = json!({
        "action": "retry", "filter": filter, "reason": "fixed", "upTo": preview["upTo"],
    });
    let operation = json_of(admin.post(PATH, start.clone()).await, 202).await;
    assert_eq!(operation["state"], "pending");
    problem(admin.post(PATH, start).await, 409).await;
    let one = format!("{PATH}/{}", operation["id"]);
    assert_eq!(json_of(admin.get(&one).await, 200).await["previewed"], 3);
    let undone = json_of(admin.post(&format!("{one}/abort"), json!({})).await, 200).await;
    assert_eq!(undone["state"], "aborted");
    problem(admin.post(&format!("{one}/abort"), json!({})).await, 409).await;
    assert_eq!(json_of(admin.get(PATH).await, 200).await["items"][0]["id"], operation["id"]);
    problem(admin.get(&format!("{PATH}/999")).await, 404).await;
}

#[tokio::test]
async fn av_6_a_queues_failed_jobs_are_cleared_by_api() {
    let (console, admin) = with_letters(2).await;
    admin.post("/api/admin/config", json!({ "key": "dlq_undo_seconds", "value": 0 })).await;
    let queues = json_of(admin.get("/api/admin/queues").await, 200).await;
    let system = queues["queues"].as_array().unwrap().iter().find(|of| of["name"] == "system");
    assert_eq!(system.unwrap()["failed"], 2);
    let letters = json_of(admin.get("/api/admin/dead-letter-queue?queue=other").await, 200).await;
    assert_eq!(letters["items"], json!([]));
    let clear = |name: &str| format!("/api/ops/queues/{name}/clear-failed");
    let nameless = problem(admin.post(&clear("system"), json!({})).await, 422).await;
    about(&nameless, "reason");
    let because = json!({ "reason": "seen, and not needed" });
    problem(admin.post(&clear("nowhere"), because.clone()).await, 404).await;
    let operation = json_of(admin.post(&clear("system"), because.clone()).await, 202).await;
    assert_eq!(operation["filter"], json!({ "queue": "system" }));
    assert_eq!(runner::advance(&console.db.pool, console.system.now()).await.unwrap(), 2);
    assert_eq!(console.number("SELECT count(*) FROM dead_letter_queue").await, 0);
    problem(admin.post(&clear("system"), because).await, 409).await;
}

#[tokio::test]
async fn op_6_everything_is_deleted_only_by_those_who_say_all() {
    let (console, admin) = with_letters(2).await;
    admin.post("/api/admin/config", json!({ "key": "dlq_undo_seconds", "value": 0 })).await;
    let refused =
        problem(admin.post(PATH, json!({ "action": "delete", "reason": "old" })).await, 422).await;
    assert!(about(&refused, "filter").contains("\"all\": true"));
    let nameless = problem(admin.post(PATH, json!({ "action": "retry" })).await, 422).await;
    about(&nameless, "reason");
    let all = json!({ "action": "delete", "reason": "old", "all": true });
    json_of(admin.post(PATH, all).await, 202).await;
    assert_eq!(runner::advance(&console.db.pool, console.system.now()).await.unwrap(), 2);
    assert_eq!(console.number("SELECT count(*) FROM dead_letter_queue").await, 0);
}

#[tokio::test]
async fn op_1_a_breaker_is_forced_back_tested_and_reset_by_api() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let path = "/api/admin/breakers/mcp";
    let open = json!({ "action": "force_open", "reason": "they bill twice" });
    let held = json_of(admin.post(path, open.clone()).await, 200).await;
    assert_eq!((&held["state"], &held["forced"]["to"]), (&json!("open"), &json!("open")));
    problem(admin.post(path, open).await, 409).await;
    let silent = problem(admin.post(path, json!({ "action": "force_close" })).await, 422).await;
    about(&silent, "reason");
    let reset = json!({ "action": "reset", "reason": "settled" });
    problem(admin.post("/api/admin/breakers/nobody", reset.clone()).await, 404).await;
    assert_eq!(json_of(admin.post(path, reset).await, 200).await["state"], "closed");
    let moves = json_of(admin.get(&format!("{path}/history?limit=10")).await, 200).await;
    assert_eq!(moves["items"][0]["cause"], "reset");
    let tried =
        json_of(admin.get(&format!("{path}/back-test?failureThreshold=2")).await, 200).await;
    assert_eq!(tried["settings"]["failureThreshold"], 2);
    assert_eq!((&tried["calls"], &tried["openings"]), (&json!(0), &json!([])));
    let bad = problem(admin.get(&format!("{path}/back-test?cooldownMs=1")).await, 422).await;
    about(&bad, "cooldownMs");
}

#[tokio::test]
async fn the_pages_of_bulk_operations_and_breakers_work_without_javascript() {
    let (_console, admin) = with_letters(2).await;
    let page = async |path: &str| {
        let response = admin.request(reqwest::Method::GET, path).header("accept", "text/html");
        let response = response.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    };
    let queue = page("/admin/dead-letter-queue").await;
    assert!(queue.contains("Try a few first…") && queue.contains("name=\"id\""), "{queue}");
    let preview = page("/admin/dead-letter-queue/bulk?action=delete&id=1&id=2").await;
    assert!(preview.contains("Delete 2 dead letters"), "{preview}");
    let nothing = page("/admin/dead-letter-queue/bulk?action=delete&chosen=1").await;
    assert!(nothing.contains("There is nothing to do"), "an empty choice is not everything");
    let form = [
        ("action", "delete"),
        ("up_to", "2"),
        ("filter", r#"{"ids":[1,2]}"#),
        ("reason", "old"),
        ("rate_per_second", "5"),
    ];
    let request = admin.request(reqwest::Method::POST, "/api/fn/start_bulk_operation");
    let request = request.header("accept", "text/html").form(&form);
    let sent = request.send().await.unwrap();
    assert_eq!(sent.status(), 302);
    let address = sent.headers()["location"].to_str().unwrap().to_owned();
    let operation = page(&address).await;
    assert!(operation.contains("Undo all of it"), "{operation}");
    let breakers = page("/admin/breakers").await;
    assert!(breakers.contains("MCP"), "{breakers}");
    let breaker = page("/admin/breakers/mcp").await;
    assert!(breaker.contains("Hold it open"), "{breaker}");
    let tried = page("/admin/breakers/mcp/back-test?failureThreshold=2").await;
    assert!(tried.contains("would have opened"), "{tried}");
    let form = [("provider", "mcp"), ("action", "force_open"), ("reason", "x"), ("minutes", "60")];
    let request = admin.request(reqwest::Method::POST, "/api/fn/act_on_breaker");
    let sent = request.header("accept", "text/html").form(&form).send().await.unwrap();
    assert_eq!(sent.status(), 302);
    assert!(page("/admin/breakers/mcp").await.contains("Held open by"));
}
