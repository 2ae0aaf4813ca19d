//! A file does one thing: past 500 lines it is named, past 600 it is refused.

use super::source::{Finding, Source};

const LONG: usize = 500;
const TOO_LONG: usize = 600;

/// Refuses files of more than 600 lines; prints the long ones.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let lines = source.text.lines().count();
        if lines > TOO_LONG {
            findings.push(Finding {
                place: format!("{}:{TOO_LONG}", source.path),
                what: format!("{lines} lines"),
                remedy: "Split it by what it does",
            });
        } else if lines > LONG {
            println!("warn   {}: {lines} lines; past {TOO_LONG} it is refused", source.path);
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_have_six_hundred_lines_and_no_more() {
        let source = |lines| Source::new("x.rs", &"a\n".repeat(lines));
        assert!(check(&[source(600)]).is_empty());
        assert_eq!(check(&[source(601)]).len(), 1);
    }
}
