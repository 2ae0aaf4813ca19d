//! Users, sessions and tokens over HTTP (JS-10, AV-11, OP-7).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{ADMIN, Console, Person, about, json_of, problem};

const EVE: &str = "eve@example.com";

/// Invites Eve with `role`, and lets her choose a password.
async fn eve(console: &Console, admin: &Person, role: &str) -> Person {
    let invited = admin.post("/api/admin/users", json!({ "email": EVE, "role": role })).await;
    let invited = json_of(invited, 201).await;
    let once = invited["oneTimePassword"].as_str().unwrap();
    let eve = console.visitor();
    assert_eq!(eve.sign_in(EVE, once).await.status(), 204);
    let change = json!({ "current": once, "new": "a password of her own" });
    assert_eq!(eve.post("/api/auth/password", change).await.status(), 204);
    eve
}

fn user(action: &str) -> Value {
    json!({ "action": action, "reason": "a rehearsal" })
}

async fn page(person: &Person, path: &str) -> String {
    let page = person.get(path).await;
    assert_eq!(page.status(), 200, "{path}");
    page.text().await.unwrap()
}

#[tokio::test]
async fn js_10_a_viewer_sees_every_control_disabled_with_the_reason_and_is_refused() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let eve = eve(&console, &admin, "viewer").await;
    let switch = page(&eve, "/admin/kill-switch").await;
    assert!(switch.contains("As a viewer you may not operate the kill switch."), "{switch}");
    assert!(switch.contains("<fieldset") && switch.contains("disabled"));
    assert!(!switch.contains("href=\"/admin/users\""), "what she may not see is not offered");
    problem(eve.post("/api/admin/kill-switch", json!({ "reason": "x" })).await, 403).await;
    problem(eve.get("/api/admin/users").await, 403).await;
    assert_eq!(eve.get("/admin/users").await.status(), 403);
    assert!(!page(&admin, "/admin/kill-switch").await.contains("you may not"));
}

#[tokio::test]
async fn av_11_a_disabled_user_and_an_ended_session_are_out_at_once() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let eve = eve(&console, &admin, "operator").await;
    let own = json_of(eve.get("/api/account/sessions").await, 200).await;
    assert_eq!((own.as_array().unwrap().len(), &own[0]["isThis"]), (1, &json!(true)));
    let all = json_of(admin.get("/api/admin/sessions").await, 200).await;
    assert_eq!(all.as_array().unwrap().len(), 2);

    let handle = own[0]["handle"].as_str().unwrap();
    let path = format!("/api/account/sessions/{handle}");
    let ended = admin.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(ended.status(), 204);
    problem(eve.get("/api/admin/jobs").await, 401).await;
    assert_eq!(eve.sign_in(EVE, "a password of her own").await.status(), 204);
    let path = format!("/api/admin/users/{EVE}");
    assert_eq!(admin.post(&path, user("disable")).await.status(), 204);
    problem(eve.get("/api/admin/jobs").await, 401).await;
    problem(eve.sign_in(EVE, "a password of her own").await, 401).await;
    let silent = admin.post(&path, json!({ "action": "enable" })).await;
    about(&problem(silent, 422).await, "reason");
    problem(admin.post("/api/admin/users/nobody@example.com", user("enable")).await, 404).await;
    let own = admin.post(&format!("/api/admin/users/{ADMIN}"), user("disable")).await;
    problem(own, 409).await;
}

#[tokio::test]
async fn av_11_everything_is_revoked_but_the_session_that_asks() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let eve = eve(&console, &admin, "operator").await;
    let ended = admin.delete("/api/admin/sessions", json!({ "reason": "a laptop was lost" })).await;
    assert_eq!(json_of(ended, 200).await, json!({ "sessions": 1, "tokens": 0 }));
    problem(eve.get("/api/admin/jobs").await, 401).await;
    assert_eq!(admin.get("/api/admin/jobs").await.status(), 200);
}

#[tokio::test]
async fn a_token_lets_a_script_in_within_its_scopes() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let new = json!({ "name": "ci", "scopes": ["read_console", "run_jobs"], "days": 1 });
    let made = json_of(admin.post("/api/admin/tokens", new).await, 201).await;
    let token = made["token"].as_str().unwrap().to_owned();
    let script = console.visitor();
    let send = async |method: Method, path: &str, body: Value| {
        let request = script.request(method, path).bearer_auth(&token).json(&body);
        request.send().await.unwrap()
    };
    assert_eq!(send(Method::GET, "/api/admin/jobs", json!({})).await.status(), 200);
    let job = json!({ "kind": "system.noop", "payload": {} });
    assert_eq!(send(Method::POST, "/api/jobs", job).await.status(), 201);
    let stop = json!({ "reason": "x" });
    problem(send(Method::POST, "/api/admin/kill-switch", stop).await, 403).await;
    for (method, path) in [
        (Method::GET, "/api/admin/users"),
        (Method::POST, "/api/admin/tokens"),
        (Method::DELETE, "/api/admin/sessions"),
    ] {
        problem(send(method, path, json!({})).await, 403).await;
    }
    let password = json!({ "current": "x", "new": "a password for a thief" });
    problem(send(Method::POST, "/api/auth/password", password).await, 403).await;
    // A token is never upgraded by a session that comes along, and gets none.
    let both = admin.request(Method::GET, "/api/auth/me").bearer_auth("sbx_nobody").send().await;
    problem(both.unwrap(), 401).await;
    assert_eq!(console.number("SELECT count(*) FROM sessions").await, 1);

    let path = format!("/api/admin/tokens/{}/revoke", made["id"]);
    assert_eq!(admin.post(&path, json!({ "reason": "rotated" })).await.status(), 204);
    problem(send(Method::GET, "/api/admin/jobs", json!({})).await, 401).await;
    let tokens = admin.get("/api/admin/tokens").await.text().await.unwrap();
    assert!(!tokens.contains(&token));
    let bad = json!({ "name": "", "scopes": ["manage_users"], "days": 0 });
    let bad = problem(admin.post("/api/admin/tokens", bad).await, 422).await;
    for field in ["name", "scopes", "days"] {
        about(&bad, field);
    }
}

#[tokio::test]
async fn a_secret_made_by_a_plain_form_is_shown_once_and_stored_nowhere() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let form = [("email", EVE), ("role", "viewer")];
    let request = admin.request(Method::POST, "/api/fn/invite_user");
    let sent = request.header("accept", "text/html").form(&form).send().await.unwrap();
    assert_eq!(
        (sent.status().as_u16(), &sent.headers()["location"]),
        (302, &"/admin/users".parse().unwrap())
    );
    let shown = page(&admin, "/admin/users").await;
    let (_, secret) = shown.split_once("Shown this once").expect("the secret is shown");
    let (_, secret) = secret.split_once("value=\"").unwrap();
    let secret = secret.split('"').next().unwrap();
    assert_eq!(console.visitor().sign_in(EVE, secret).await.status(), 204);
    assert!(!page(&admin, "/admin/users").await.contains(secret), "it is shown once");
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sessions WHERE strpos(data::text, $1) > 0")
            .bind(secret)
            .fetch_one(&console.db.pool)
            .await
            .unwrap();
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn pages_of_people_are_drawn_on_the_server() {
    let console = Console::start().await;
    let admin = console.admin().await;
    for path in ["/admin/users", &format!("/admin/users/{ADMIN}"), "/admin/tokens", "/account"] {
        let html = page(&admin, path).await;
        assert_eq!(html.matches("<h1").count(), 1, "{path}");
    }
    assert_eq!(admin.get("/admin/users/nobody@example.com").await.status(), 404);
    console.set_role("technician").await;
    assert_eq!(
        page(&admin, "/account").await.matches("<h1").count(),
        1,
        "everybody has an account"
    );
}
