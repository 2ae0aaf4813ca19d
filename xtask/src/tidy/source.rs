//! The source files, as the checks see them.

use std::fmt;

use regex::Regex;

use crate::Failure;
use crate::workspace::{at, files_under, root};

const CRATES: &[&str] =
    &["model", "engine", "pipelines", "app", "frontend", "server", "sandbox", "cluster", "xtask"];

/// A Rust file.
pub struct Source {
    /// From the root, with `/`: `engine/src/clock.rs`.
    pub path: String,
    /// As it is.
    pub text: String,
    /// With comments blanked out, lines and columns kept.
    code: String,
}

/// A breach of an invariant: where, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// File and line, such as `app/src/page.rs:12`.
    pub place: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}. {}", self.place, self.what, self.remedy)
    }
}

impl Source {
    /// All Rust files of the workspace.
    pub fn read_all() -> Result<Vec<Self>, Failure> {
        let files = CRATES.iter().flat_map(|name| files_under(&root().join(name)));
        files
            .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
            .map(|file| {
                let text = std::fs::read_to_string(&file).map_err(at(&file))?;
                let path = file.strip_prefix(root())?.to_string_lossy().replace('\\', "/");
                Ok(Self::new(&path, &text))
            })
            .collect()
    }

    /// A file of this path and text.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: without_comments(text) }
    }

    /// Whether it lies under one of these folders.
    pub fn is_under(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.path.starts_with(&format!("{folder}/")))
    }

    /// Whether it is a test as a whole.
    pub fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// Each place where the code of the product matches; comments, and the test module that ends a file, are left out.
    pub fn find(&self, pattern: &Regex, what: &str, remedy: &'static str) -> Vec<Finding> {
        let product = self.code.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let matches = pattern.find_iter(product);
        matches
            .map(|found| {
                let line = product[..found.start()].matches('\n').count() + 1;
                let seen = found.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
                Finding {
                    place: format!("{}:{line}", self.path),
                    what: format!("{what} (`{seen}`)"),
                    remedy,
                }
            })
            .collect()
    }
}

/// Blanks `//` comments that are a line of their own: those are what speaks of code without being it.
fn without_comments(text: &str) -> String {
    let blank = |line: &str| {
        if line.trim_start().starts_with("//") { " ".repeat(line.len()) } else { line.to_owned() }
    };
    text.lines().map(|line| blank(line) + "\n").collect()
}

/// A pattern that is known to be one.
pub fn pattern(text: &str) -> Regex {
    #[allow(
        clippy::expect_used,
        reason = "every pattern is a literal, and tried by its check's test"
    )]
    Regex::new(text).expect("a valid pattern")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_the_test_module_are_not_code() {
        let text = "a\n// bad\nbad\n#[cfg(test)]\nmod tests { bad }\n";
        let found = Source::new("x/src/y.rs", text).find(&pattern("bad"), "it is bad", "Mend it");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].to_string(), "x/src/y.rs:3: it is bad (`bad`). Mend it");
    }
}
