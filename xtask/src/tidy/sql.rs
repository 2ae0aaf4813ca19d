//! SQL only under `engine/` and `pipelines/`.

use super::source::{Finding, Source, pattern};

const HOME: &[&str] = &["engine", "pipelines"];

/// Statements, and the library that sends them. Tests may look at what was done.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let sql = pattern(
        r#"\bsqlx::|"\s*(?:SELECT\s|INSERT\s+INTO\s|DELETE\s+FROM\s|UPDATE\s+\w+\s+SET\s|CREATE\s+(?:TABLE|INDEX)\s|WITH\s+\w+\s+AS\s*\()"#,
    );
    // xtask speaks of SQL to find it.
    let others =
        sources.iter().filter(|s| !s.is_under(HOME) && !s.is_under(&["xtask"]) && !s.is_test());
    others
        .flat_map(|source| {
            source.find(
                &sql,
                "SQL outside engine/ and pipelines/",
                "Make it a function there, and call that",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&[Source::new(path, text)]).len()
    }

    #[test]
    fn sql_is_found_outside_its_home_only() {
        let text = "let rows = run(\"\n    SELECT id FROM users\").await;";
        assert_eq!(count("server/src/users.rs", text), 1);
        assert_eq!(count("engine/src/users.rs", text), 0);
        assert_eq!(count("server/tests/users.rs", text), 0);
        assert_eq!(count("app/src/x.rs", "use sqlx::PgPool;"), 1);
        assert_eq!(count("app/src/x.rs", "\"Select a provider\""), 0);
    }
}
