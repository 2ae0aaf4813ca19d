//! A job changes state in one file and its parts: nobody else writes the tables whose rows are a
//! job's state.

use super::source::{Finding, Source, pattern};

const HOME: &str = "engine/src/jobs/transitions.rs";
/// Its parts.
const PARTS: &[&str] = &["engine/src/jobs/transitions"];

/// Statements that write a job table. Tests may set a scene.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let write = pattern(
        r"(?i)\b(?:INSERT\s+INTO|DELETE\s+FROM|UPDATE|MERGE\s+INTO|TRUNCATE(?:\s+TABLE)?|COPY)\s+(?:ONLY\s+)?jobs_(?:ready|scheduled|running|finished)\b",
    );
    let others = sources.iter().filter(|s| {
        s.path != HOME && !s.is_under(PARTS) && !s.is_under(&["xtask"]) && !s.is_test()
    });
    others
        .flat_map(|source| {
            source.find(
                &write,
                "a job table is written outside engine/src/jobs/transitions.rs",
                "Add a named transition there, and call it",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_found_over_line_breaks_and_a_read_is_none() {
        let write =
            Source::new("engine/src/sweep.rs", "\"DELETE\n   FROM jobs_running WHERE id = $1\"");
        assert_eq!(check(&[write])[0].place, "engine/src/sweep.rs:1");
        let read = Source::new("engine/src/sweep.rs", "\"SELECT id FROM jobs_running FOR UPDATE\"");
        assert!(check(&[read]).is_empty());
        let home = Source::new(HOME, "\"INSERT INTO jobs_ready SELECT 1\"");
        assert!(check(&[home]).is_empty());
    }
}
