//! Schedules by API (OP-16).

use serde_json::json;
use signalbox_engine::schedules;

use crate::support::{ADMIN, Console, Person, about, json_of, problem};

const PATH: &str = "/api/admin/schedules/domains-discovery";

async fn console() -> (Console, Person) {
    let console = Console::start().await;
    let system = &console.system;
    schedules::declare(&system.db, &signalbox_pipelines::schedules(), system.now()).await.unwrap();
    let admin = console.admin().await;
    (console, admin)
}

#[tokio::test]
async fn op_16_a_schedule_is_paused_resumed_and_run_now() {
    let (_console, admin) = console().await;
    let pause = json!({ "action": "pause", "reason": "quiet please", "requestedBy": ADMIN });
    let paused = json_of(admin.post(PATH, pause.clone()).await, 200).await;
    assert_eq!(paused["pause"]["reason"], "quiet please");
    assert_eq!(paused["pause"]["by"], ADMIN);
    problem(admin.post(PATH, pause).await, 409).await;
    let run = json_of(admin.post(PATH, json!({ "action": "run_now" })).await, 202).await;
    assert_eq!(run["jobId"], run["lastJob"]["id"]);
    assert_eq!(run["lastJob"]["state"], "available");
    let resumed = json_of(admin.post(PATH, json!({ "action": "resume" })).await, 200).await;
    assert_eq!(
        (resumed["paused"].clone(), resumed["droppedTicks"].clone()),
        (json!(false), json!(0))
    );
}

#[tokio::test]
async fn op_16_times_are_previewed_changed_and_reset() {
    let (_console, admin) = console().await;
    let query = "cron=30+2+*+*+*&timeZone=Europe%2FBerlin";
    let preview =
        json_of(admin.get(&format!("/api/admin/schedules/preview?{query}")).await, 200).await;
    assert_eq!(preview["nextTicks"].as_array().unwrap().len(), 5);
    let change = json!({ "action": "change", "cron": "30 2 * * *", "timeZone": "Europe/Berlin" });
    let changed = json_of(admin.post(PATH, change).await, 200).await;
    assert_eq!(changed["nextTicks"], preview["nextTicks"]);
    assert_eq!(changed["default"], json!({ "cron": "*/10 * * * *", "timeZone": "UTC" }));
    let reset = json_of(admin.post(PATH, json!({ "action": "reset" })).await, 200).await;
    assert_eq!(
        (reset["cron"].as_str(), reset["default"].clone()),
        (Some("*/10 * * * *"), json!(null))
    );
    assert_eq!(json_of(admin.get(PATH).await, 200).await["cron"], reset["cron"]);
}

#[tokio::test]
async fn op_16_bad_commands_name_what_is_allowed_and_change_nothing() {
    let (console, admin) = console().await;
    let send = async |body| problem(admin.post(PATH, body).await, 422).await;
    assert!(about(&send(json!({ "action": "stop" })).await, "action").contains("run_now"));
    about(&send(json!({ "action": "pause" })).await, "reason");
    about(&send(json!({ "action": "pause", "reason": "x", "cron": "* * * * *" })).await, "cron");
    about(&send(json!({ "action": "change", "cron": "1--100000000 * * * *" })).await, "cron");
    about(&send(json!({ "action": "change", "timeZone": "Berlin" })).await, "timeZone");
    about(&send(json!({ "action": "change", "zone": "UTC" })).await, "zone");
    problem(admin.get("/api/admin/schedules/preview?cron=nonsense").await, 422).await;
    problem(admin.post("/api/admin/schedules/none", json!({ "action": "run_now" })).await, 404)
        .await;
    problem(admin.get("/api/admin/schedules/none").await, 404).await;
    problem(admin.get("/api/admin/schedules/%00").await, 404).await;
    problem(admin.post("/api/admin/schedules/%00", json!({ "action": "run_now" })).await, 404)
        .await;
    assert_eq!(console.number("SELECT count(*) FROM audit_log").await, 0);
    for path in [PATH, "/api/admin/schedules", "/api/admin/schedules/preview?cron=1"] {
        problem(console.visitor().get(path).await, 401).await;
    }
    console.set_role("viewer").await;
    problem(admin.post(PATH, json!({ "action": "run_now" })).await, 403).await;
}

#[tokio::test]
async fn op_16_the_pages_show_times_in_both_zones_and_the_forms_work_without_javascript() {
    let (_console, admin) = console().await;
    let page = |path: &'static str| {
        let admin = &admin;
        async move { admin.get(path).await.text().await.unwrap() }
    };
    let list = page("/admin/schedules").await;
    for name in ["domains-discovery", "health-check", "materialized-views-refresh", "cleanup"] {
        assert!(list.contains(&format!("/admin/schedules/{name}")), "{name}");
    }
    assert!(list.contains("Takes back the jobs of lost workers"));
    let asked = page("/admin/schedules/cleanup?cron=30+2+*+*+*&zone=Asia%2FKolkata").await;
    assert!(asked.contains("02:30 +05:30") && asked.contains("T21:00:00Z"), "{asked}");
    assert!(asked.contains("Apply these times"));
    assert!(page("/admin/schedules/cleanup?cron=61+*+*+*+*").await.contains("is not a cron"));

    let post = async |endpoint: &str, form: &[(&str, &str)]| {
        let request = admin.request(reqwest::Method::POST, &format!("/api/fn/{endpoint}"));
        let answer = request.header("accept", "text/html").form(form).send().await.unwrap();
        assert_eq!(answer.status(), 302, "{endpoint}");
        answer.headers()["location"].to_str().unwrap().to_owned()
    };
    let times = [("name", "cleanup"), ("cron", "30 2 * * *"), ("zone", "Asia/Kolkata")];
    assert_eq!(post("change_schedule", &times).await, "/admin/schedules/cleanup");
    let changed = page("/admin/schedules/cleanup").await;
    assert!(changed.contains("cleanup ticks at 30 2 * * * (Asia/Kolkata) now"), "{changed}");
    assert!(changed.contains("Reset to default"));
    post("pause_schedule", &[("name", "cleanup"), ("reason", "not this week")]).await;
    assert!(page("/admin/schedules/cleanup").await.contains("Paused: not this week."));
    post("resume_schedule", &[("name", "cleanup")]).await;
    post("run_schedule", &[("name", "cleanup")]).await;
    assert!(page("/admin/schedules").await.contains("cleanup runs now, as job"));
    assert_eq!(post("run_schedule", &[("name", "a\r\nb")]).await, "/admin/schedules");
}
