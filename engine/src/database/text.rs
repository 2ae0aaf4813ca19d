//! Statements as they are shown: on one line, short, and without what they were about.

use std::sync::LazyLock;

use regex::Regex;
use signalbox_model::format::shorten;

/// The longest statement that is shown, in characters.
const CHARS: usize = 300;

/// A literal, also one that the server has cut off, and all that follows a dollar quote. A backslash
/// counts as an escape: better too much is hidden than too little.
#[allow(clippy::expect_used, reason = "tested below")]
static LITERALS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)'(?:[^'\\]|\\.)*(?:'|\\?$)|\$(?:[A-Za-z_]\w*)?\$.*$").expect("a valid pattern")
});

/// `sql` on one line, without its literals: a password may be among them.
pub(super) fn shown(sql: &str) -> String {
    let bare = LITERALS.replace_all(sql, "'…'");
    let words: Vec<_> = bare.split_whitespace().collect();
    shorten(&words.join(" "), CHARS)
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn js_5_what_a_statement_is_about_is_not_shown() {
        for (sql, text) in [
            ("SELECT 1\n  FROM t\tWHERE id = $1", "SELECT 1 FROM t WHERE id = $1"),
            ("ALTER ROLE a PASSWORD 'hunter2'", "ALTER ROLE a PASSWORD '…'"),
            ("SELECT 'it''s hunter2', 2", "SELECT '…''…', 2"),
            (r"SELECT E'\'hunter2', 2", "SELECT E'…', 2"),
            ("SELECT 'hunter2 cut o", "SELECT '…'"),
            (r"SELECT 'hunter2\", "SELECT '…'"),
            ("DO $$ hunter2 $$", "DO '…'"),
            ("DO $x$ hunter2", "DO '…'"),
        ] {
            assert_eq!(shown(sql), text);
        }
    }
}
