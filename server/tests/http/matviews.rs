//! Materialized views (OP-9, OP-10) and sweeps by API.

use serde_json::json;

use crate::support::{ADMIN, Console, about, json_of, problem};

const PATH: &str = "/api/admin/matviews";

#[tokio::test]
async fn op_9_materialized_views_are_turned_on_and_off_and_refreshed() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let off = json_of(admin.get(PATH).await, 200).await;
    assert_eq!(
        (off["enabled"].clone(), off["reading"]["source"].clone()),
        (json!(false), json!("plain"))
    );
    assert_eq!(off["views"].as_array().unwrap().len(), 3);
    let enable = json!({ "action": "enable", "requestedBy": ADMIN });
    let on = json_of(admin.post(PATH, enable.clone()).await, 200).await;
    assert_eq!((on["enabled"].clone(), on["changedBy"].clone()), (json!(true), json!(ADMIN)));
    assert_eq!(on["reading"]["fellBack"], true, "they were never refreshed");
    problem(admin.post(PATH, enable).await, 409).await;
    let refresh = json_of(admin.post(PATH, json!({ "action": "refresh" })).await, 202).await;
    let job = json_of(admin.get(&format!("/api/jobs/{}", refresh["jobId"])).await, 200).await;
    assert_eq!(job["job"]["kind"], "materialized-views-refresh");
    assert_eq!(
        json_of(admin.post(PATH, json!({ "action": "disable" })).await, 200).await["enabled"],
        false
    );
}

#[tokio::test]
async fn op_9_bad_commands_and_the_powerless_change_nothing() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let unknown = problem(admin.post(PATH, json!({ "action": "drop" })).await, 422).await;
    assert!(about(&unknown, "action").contains("refresh"));
    about(
        &problem(admin.post(PATH, json!({ "action": "enable", "on": 1 })).await, 422).await,
        "on",
    );
    for path in [PATH, "/api/admin/sweeps"] {
        problem(console.visitor().get(path).await, 401).await;
    }
    console.set_role("viewer").await;
    problem(admin.post(PATH, json!({ "action": "enable" })).await, 403).await;
    assert_eq!(console.number("SELECT count(*) FROM matviews_control WHERE enabled").await, 0);
    assert_eq!(console.number("SELECT count(*) FROM audit_log").await, 0);
}

#[tokio::test]
async fn sweeps_are_listed_with_what_they_do() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let sweeps = json_of(admin.get("/api/admin/sweeps").await, 200).await;
    let sweeps = sweeps["sweeps"].as_array().unwrap();
    assert_eq!(sweeps.len(), 10);
    assert_eq!(sweeps[0]["name"], "lost_workers");
    assert!(
        sweeps.iter().all(|sweep| sweep["runAt"].is_null() && sweep["description"].is_string())
    );
}
