//! The OpenAPI document of the whole API, 3.1.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use signalbox_model::problem::Problem;

use super::functions::functions;
use super::operation::Schemas;
use crate::routes::{Access, Documented};

const ABOUT: &str = "Sign in with `POST /api/auth/login`; its cookie goes with every other request; \
     scripts send `Authorization: Bearer` with an API token. \
     Errors are problems by RFC 9457. Every answer carries `x-request-id`. The server functions under \
     `/api/fn/` are what the console's own pages call; they take urlencoded forms.";

/// The document.
pub fn document(routes: &[Documented], mut schemas: Schemas) -> Value {
    // Referred to by every refusal.
    let _ = schemas.of::<Problem>();
    let mut paths: BTreeMap<String, Value> = BTreeMap::new();
    for route in routes {
        let of_path = paths.entry(route.path.to_owned()).or_insert_with(|| json!({}));
        of_path[route.method] = route.operation.to_value(route.path, about(route));
    }
    for (path, operations) in functions() {
        paths.insert(path.to_owned(), operations);
    }
    let session = json!({ "type": "apiKey", "in": "cookie", "name": "signalbox_session" });
    let token = json!({ "type": "http", "scheme": "bearer" });
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Signalbox", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT },
        "paths": paths,
        "components": {
            "schemas": Value::Object(described(schemas.definitions())),
            "securitySchemes": { "session": session, "token": token },
        },
    })
}

/// Schemas refer to each other; nothing is to be done but to keep them in order.
fn described(schemas: Map<String, Value>) -> Map<String, Value> {
    schemas.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect()
}

fn about(route: &Documented) -> Value {
    let needs = match route.access {
        Access::Open => None,
        Access::SignedIn => Some("Needs a session.".to_owned()),
        Access::May(permission) => {
            Some(format!("Needs a session of someone who may {}.", permission.describe()))
        }
    };
    let mut about = json!({
        "operationId": operation_id(route),
        "tags": [tag(route.path)],
        "summary": route.about,
    });
    if let Access::May(permission) = route.access {
        about["x-permission"] = json!(permission);
    }
    if let Some(needs) = needs {
        about["description"] = Value::String(needs);
        about["security"] = json!([{ "session": [] }, { "token": [] }]);
    }
    about
}

/// `get_api_jobs_id_why` for `GET /api/jobs/{id}/why`.
fn operation_id(route: &Documented) -> String {
    let words =
        route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(route.method).chain(words).collect::<Vec<_>>().join("_")
}

/// The noun: the first word of the path that says what it is about.
fn tag(path: &str) -> &str {
    let said = ["", "api", "admin", "ops", "v1"];
    let noun = path.split('/').find(|word| !said.contains(word)).unwrap_or("api");
    match noun {
        "health" | "healthz" | "readyz" | "metrics" | "system" => "health",
        noun => noun,
    }
}
