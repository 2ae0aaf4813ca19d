//! Nothing prints but the tools: the server logs with `tracing`, the command line writes to standard output on purpose.

use super::source::{Finding, Source, pattern};

/// The printing macros.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let print = pattern(r"\b(?:e?print(?:ln)?|dbg)!\s*[(\[{]");
    let others = sources.iter().filter(|s| !s.is_under(&["xtask"]));
    others
        .flat_map(|source| {
            source.find(
                &print,
                "it prints",
                "Use tracing, or std::io::Write for what a command answers",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_printing_macro_is_found() {
        let text =
            "println!(); eprintln!(\"x\"); print!(\"x\"); dbg!(x); pprintln_x(); write!(f, \"x\")";
        assert_eq!(check(&[Source::new("server/src/main.rs", text)]).len(), 4);
    }
}
