//! OP-7: changes come from an allowed origin.

use reqwest::Method;
use serde_json::json;

use crate::support::{Console, Person, problem};

async fn send(person: &Person, headers: &[(&str, &str)]) -> reqwest::Response {
    let mut request =
        person.request(Method::POST, "/api/jobs").json(&json!({ "kind": "system.noop" }));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn op_7_another_site_cannot_send_changes_with_our_cookie() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let forged: [&[(&str, &str)]; 6] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", "http://evil.example")],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        &[("origin", "\u{e9}")],
    ];
    for headers in forged {
        problem(send(&admin, headers).await, 403).await;
    }
    assert_eq!(console.number("SELECT count(*) FROM jobs").await, 0);
}

#[tokio::test]
async fn op_7_own_pages_scripts_and_listed_origins_may() {
    let listed = "https://ops.example.com".to_owned();
    let console = Console::start_with(|parts| parts.allowed_origins = vec![listed]).await;
    let admin = console.admin().await;
    let own = console.base.clone();
    let allowed: [&[(&str, &str)]; 4] = [
        &[],
        &[("origin", &own)],
        &[("sec-fetch-site", "same-origin"), ("origin", &own)],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://ops.example.com")],
    ];
    for headers in allowed {
        assert_eq!(send(&admin, headers).await.status(), 201, "{headers:?}");
    }
}

#[tokio::test]
async fn op_7_server_functions_and_the_login_are_covered_too() {
    let console = Console::start().await;
    for path in ["/api/auth/login", "/api/auth/logout", "/api/fn/sign_in"] {
        let request =
            console.visitor().request(Method::POST, path).header("sec-fetch-site", "cross-site");
        assert_eq!(request.send().await.unwrap().status(), 403, "{path}");
    }
}
