//! Alerts by API (OP-13).

use serde_json::json;
use signalbox_engine::alerts;
use signalbox_engine::alerts::courier::Outside;

use crate::support::{ADMIN, Console, about, json_of, problem};

const RULE: &str = "/api/admin/alerts/rules/success-rate";

#[tokio::test]
async fn op_13_an_alert_is_listed_taken_care_of_once_and_kept() {
    let console = Console::start().await;
    let admin = console.admin().await;
    json_of(admin.post("/api/admin/kill-switch", json!({ "reason": "the bill" })).await, 200).await;
    alerts::watch(&console.system, &console.registry, &Outside::default()).await.unwrap();

    let all = json_of(admin.get("/api/admin/alerts").await, 200).await;
    assert_eq!(all["rules"].as_array().unwrap().len(), 16);
    let firing = all["firing"].as_array().unwrap();
    let switch = firing.iter().find(|alert| alert["rule"] == "kill-switch").unwrap();
    assert_eq!(switch["incident"], "stuck-jobs");
    assert!(all["messages"][0]["text"].as_str().unwrap().contains("no job starts: the bill"));
    let path = format!("/api/admin/alerts/{}/acknowledge", switch["id"]);
    assert_eq!(admin.post(&path, json!({})).await.status(), 204);
    problem(admin.post(&path, json!({})).await, 409).await;
    problem(admin.post("/api/admin/alerts/0/acknowledge", json!({})).await, 404).await;
    let history = admin.get("/api/admin/alerts/history?rule=kill-switch&limit=1").await;
    let history = json_of(history, 200).await;
    assert_eq!(history["items"][0]["acknowledgedBy"], ADMIN);
}

#[tokio::test]
async fn op_13_a_rule_is_changed_silenced_and_reset_and_wrong_values_are_named() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let send = async |body| json_of(admin.post(RULE, body).await, 200).await;
    let changed = send(json!({ "action": "change", "threshold": 80, "forMinutes": 2 })).await;
    assert_eq!(
        (&changed["threshold"], &changed["condition"]),
        (&json!(80), &json!("below 80 %, for 2 min"))
    );
    let off = send(json!({ "action": "change", "enabled": false })).await;
    assert_eq!((&off["enabled"], &off["threshold"]), (&json!(false), &json!(80)));
    let silent = send(json!({ "action": "silence", "minutes": 60, "reason": "known" })).await;
    assert_eq!(silent["silence"]["by"], ADMIN);
    assert_eq!(send(json!({ "action": "unsilence" })).await["silence"], json!(null));
    assert_eq!(send(json!({ "action": "reset" })).await["condition"], "below 70 %");
    problem(admin.post(RULE, json!({ "action": "reset" })).await, 409).await;

    let wrong = async |body| problem(admin.post(RULE, body).await, 422).await;
    about(&wrong(json!({ "action": "change", "threshold": 101 })).await, "threshold");
    about(&wrong(json!({ "action": "change", "forMinutes": -1 })).await, "forMinutes");
    about(&wrong(json!({ "action": "silence", "minutes": 5, "reason": " " })).await, "reason");
    wrong(json!({ "action": "shout" })).await;
    problem(admin.get("/api/admin/alerts/rules/none").await, 404).await;
}

#[tokio::test]
async fn op_13_a_rule_is_back_tested_by_api_and_wrong_values_are_named() {
    let console = Console::start().await;
    let admin = console.admin().await;
    json_of(admin.post("/api/admin/kill-switch", json!({ "reason": "the bill" })).await, 200).await;
    let path = "/api/admin/alerts/rules";
    let test = async |query| json_of(admin.get(&format!("{path}/{query}")).await, 200).await;
    let rate = test("success-rate/back-test?threshold=90&forMinutes=5").await;
    assert_eq!(
        (&rate["condition"], &rate["found"]["fired"]),
        (&json!("below 90 %, for 5 min"), &json!(0))
    );
    let unknown = test("provider-limit/back-test").await;
    assert_eq!(unknown["found"], json!(null));
    assert!(unknown["unknown"].as_str().unwrap().contains("only the last word is kept"));
    let wrong = admin.get(&format!("{path}/success-rate/back-test?threshold=101")).await;
    about(&problem(wrong, 422).await, "threshold");
    problem(admin.get(&format!("{path}/success-rate/back-test?forS=5")).await, 400).await;
    problem(admin.get(&format!("{path}/none/back-test")).await, 404).await;
}

#[tokio::test]
async fn op_13_a_test_alert_is_written_for_every_channel() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let messages = json_of(admin.post("/api/admin/test-alert", json!({})).await, 202).await;
    assert_eq!(messages[0]["state"], "no_channel", "none is configured here");
    assert!(messages[0]["text"].as_str().unwrap().contains(ADMIN));
}
