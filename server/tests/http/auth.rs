//! Signing in and out.

use reqwest::Method;
use serde_json::json;

use crate::support::{ADMIN, Console, PASSWORD, json_of, problem};

/// The cookie of this name that `response` sets, with its attributes.
fn cookie(response: &reqwest::Response, name: &str) -> String {
    let cookies = response.headers().get_all("set-cookie").iter();
    let cookie = cookies
        .map(|cookie| cookie.to_str().unwrap().to_owned())
        .find(|cookie| cookie.starts_with(&format!("{name}=")));
    cookie.unwrap_or_else(|| panic!("no cookie {name}"))
}

#[tokio::test]
async fn sign_in_me_sign_out() {
    let console = Console::start().await;
    let person = console.visitor();
    problem(person.get("/api/auth/me").await, 401).await;

    let response = person.sign_in(ADMIN, PASSWORD).await;
    assert_eq!(response.status(), 204);
    let cookie = cookie(&response, "signalbox_session");
    for attribute in ["signalbox_session=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(attribute), "{attribute} is missing: {cookie}");
    }
    assert!(!cookie.contains("Secure"), "lost over plain http: {cookie}");

    let me = json_of(person.get("/api/auth/me").await, 200).await;
    assert_eq!(me, json!({ "email": ADMIN, "role": "admin", "mustChangePassword": false }));

    assert_eq!(
        person.request(Method::POST, "/api/auth/logout").send().await.unwrap().status(),
        204
    );
    problem(person.get("/api/auth/me").await, 401).await;
    assert_eq!(console.number("SELECT count(*) FROM sessions").await, 0);
}

#[tokio::test]
async fn behind_tls_the_cookie_is_bound_to_the_host() {
    let console = Console::start_with(|parts| parts.secure_cookies = true).await;
    let response = console.visitor().sign_in(ADMIN, PASSWORD).await;
    for name in ["__Host-signalbox", "__Host-signalbox-device"] {
        assert!(cookie(&response, name).contains("Secure"), "{name}");
    }
    assert!(response.headers().contains_key("strict-transport-security"));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_told_apart_by_nobody() {
    let console = Console::start().await;
    let wrong = problem(console.visitor().sign_in(ADMIN, "wrong").await, 401).await;
    let unknown =
        problem(console.visitor().sign_in("nobody@example.com", "wrong").await, 401).await;
    assert_eq!(wrong, unknown);
}

#[tokio::test]
async fn guessing_is_throttled() {
    let console = Console::start().await;
    for _ in 0..200 {
        let response = console.visitor().sign_in(ADMIN, "wrong").await;
        if response.status() == 429 {
            assert!(response.headers().contains_key("retry-after"));
            problem(response, 429).await;
            return;
        }
    }
    panic!("200 wrong passwords were looked at");
}

#[tokio::test]
async fn visitors_get_no_session() {
    let console = Console::start().await;
    let person = console.visitor();
    for path in ["/login", "/healthz", "/api/auth/me", "/nothing/here"] {
        let response = person.get(path).await;
        assert!(!response.headers().contains_key("set-cookie"), "{path}");
    }
    person.sign_in(ADMIN, "wrong").await;
    assert_eq!(console.number("SELECT count(*) FROM sessions").await, 0);
}

#[tokio::test]
async fn every_sign_in_gets_a_new_session_id() {
    let console = Console::start().await;
    let person = console.visitor();
    let first = cookie(&person.sign_in(ADMIN, PASSWORD).await, "signalbox_session");
    let second = cookie(&person.sign_in(ADMIN, PASSWORD).await, "signalbox_session");
    assert_ne!(first, second);
    assert_eq!(console.number("SELECT count(*) FROM sessions").await, 1);
}

#[tokio::test]
async fn a_user_who_is_disabled_is_out_at_once() {
    let console = Console::start().await;
    let admin = console.admin().await;
    sqlx::query("UPDATE users SET disabled = true").execute(&console.db.pool).await.unwrap();
    problem(admin.get("/api/admin/jobs").await, 401).await;
    assert_eq!(console.number("SELECT count(*) FROM sessions").await, 0);
}

#[tokio::test]
async fn a_one_time_password_is_good_for_choosing_another() {
    let console = Console::start().await;
    console.must_change_password().await;
    let person = console.admin().await;

    let refused = problem(person.get("/api/admin/jobs").await, 403).await;
    assert_eq!(refused["type"], "/problems/password-change-required");
    let page = person.get("/admin").await;
    assert_eq!(page.status(), 303);
    assert_eq!(page.headers()["location"], "/account/password");
    assert_eq!(person.get("/account/password").await.status(), 200);

    let short = json!({ "current": PASSWORD, "new": "short" });
    problem(person.post("/api/auth/password", short).await, 422).await;
    let change = json!({ "current": PASSWORD, "new": "another long enough one" });
    assert_eq!(person.post("/api/auth/password", change).await.status(), 204);
    assert_eq!(person.get("/api/admin/jobs").await.status(), 200);
    problem(console.visitor().sign_in(ADMIN, PASSWORD).await, 401).await;
}
