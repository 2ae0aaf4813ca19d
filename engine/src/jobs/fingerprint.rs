//! An error's fingerprint: what stays the same when the same thing fails again.

use std::sync::LazyLock;

use regex::Regex;
use signalbox_model::error_class::ErrorClass;
use signalbox_model::format::shorten;

/// The longest fingerprint, in characters.
const CHARS: usize = 160;

#[allow(clippy::expect_used)]
static VARIABLE: LazyLock<Regex> = LazyLock::new(|| {
    // URLs, UUIDs and long hex, quoted texts, numbers: the parts that differ from job to job.
    Regex::new(r#"(?x) https?://\S+ | [0-9a-fA-F]{8}-[0-9a-fA-F-]{27} | \b[0-9a-fA-F]{16,}\b | "[^"]*" | '[^']*' | \d+ "#)
        .expect("the pattern is valid")
});

/// The normalised form of `message`, by which dead letters are grouped.
pub(crate) fn fingerprint(class: ErrorClass, message: &str) -> String {
    let normal = VARIABLE.replace_all(message, "…");
    shorten(&format!("{}: {}", class.name(), normal), CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_trouble_has_the_same_fingerprint() {
        let one = fingerprint(ErrorClass::Rejected, "post 17 at https://a.example/x?y=1 is gone");
        let two = fingerprint(ErrorClass::Rejected, "post 99 at https://b.example/z is gone");
        assert_eq!(one, two);
        assert_eq!(one, "rejected: post … at … is gone");
        assert_ne!(one, fingerprint(ErrorClass::NotFound, "post 17 at https://a.example/ is gone"));
    }
}
