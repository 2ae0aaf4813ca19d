//! Providers and the vault by API (AV-7, CP-5, JS-4), with the sandbox as the provider.

use serde_json::{Value, json};
use signalbox_sandbox::{Fault, FaultMode, Provider, Sandbox, SandboxOptions};

use crate::support::{ADMIN, Console, about, json_of, problem};

const PATH: &str = "/api/admin/providers/mcp";
const KEY: &str = "planted-key-7f3a91c2";

async fn with_sandbox() -> (Sandbox, Console) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sandbox =
        Sandbox::start(SandboxOptions { posts: 2, ..SandboxOptions::default() }).await.unwrap();
    let console = Console::start_at(Some(sandbox.mcp_url()), |_| {}).await;
    (sandbox, console)
}

#[tokio::test]
async fn av_7_a_key_is_set_shown_by_its_end_and_removed() {
    let (_sandbox, console) = with_sandbox().await;
    let admin = console.admin().await;
    let before = json_of(admin.get("/api/admin/providers").await, 200).await;
    assert_eq!(before["providers"][0]["key"]["source"], "environment");
    assert_eq!(before["vault"]["status"], "ok");

    let set = json!({ "action": "set_key", "key": KEY, "expiresAt": "2099-01-01T00:00:00Z" });
    let set = json_of(admin.post(PATH, set).await, 200).await;
    assert_eq!(
        (&set["key"]["source"], &set["key"]["secret"]["last4"]),
        (&json!("vault"), &json!("91c2"))
    );
    assert_eq!(set["key"]["secret"]["updatedBy"], ADMIN);
    assert!(!set.to_string().contains("planted"), "{set}");
    let vault = json_of(admin.get("/api/admin/vault").await, 200).await;
    assert_eq!((&vault["status"], &vault["secrets"]), (&json!("ok"), &json!(1)));

    let removed = json!({ "action": "remove_key", "reason": "it has leaked" });
    let removed = json_of(admin.post(PATH, removed).await, 200).await;
    assert_eq!(removed["key"]["source"], "environment");
    let one = json_of(admin.get(PATH).await, 200).await;
    let actions: Vec<_> = one["changes"].as_array().unwrap().iter().map(|c| &c["action"]).collect();
    assert_eq!(actions, ["provider.remove_key", "provider.set_key"]);
}

#[tokio::test]
async fn js_4_the_test_of_the_credentials_names_the_step_that_fails() {
    let (sandbox, console) = with_sandbox().await;
    let admin = console.admin().await;
    let test = async || json_of(admin.post(PATH, json!({ "action": "test" })).await, 200).await;
    let outcomes = |test: &Value| -> Vec<Value> {
        test["steps"].as_array().unwrap().iter().map(|step| step["outcome"].clone()).collect()
    };
    assert_eq!(outcomes(&test().await), ["passed", "passed", "passed", "passed"]);
    sandbox.set_fault(Provider::Mcp, Fault::new(FaultMode::BadKey));
    let failed = test().await;
    assert_eq!(outcomes(&failed), ["passed", "passed", "failed", "not_tried"]);
    assert_eq!(failed["steps"][2]["errorClass"], "credentials");
}

#[tokio::test]
async fn av_7_a_provider_is_switched_off_and_on_by_api() {
    let (_sandbox, console) = with_sandbox().await;
    let admin = console.admin().await;
    let turn = |action: &str| json!({ "action": action, "reason": "their invoice is wrong" });
    let off = json_of(admin.post(PATH, turn("disable")).await, 200).await;
    assert_eq!(off["breaker"]["disabled"]["by"], ADMIN);
    problem(admin.post(PATH, turn("disable")).await, 409).await;
    let breakers = json_of(admin.get("/api/admin/breakers").await, 200).await;
    assert_eq!(breakers["breakers"][0]["disabled"]["reason"], "their invoice is wrong");
    let on = json_of(admin.post(PATH, turn("enable")).await, 200).await;
    assert_eq!(on["breaker"]["disabled"], Value::Null);
}

#[tokio::test]
async fn av_7_bad_input_names_its_field_and_says_no_key_back() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let send = async |body: Value| problem(admin.post(PATH, body).await, 422).await;
    about(&send(json!({ "action": "explode" })).await, "action");
    about(&send(json!({ "action": "set_key" })).await, "key");
    let bad = send(json!({ "action": "set_key", "key": "planted\nkey" })).await;
    about(&bad, "key");
    assert!(!bad.to_string().contains("planted"), "{bad}");
    let past = json!({ "action": "set_key", "key": KEY, "expiresAt": "2001-01-01T00:00:00Z" });
    about(&send(past).await, "expiresAt");
    let stray = send(json!({ "action": "disable", "reason": "x", "key": KEY })).await;
    assert!(about(&stray, "key").contains("set_key"));
    about(&send(json!({ "action": "disable" })).await, "reason");
    let nobody = json!({ "action": "test" });
    problem(admin.post("/api/admin/providers/nobody", nobody).await, 404).await;
    problem(admin.get("/api/admin/providers/nobody").await, 404).await;
}

#[tokio::test]
async fn op_7_an_operator_sees_providers_and_changes_none() {
    let (_sandbox, console) = with_sandbox().await;
    let person = console.admin().await;
    console.set_role("operator").await;
    json_of(person.get("/api/admin/providers").await, 200).await;
    for action in ["set_key", "remove_key", "enable", "disable", "test"] {
        let body = match action {
            "set_key" => json!({ "action": action, "key": KEY }),
            _ => json!({ "action": action, "reason": "because" }),
        };
        let body = if action == "test" { json!({ "action": action }) } else { body };
        problem(person.post(PATH, body).await, 403).await;
    }
    console.set_role("technician").await;
    problem(person.get("/api/admin/vault").await, 403).await;
}

#[tokio::test]
async fn cp_5_the_form_works_without_javascript_and_gives_no_key_back() {
    let (_sandbox, console) = with_sandbox().await;
    let admin = console.admin().await;
    let form = async |key: &str, expires: &str| {
        let fields = [("provider", "mcp"), ("key", key), ("expiresAt", expires)];
        let request =
            admin.request(reqwest::Method::POST, "/api/fn/set_provider_key").form(&fields);
        request.header("accept", "text/html").send().await.unwrap()
    };
    let page = async || admin.get("/admin/providers/mcp").await.text().await.unwrap();
    let refused = form(KEY, "soon").await;
    assert_eq!(refused.headers()["location"], "/admin/providers/mcp");
    let shown = page().await;
    assert!(shown.contains("must be a day") && !shown.contains("planted"), "{shown}");
    form(KEY, "2099-01-01").await;
    let shown = page().await;
    assert!(shown.contains("…91c2") && shown.contains("in the vault"), "{shown}");
    assert!(!shown.contains("planted"));
}
