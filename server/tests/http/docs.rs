//! The API's documentation, and what follows from it for every route alike.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use signalbox_model::actor::{Permission, Role};

use crate::support::{Console, Person, json_of, problem};

/// What never ends by itself, or ends the session with which the others are asked.
const APART: [&str; 2] = ["/api/admin/changes", "/api/auth/logout"];

struct Operation {
    method: Method,
    path: String,
    /// `None` for those that are open to everybody.
    needs: Option<Option<Permission>>,
}

async fn document(person: &Person) -> Value {
    json_of(person.get("/api/docs/openapi.json").await, 200).await
}

/// Every documented operation but the server functions, with something in its path.
fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if path.starts_with("/api/fn/") || APART.contains(&path.as_str()) {
                continue;
            }
            let permission = operation["x-permission"].as_str();
            let permission = permission.map(|name| serde_json::from_value(json!(name)).unwrap());
            operations.push(Operation {
                method: method.to_uppercase().parse().unwrap(),
                path: path
                    .split('/')
                    .map(|part| if part.starts_with('{') { "1" } else { part })
                    .collect::<Vec<_>>()
                    .join("/"),
                needs: operation.get("security").map(|_| permission),
            });
        }
    }
    assert!(operations.len() > 75, "only {}", operations.len());
    operations
}

async fn status(person: &Person, operation: &Operation) -> u16 {
    let Operation { method, path, .. } = operation;
    let request = person.request(method.clone(), path);
    let request = if method == Method::GET { request } else { request.json(&json!({})) };
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn op_7_every_documented_route_is_closed_to_strangers_unless_it_says_that_it_is_open() {
    let console = Console::start().await;
    let visitor = console.visitor();
    let operations = operations(&document(&visitor).await);
    let mut open = BTreeSet::new();
    for operation in &operations {
        let (method, path) = (&operation.method, &operation.path);
        match operation.needs {
            None => drop(open.insert(path.as_str())),
            Some(_) => assert_eq!(status(&visitor, operation).await, 401, "{method} {path}"),
        }
    }
    let expected = [
        "/.well-known/security.txt",
        "/api/auth/login",
        "/api/docs",
        "/api/docs/openapi.json",
        "/api/health",
        "/health",
        "/healthz",
        "/metrics",
        "/readyz",
    ];
    assert_eq!(open.into_iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn op_7_every_route_is_closed_to_roles_without_its_permission_and_open_to_the_others() {
    let console = Console::start().await;
    let person = console.admin().await;
    let operations = operations(&document(&person).await);
    for role in [Role::Technician, Role::QaLead, Role::Viewer, Role::Operator] {
        console.set_role(role.name()).await;
        for operation in &operations {
            let Some(Some(permission)) = operation.needs else { continue };
            let (method, path) = (&operation.method, &operation.path);
            // The console's addresses are for those who may see it, whatever else they may do.
            let console = path.starts_with("/api/domains") || role.may(Permission::ReadConsole);
            let got = status(&person, operation).await;
            assert_eq!(
                got != 403,
                role.may(permission) && console,
                "{role:?} {method} {path}: {got}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_documented_is_there_and_what_it_refers_to_too() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let document = document(&admin).await;
    assert_eq!(document["openapi"], "3.1.0");
    for operation in operations(&document) {
        let got = status(&admin, &operation).await;
        assert!(got != 405 && got < 500, "{} {}: {got}", operation.method, operation.path);
    }
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name} is not there");
    }
    let ids: Vec<_> = text.matches("\"operationId\"").collect();
    let unique: BTreeSet<_> =
        text.split("\"operationId\":\"").skip(1).map(|s| s.split('"').next().unwrap()).collect();
    assert_eq!(ids.len(), unique.len(), "an operation's id stands twice");
}

#[tokio::test]
async fn every_server_function_is_documented() {
    let console = Console::start().await;
    let visitor = console.visitor();
    let document = document(&visitor).await;
    let paths: Vec<_> = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path).collect();
    assert!(paths.len() > 40, "only {}", paths.len());
    for path in paths {
        assert!(document["paths"][path]["post"].is_object(), "{path}");
    }
}

/// Routes are added by the table alone: whatever goes past it is neither guarded nor documented.
#[test]
fn no_route_goes_past_the_table() {
    let router = include_str!("../../src/router.rs");
    for way in [".route(", ".route_service(", ".nest("] {
        assert!(!router.contains(way), "{way}…) in router.rs: put it into table.rs");
    }
}

#[tokio::test]
async fn the_page_shows_every_operation_and_needs_no_script() {
    let console = Console::start().await;
    let response = console.visitor().get("/api/docs").await;
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    let page = response.text().await.unwrap();
    for words in [
        "GET /api/jobs/{id}/why",
        "POST /api/fn/pause_queue",
        "Needs a session of someone who may operate queues.",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("<script") && !page.contains("style="));
    assert_eq!(page.matches("<h1>").count(), 1);
    problem(console.visitor().get("/api/docs/nothing").await, 404).await;
}
