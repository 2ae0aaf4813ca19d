//! One direction of dependency: who may depend on what, as cargo itself reads the manifests.

use serde_json::Value;

use super::source::Finding;
use crate::Failure;
use crate::workspace::cargo;

/// What a crate must not need in order to be built. Tests may need more; so may a feature that the crate does not have on by default.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "signalbox-model",
        &[
            "sqlx",
            "leptos",
            "axum",
            "tokio",
            "signalbox-engine",
            "signalbox-pipelines",
            "signalbox-app",
        ],
    ),
    (
        "signalbox-engine",
        &[
            "axum",
            "leptos",
            "leptos_axum",
            "signalbox-pipelines",
            "signalbox-app",
            "signalbox-server",
        ],
    ),
    (
        "signalbox-pipelines",
        &["axum", "leptos", "leptos_axum", "signalbox-app", "signalbox-server"],
    ),
    (
        "signalbox-app",
        &["sqlx", "axum", "tokio", "signalbox-engine", "signalbox-pipelines", "signalbox-server"],
    ),
    ("signalbox-frontend", &["sqlx", "axum", "tokio", "signalbox-engine", "signalbox-pipelines"]),
    ("signalbox-server", &["sqlx"]),
    ("signalbox-cluster", &["sqlx", "signalbox-engine", "signalbox-model"]),
    (
        "signalbox-sandbox",
        &["sqlx", "leptos", "signalbox-engine", "signalbox-pipelines", "signalbox-app"],
    ),
    ("xtask", &["sqlx", "signalbox-engine"]),
];
const STAND_INS: &str = "signalbox-sandbox";

/// Asks cargo for every crate's direct dependencies.
pub fn check() -> Result<Vec<Finding>, Failure> {
    let output =
        cargo().args(["metadata", "--no-deps", "--format-version", "1", "--offline"]).output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(breaches(&serde_json::from_slice(&output.stdout)?))
}

fn breaches(metadata: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in list(metadata, "packages") {
        let name = package["name"].as_str().unwrap_or_default();
        let forbidden =
            FORBIDDEN.iter().find(|(crate_, _)| *crate_ == name).map_or(&[][..], |(_, list)| list);
        for dependency in list(package, "dependencies").filter(|d| is_needed(d)) {
            let needs = dependency["name"].as_str().unwrap_or_default();
            if forbidden.contains(&needs) || needs == STAND_INS {
                findings.push(Finding {
                    place: format!("{}/Cargo.toml:1", name.trim_start_matches("signalbox-")),
                    what: format!("{name} depends on {needs}"),
                    remedy: "Move what needs it to the crate that may have it",
                });
            }
        }
    }
    findings
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn is_needed(dependency: &Value) -> bool {
    dependency["kind"].as_str() != Some("dev") && dependency["optional"].as_bool() != Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_forbidden_dependency_is_found_and_a_test_one_is_not() {
        let metadata = json!({"packages": [
            {"name": "signalbox-model", "dependencies": [
                {"name": "sqlx", "kind": null, "optional": false},
                {"name": "serde", "kind": null, "optional": false}]},
            {"name": "signalbox-server", "dependencies": [
                {"name": "signalbox-sandbox", "kind": "dev", "optional": false},
                {"name": "sqlx", "kind": "dev", "optional": false}]},
            {"name": "signalbox-app", "dependencies": [
                {"name": "signalbox-engine", "kind": null, "optional": true},
                {"name": "signalbox-sandbox", "kind": null, "optional": false}]}]});
        let found: Vec<String> = breaches(&metadata).into_iter().map(|f| f.what).collect();
        assert_eq!(
            found,
            ["signalbox-model depends on sqlx", "signalbox-app depends on signalbox-sandbox"]
        );
    }
}
