//! What the operator does by API: OP-2, OP-3, OP-4, OP-6, OP-11.

use std::time::Duration;

use serde_json::{Value, json};
use signalbox_engine::jobs::worker::{Worker, WorkerOptions};

use crate::support::{ADMIN, Console, Person, about, json_of, problem};

#[tokio::test]
async fn op_2_the_overview_has_the_shape_the_runbook_reads() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let overview = json_of(admin.get("/api/admin/jobs?type=&hours=24").await, 200).await;
    for list in ["metrics", "queues", "deadLetters", "recentLogs", "circuitBreakers"] {
        assert!(overview[list].is_array(), "{list}: {overview}");
    }
    let breaker = &overview["mcpCircuitBreaker"];
    assert_eq!(breaker["state"], "closed");
    assert_eq!(breaker["failures"], 0);
    assert_eq!(breaker["threshold"], 5);
    assert_eq!(breaker["cooldownMs"], 60_000);
    for field in ["openedAt", "retryAt"] {
        assert!(breaker.as_object().unwrap().contains_key(field), "{field}: {breaker}");
    }
    assert_eq!(overview["circuitBreakers"][0]["provider"], "mcp");
    problem(admin.get("/api/admin/jobs?hours=many").await, 400).await;
    problem(admin.get("/api/admin/jobs?hour=1").await, 400).await;
}

#[tokio::test]
async fn op_1_breakers_op_14_logs_and_op_16_schedules_are_listed() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let breakers = json_of(admin.get("/api/admin/breakers").await, 200).await;
    assert_eq!(breakers["breakers"][0]["provider"], "mcp");
    assert!(json_of(admin.get("/api/admin/schedules").await, 200).await["schedules"].is_array());
    admin.post("/api/admin/config", json!({ "key": "discovery_rpm", "value": 31 })).await;
    let logs =
        json_of(admin.get("/api/admin/logs?eventType=config_change&limit=1").await, 200).await;
    assert!(logs["items"][0]["message"].as_str().unwrap().contains("discovery_rpm"), "{logs}");
}

#[tokio::test]
async fn op_3_a_setting_is_changed_and_read_back() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let change = json!({ "key": "discovery_rpm", "value": 12, "description": "quiet hours" });
    let changed = json_of(admin.post("/api/admin/config", change).await, 200).await;
    assert_eq!(changed["updatedBy"], ADMIN);
    let settings = json_of(admin.get("/api/admin/config").await, 200).await;
    let rpm = settings["settings"].as_array().unwrap().iter().find(|s| s["key"] == "discovery_rpm");
    assert_eq!(rpm.unwrap()["value"], 12);
}

#[tokio::test]
async fn op_3_a_limit_is_previewed_changed_for_a_while_kept_and_reverted() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let preview = "/api/admin/config/preview?key=discovery_rpm&value=60";
    let preview = json_of(admin.get(preview).await, 200).await;
    assert_eq!(preview["present"]["value"], 30);
    assert_eq!(preview["proposed"]["jobsPerMin"], 60.0);
    assert_eq!(preview["proposed"]["backlog"]["state"], "empty");
    assert_eq!(preview["kinds"], json!(["domains.backfill", "domains.discovery"]));

    let rush = json!({ "key": "discovery_rpm", "value": 60, "expiresInMinutes": 15 });
    let changed = json_of(admin.post("/api/admin/config", rush.clone()).await, 200).await;
    assert_eq!((&changed["value"], &changed["expiry"]["revertsTo"]), (&json!(60), &json!(30)));
    assert!(changed["expiry"]["at"].is_string());
    let path = |action: &str| format!("/api/admin/config/discovery_rpm/{action}");
    let reverted = json_of(admin.post(&path("revert"), json!({})).await, 200).await;
    assert_eq!((&reverted["value"], &reverted["expiry"]), (&json!(30), &Value::Null));
    problem(admin.post(&path("revert"), json!({})).await, 409).await;
    admin.post("/api/admin/config", rush).await;
    let kept = json!({ "requestedBy": ADMIN });
    let kept = json_of(admin.post(&path("keep"), kept).await, 200).await;
    assert_eq!((&kept["value"], &kept["expiry"]), (&json!(60), &Value::Null));
}

#[tokio::test]
async fn op_4_the_kill_switch_is_turned_on_and_off_with_a_reason() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let path = "/api/admin/kill-switch";
    assert_eq!(json_of(admin.get(path).await, 200).await["active"], false);
    let on = json!({ "reason": "provider melts", "requestedBy": ADMIN });
    let switch = json_of(admin.post(path, on.clone()).await, 200).await;
    assert_eq!(switch["active"], true);
    assert_eq!(switch["changedBy"], ADMIN);
    problem(admin.post(path, on).await, 409).await;
    assert_eq!(json_of(admin.get(path).await, 200).await["reason"], "provider melts");
    let off = json_of(admin.delete(path, json!({ "reason": "fixed" })).await, 200).await;
    assert_eq!(off["active"], false);
}

/// A dead letter made by a job that fails.
#[tokio::test]
async fn st_4_workers_and_the_scheduler_are_stopped_and_started_by_api() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let because = json!({ "reason": "new machines" });
    let turn = |part: &str, way: &str| format!("/api/ops/workers/{part}/{way}");
    let stopped = json_of(admin.post(&turn("workers", "stop"), because.clone()).await, 200).await;
    assert_eq!(stopped["stop"]["reason"], "new machines");
    assert_eq!(stopped["stop"]["by"], ADMIN);
    problem(admin.post(&turn("workers", "stop"), because.clone()).await, 409).await;
    about(&problem(admin.post(&turn("workers", "start"), json!({})).await, 422).await, "reason");
    json_of(admin.post(&turn("workers", "start"), because.clone()).await, 200).await;
    json_of(admin.post(&turn("scheduler", "stop"), because.clone()).await, 200).await;
    let seen = json_of(admin.get("/api/admin/workers").await, 200).await;
    assert_eq!((&seen["stop"], &seen["workers"]), (&Value::Null, &json!([])));
    assert_eq!(seen["scheduler"]["stop"]["reason"], "new machines");
    problem(admin.post(&turn("nobody", "stop"), because.clone()).await, 404).await;
    console.set_role("viewer").await;
    json_of(admin.get("/api/admin/workers").await, 200).await;
    problem(admin.post(&turn("scheduler", "start"), because).await, 403).await;
}

async fn dead_letter(console: &Console, admin: &Person) -> i64 {
    let options = WorkerOptions { poll: Duration::from_millis(20), ..WorkerOptions::default() };
    let system = &console.system;
    let worker =
        Worker::start(system.db.clone(), system.clock.clone(), console.registry.clone(), options);
    let job = json!({ "kind": "system.fail", "payload": { "message": "made to fail" }, "maxAttempts": 1 });
    assert_eq!(admin.post("/api/jobs", job).await.status(), 201);
    // The worker tells nobody when it buries a job: look until it has.
    let letter = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let list = letters(admin, "pending").await;
            if let Some(letter) = list["items"].as_array().unwrap().first() {
                return letter["id"].as_i64().unwrap();
            }
            tokio::task::yield_now().await;
        }
    });
    let letter = letter.await.expect("the job fails");
    worker.shutdown(tokio::time::sleep(Duration::from_secs(5))).await;
    letter
}

async fn letters(admin: &Person, status: &str) -> Value {
    json_of(admin.get(&format!("/api/admin/dead-letter-queue?status={status}")).await, 200).await
}

#[tokio::test]
async fn op_6_a_dead_letter_is_retried_once_and_deleted_for_good() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let id = dead_letter(&console, &admin).await;
    let path = "/api/admin/dead-letter-queue";
    let letter = json!({ "dlqId": id, "requestedBy": ADMIN });

    let retried = json_of(admin.post(path, letter.clone()).await, 202).await;
    assert_eq!(retried["dlqId"], id);
    assert!(retried["jobId"].is_i64());
    problem(admin.post(path, letter.clone()).await, 409).await;
    assert_eq!(letters(&admin, "pending").await["items"], json!([]));
    let scheduled = letters(&admin, "retry_scheduled").await;
    assert_eq!(scheduled["items"][0]["id"], id);
    assert_eq!(scheduled["counts"], json!({ "pending": 0, "ignored": 0, "retryScheduled": 1 }));
    problem(admin.get(&format!("{path}?status=lost")).await, 400).await;
}

#[tokio::test]
async fn op_6_a_deleted_dead_letter_is_gone() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let id = dead_letter(&console, &admin).await;
    let path = "/api/admin/dead-letter-queue";
    assert_eq!(admin.delete(path, json!({ "dlqId": id })).await.status(), 204);
    problem(admin.delete(path, json!({ "dlqId": id })).await, 404).await;
    assert_eq!(letters(&admin, "pending").await["items"], json!([]));
}

#[tokio::test]
async fn op_11_pipelines_are_started_by_action() {
    let console = Console::start().await;
    let admin = console.admin().await;
    for trigger in [
        json!({ "action": "trigger_discovery", "limit": 10, "requestedBy": ADMIN }),
        json!({ "action": "trigger_backfill", "days": 7, "limit": 100 }),
    ] {
        let id = json_of(admin.post("/api/admin/jobs", trigger).await, 202).await["id"].clone();
        assert_eq!(admin.get(&format!("/api/jobs/{id}")).await.status(), 200);
    }
    let backfills = json_of(admin.get("/api/admin/jobs/backfill").await, 200).await;
    assert_eq!(backfills["backfills"][0]["kind"], "domains.backfill");
    assert_eq!(backfills["backfills"][0]["payload"], json!({ "days": 7, "limit": 100 }));
    assert_eq!(backfills["searchesPerMinute"], 30);
    let send =
        async |trigger: Value| problem(admin.post("/api/admin/jobs", trigger).await, 422).await;
    let unknown = send(json!({ "action": "trigger_everything" })).await;
    assert!(about(&unknown, "action").contains("trigger_discovery"));
    about(&send(json!({ "action": "trigger_discovery", "limit": 0 })).await, "limit");
    about(&send(json!({ "action": "trigger_discovery", "days": 3 })).await, "days");
    about(&send(json!({ "action": "trigger_harvesting" })).await, "postId");
    about(&send(json!({ "action": "trigger_backfill", "days": 91 })).await, "days");
}
