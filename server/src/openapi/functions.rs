//! The server functions: what the console's own pages call, reachable by everybody who signs in.

use leptos::server_fn::axum::server_fn_paths;
use serde_json::{Value, json};

/// Path and description of each, by path.
pub fn functions() -> Vec<(&'static str, Value)> {
    let mut paths: Vec<_> = server_fn_paths().map(|(path, _)| path).collect();
    paths.sort_unstable();
    paths.dedup();
    paths.into_iter().map(|path| (path, json!({ "post": described(path) }))).collect()
}

fn described(path: &str) -> Value {
    let name = path.rsplit('/').next().unwrap_or(path);
    let form = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let error = "The outcome of a command, or what went wrong.";
    json!({
        "operationId": format!("fn_{name}"),
        "tags": ["server functions"],
        "summary": sentence(name),
        "requestBody": { "content": { "application/x-www-form-urlencoded": { "schema": form } } },
        "responses": {
            "200": { "description": "OK", "content": { "application/json": { "schema": {} } } },
            "302": { "description": "Back to the page, for a plain form" },
            "4XX": { "description": error },
            "503": { "description": "The database does not answer; nothing was changed" },
        },
    })
}

/// The name as a sentence begins: `pause_queue` is `Pause queue`.
fn sentence(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
