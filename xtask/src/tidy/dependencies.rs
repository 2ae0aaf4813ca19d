//! Every dependency has a line of reason in `ARCHITECTURE.md`.

use super::source::{Finding, pattern};
use crate::Failure;
use crate::workspace::{at, root};

/// Compares `[workspace.dependencies]` with the names in the document.
pub fn check() -> Result<Vec<Finding>, Failure> {
    let manifest = root().join("Cargo.toml");
    let manifest = std::fs::read_to_string(&manifest).map_err(at(&manifest))?;
    let document = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap_or_default();
    compare(&manifest, &document)
}

fn compare(manifest: &str, document: &str) -> Result<Vec<Finding>, Failure> {
    let table: toml::Table = manifest.parse()?;
    let dependencies = table
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(toml::Value::as_table)
        .ok_or("Cargo.toml has no [workspace.dependencies]")?;
    let foreign = dependencies.iter().filter(|(_, spec)| spec.get("path").is_none());
    let unnamed = foreign.filter(|(name, _)| !names(document, name));
    Ok(unnamed
        .map(|(name, _)| Finding {
            place: format!("Cargo.toml:{}", line_of(manifest, name)),
            what: format!("`{name}` is not in ARCHITECTURE.md"),
            remedy: "Say there in a line why we depend on it, or drop it",
        })
        .collect())
}

/// Whether the name stands there as a word of its own: `axum` is not named by `leptos_axum`.
fn names(document: &str, name: &str) -> bool {
    let word = format!(r"(?:^|[^\w-]){}(?:$|[^\w-])", regex::escape(name));
    pattern(&word).is_match(document)
}

fn line_of(manifest: &str, name: &str) -> usize {
    let start = format!("{name} =");
    manifest.lines().position(|line| line.starts_with(&start)).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_dependency_without_a_reason_is_found() {
        let manifest =
            "[workspace.dependencies]\nown = { path = \"own\" }\naxum = \"0.8\"\nurl = \"2\"\n";
        let found = compare(manifest, "| `url` | parses |\n| `leptos_axum` | serves |").unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, "Cargo.toml:3");
    }
}
