//! Jobs by API.

use reqwest::{Body, Method};
use serde_json::{Value, json};

use crate::support::{ADMIN, Console, Person, about, json_of, problem};

async fn batch(person: &Person, lines: String) -> reqwest::Response {
    person.request(Method::POST, "/api/jobs/batch").body(lines).send().await.unwrap()
}

#[tokio::test]
async fn a_repeated_idempotency_key_answers_200_with_the_first_job() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let job = json!({ "kind": "system.noop", "payload": {}, "idempotencyKey": "once" });
    let first = admin.post("/api/jobs", job.clone()).await;
    let location = first.headers()["location"].to_str().unwrap().to_owned();
    let id = json_of(first, 201).await["id"].clone();
    assert_eq!(location, format!("/api/jobs/{id}"));
    let second = json_of(admin.post("/api/jobs", job).await, 200).await;
    assert_eq!(second["id"], id);
    assert_eq!(console.number("SELECT count(*) FROM jobs").await, 1);
}

#[tokio::test]
async fn a_job_can_be_listed_read_asked_why_and_cancelled() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let job = json!({ "kind": "system.sleep", "payload": { "ms": 1 }, "priority": 2 });
    let id = json_of(admin.post("/api/jobs", job).await, 201).await["id"].as_i64().unwrap();

    let list =
        json_of(admin.get("/api/jobs?state=available&kind=system.sleep&queue=&q=").await, 200)
            .await;
    assert_eq!(list["items"][0]["id"], id);
    assert_eq!(list["items"][0]["priority"], 2);
    let none = json_of(admin.get("/api/jobs?state=running").await, 200).await;
    assert_eq!(none["items"], json!([]));

    let detail = json_of(admin.get(&format!("/api/jobs/{id}")).await, 200).await;
    assert_eq!(detail["job"]["payload"], json!({ "ms": 1 }));
    let why = json_of(admin.get(&format!("/api/jobs/{id}/why")).await, 200).await;
    assert_eq!(why["cause"], "no_worker");

    problem(admin.post(&format!("/api/jobs/{id}/retry"), json!({})).await, 409).await;
    assert_eq!(admin.post(&format!("/api/jobs/{id}/cancel"), json!({})).await.status(), 202);
    let detail = json_of(admin.get(&format!("/api/jobs/{id}")).await, 200).await;
    assert_eq!(detail["job"]["state"], "cancelled");
    problem(admin.get("/api/jobs/999999").await, 404).await;
    problem(admin.get("/api/jobs/one").await, 400).await;
}

#[tokio::test]
async fn op_11_a_job_is_held_with_a_reason_and_released() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let job = json!({ "kind": "system.noop" });
    let id = json_of(admin.post("/api/jobs", job).await, 201).await["id"].as_i64().unwrap();
    let path = format!("/api/jobs/{id}");
    let (hold, release) = (format!("{path}/hold"), format!("{path}/release"));

    about(&problem(admin.post(&hold, json!({})).await, 422).await, "reason");
    about(&problem(admin.post(&hold, json!({ "reason": "x", "why": 1 })).await, 422).await, "why");
    let foreign = json!({ "reason": "x", "requestedBy": "someone.else@example.com" });
    problem(admin.post(&hold, foreign).await, 403).await;
    problem(admin.post(&release, json!({})).await, 409).await;

    let because = json!({ "reason": "look first", "requestedBy": ADMIN });
    assert_eq!(json_of(admin.post(&hold, because.clone()).await, 202).await["id"], id);
    let held = json_of(admin.get(&path).await, 200).await;
    assert_eq!(held["job"]["hold"]["reason"], "look first");
    assert_eq!(held["job"]["hold"]["by"], ADMIN);
    assert_eq!(held["job"]["waitReason"], "held");
    assert_eq!(held["job"]["progress"], json!(null));
    assert_eq!(held["verdict"]["cause"], "held");
    problem(admin.post(&hold, because.clone()).await, 409).await;

    assert_eq!(json_of(admin.post(&release, json!({})).await, 202).await["id"], id);
    assert_eq!(json_of(admin.get(&path).await, 200).await["job"]["state"], "available");
    problem(admin.post("/api/jobs/999999/hold", because).await, 404).await;
    problem(admin.post("/api/jobs/999999/release", json!({})).await, 404).await;
}

#[tokio::test]
async fn a_batch_is_enqueued_in_order_over_more_than_one_chunk() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let line = |n: usize| {
        format!("{}\n", json!({ "kind": "system.noop", "idempotencyKey": format!("k{n}") }))
    };
    let lines: String = (0..2500).map(line).collect();
    let outcome = json_of(batch(&admin, lines).await, 200).await;
    assert_eq!(outcome["enqueued"], 2500);
    assert_eq!(outcome["existed"], 0);
    let ids: Vec<_> =
        outcome["ids"].as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect();
    assert_eq!(ids.len(), 2500);

    let again = json_of(batch(&admin, line(7) + &line(3000)).await, 200).await;
    assert_eq!((&again["enqueued"], &again["existed"]), (&json!(1), &json!(1)));
    assert_eq!(again["ids"][0], ids[7]);
}

#[tokio::test]
async fn a_wrong_line_is_named_and_ends_the_batch_before_its_chunk() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let mut lines = "{\"kind\":\"system.noop\"}\n".repeat(1000);
    lines += "{\"kind\":\"system.noop\"}\n\n{\"kind\":\"system.noop\",\"prio\":1}\nnot json\n";
    let refused = problem(batch(&admin, lines).await, 422).await;
    assert!(about(&refused, "line 1003: prio").contains("unknown field"));
    about(&refused, "line 1004");
    assert_eq!(refused["enqueued"], 1000);
    assert_eq!(refused["ids"].as_array().unwrap().len(), 1000);
    assert_eq!(console.number("SELECT count(*) FROM jobs").await, 1000);

    let unknown = "{\"kind\":\"system.noop\"}\n\n{\"kind\":\"system.nope\"}\n".to_owned();
    let refused = problem(batch(&admin, unknown).await, 422).await;
    assert!(about(&refused, "line 3: kind").contains("system.noop"));
    assert_eq!(console.number("SELECT count(*) FROM jobs").await, 1000);
}

#[tokio::test]
async fn a_batch_may_be_larger_than_a_body_and_a_line_may_not() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let job = json!({ "kind": "system.noop", "payload": { "text": "x".repeat(200_000) } });
    let big = format!("{job}\n").repeat(20);
    assert_eq!(json_of(batch(&admin, big).await, 200).await["enqueued"], 20);

    let endless = Body::wrap_stream(futures::stream::iter(
        (0..8).map(|_| Ok::<_, std::io::Error>("x".repeat(100_000))),
    ));
    let request = admin.request(Method::POST, "/api/jobs/batch").body(endless);
    let refused = problem(request.send().await.unwrap(), 422).await;
    assert!(about(&refused, "line 1").contains("longer than"));
}

#[tokio::test]
async fn an_unknown_kind_and_a_bad_job_name_what_is_wrong() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let send = async |job: Value| problem(admin.post("/api/jobs", job).await, 422).await;
    let unknown = send(json!({ "kind": "system.nope" })).await;
    assert!(about(&unknown, "kind").contains("system.noop"));
    let bad = send(json!({ "kind": "system.noop", "priority": 10, "payload": [] })).await;
    about(&bad, "priority");
    about(&bad, "payload");
    about(&send(json!({ "kind": "system.noop", "runAt": "soon" })).await, "runAt");
    about(&send(json!({ "kind": "system.noop", "run_at": null })).await, "run_at");
}
