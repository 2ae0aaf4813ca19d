//! What a stranger reads first is there.

use super::source::Finding;
use crate::workspace::root;

const PAPERS: &[&str] = &["README.md", "ARCHITECTURE.md", "LICENSE", ".env.example"];

/// Looks for the files.
pub fn check() -> Vec<Finding> {
    let missing = PAPERS.iter().filter(|name| !root().join(name).is_file());
    missing
        .map(|name| Finding {
            place: format!("{name}:1"),
            what: "missing".to_owned(),
            remedy: "Write it",
        })
        .collect()
}
