//! The current time is read in one file, and is a parameter elsewhere.

use super::source::{Finding, Source, pattern};

const HOME: &str = "engine/src/clock.rs";
/// Not the product, or below the clock.
const FREE: &[&str] = &["sandbox", "cluster", "xtask"];

/// Calls that read the wall clock.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let now = pattern(
        r"\b(?:Utc::now|Local::now|SystemTime::now|OffsetDateTime::now_utc|UNIX_EPOCH\s*\.\s*elapsed)\s*\(",
    );
    let others = sources.iter().filter(|s| s.path != HOME && !s.is_under(FREE) && !s.is_test());
    others
        .flat_map(|source| {
            source.find(
                &now,
                "the current time is read outside engine/src/clock.rs",
                "Take it from the clock in Ctx, or as a parameter",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_is_found() {
        let text = "fn f() -> Ts { chrono::Utc::now() }";
        assert_eq!(check(&[Source::new("engine/src/jobs/claim.rs", text)]).len(), 1);
        assert!(check(&[Source::new(HOME, text)]).is_empty());
        assert!(check(&[Source::new("sandbox/src/main.rs", text)]).is_empty());
    }
}
