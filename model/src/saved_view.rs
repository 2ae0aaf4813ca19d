//! Saved views: a list's filters under a name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::problem::FieldError;

/// The longest name, in characters.
pub const NAME_CHARS_MAX: usize = 60;
/// The longest query, in characters.
pub const QUERY_CHARS_MAX: usize = 2000;
/// As many views a person may keep of one list.
pub const VIEWS_MAX: i64 = 30;

/// A list whose filters can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViewedList {
    /// `/admin/jobs`.
    Jobs,
    /// `/admin/dead-letter-queue`.
    DeadLetters,
    /// `/admin/logs`.
    Logs,
}

impl ViewedList {
    /// The stable name used in the database.
    pub const fn name(self) -> &'static str {
        match self {
            ViewedList::Jobs => "jobs",
            ViewedList::DeadLetters => "dead_letters",
            ViewedList::Logs => "logs",
        }
    }

    /// Where the list is.
    pub const fn address(self) -> &'static str {
        match self {
            ViewedList::Jobs => "/admin/jobs",
            ViewedList::DeadLetters => "/admin/dead-letter-queue",
            ViewedList::Logs => "/admin/logs",
        }
    }
}

/// A list's filters under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SavedView {
    /// Its number.
    pub id: i64,
    /// What its owner calls it.
    pub name: String,
    /// The filters as they stand in the address: `state=dead&last=24h`.
    pub query: String,
}

/// What is wrong with a view's name and query, both trimmed.
pub fn problems(name: &str, query: &str) -> Vec<FieldError> {
    let mut problems = Vec::new();
    let chars = name.chars().count();
    if chars == 0 || chars > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        problems.push(FieldError::new("name", "must have 1 to 60 characters, all visible"));
    }
    let chars = query.chars().count();
    let escaped = query.bytes().all(|byte| byte.is_ascii_graphic() && !b"#?\"<>".contains(&byte));
    if chars == 0 || chars > QUERY_CHARS_MAX || !escaped {
        let detail = "must be filters as they stand in an address, at most 2000 characters";
        problems.push(FieldError::new("query", detail));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::problems;

    #[test]
    fn a_view_has_a_name_and_nothing_but_filters() {
        assert!(problems("Dead today", "state=dead&last=24h&q=a%20b").is_empty());
        for (name, query) in
            [("", "a=b"), ("a\0", "a=b"), (&"n".repeat(61), "a=b"), ("n", ""), ("n", "a=b#x")]
        {
            assert_eq!(problems(name, query).len(), 1, "{name:?} {query:?}");
        }
        assert_eq!(problems("\n", "https://x/?\"<").len(), 2);
    }
}
