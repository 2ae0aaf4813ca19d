//! Every migration begins with a comment that says what it is for.

use super::source::Finding;
use crate::Failure;
use crate::workspace::{at, files_under, root};

/// Looks at the first line of each.
pub fn check() -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    for file in files_under(&root().join("migrations")) {
        let text = std::fs::read_to_string(&file).map_err(at(&file))?;
        if !has_header(&text) {
            findings.push(Finding {
                place: format!("{}:1", file.strip_prefix(root())?.display()),
                what: "no header comment".to_owned(),
                remedy: "Say in a first line of `-- …` what it is for",
            });
        }
    }
    Ok(findings)
}

fn has_header(sql: &str) -> bool {
    sql.lines()
        .next()
        .is_some_and(|line| line.strip_prefix("--").is_some_and(|text| !text.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::has_header;

    #[test]
    fn a_header_has_words() {
        assert!(has_header("-- Users.\nCREATE TABLE users ();"));
        assert!(!has_header("--\nCREATE TABLE users ();"));
        assert!(!has_header("CREATE TABLE users ();"));
    }
}
