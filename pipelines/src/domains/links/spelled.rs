//! Finds domains that are spelled so as not to look like links: `example dot com`, `example[.]com`.

use std::sync::LazyLock;

use regex::Regex;

use super::Candidate;
use super::normalise::has_public_suffix;
use super::scan::{goes_on, link_end};

/// Last labels that are believed after a plain ` dot `, which is an ordinary word as well.
const WELL_KNOWN: &[&str] = &[
    "ai", "app", "biz", "ca", "cc", "club", "co", "com", "de", "dev", "eu", "fr", "gg", "info",
    "io", "me", "net", "nl", "online", "org", "shop", "site", "store", "tech", "tv", "uk", "us",
    "xyz",
];

/// Words before a plain ` dot ` that are no names: "the dot com bubble".
const NO_NAMES: &[&str] =
    &["a", "an", "and", "big", "dot", "every", "my", "our", "that", "the", "this", "your"];

/// A dot in brackets, or as a word between spaces. Repetitions are bounded, which keeps the search linear.
const DOT: &str = r"(?:[ \t]{0,3}(?:\[ ?(?:dot|\.) ?\]|\( ?(?:dot|\.) ?\)|\{ ?(?:dot|\.) ?\})[ \t]{0,3}|[ \t]{1,3}dot[ \t]{1,3})";
const LABEL: &str = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";

// The patterns are constant and every test of spelled-out links compiles them: `ok` hides no failure at run time.
static SPELLED_DOT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&format!("(?i){DOT}")).ok());

/// Labels joined by dots, at least one of them spelled out, perhaps after a scheme.
static SPELLED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let scheme = "(?<scheme>h(?:tt|xx)ps?://)?";
    let host =
        format!(r"(?<host>(?:{LABEL}\.){{0,4}}{LABEL}{DOT}{LABEL}(?:(?:\.|{DOT}){LABEL}){{0,4}})");
    Regex::new(&format!(r"(?i)\b{scheme}{host}\b")).ok()
});

/// Finds the spelled-out domains in a text.
pub(super) fn candidates(text: &str) -> Vec<Candidate> {
    let (Some(spelled), Some(dot)) = (&*SPELLED, &*SPELLED_DOT) else { return Vec::new() };
    let mut found: Vec<Candidate> = Vec::new();
    for captures in spelled.captures_iter(text) {
        let (Some(whole), Some(host)) = (captures.get(0), captures.name("host")) else { continue };
        let is_in_previous = found.last().is_some_and(|previous| whole.start() < previous.span.end);
        if is_in_previous || follows_an_at(&text[..whole.start()]) {
            continue;
        }
        let name = dot.replace_all(host.as_str(), ".").to_lowercase();
        let said_as_word =
            dot.find_iter(host.as_str()).any(|dot| !dot.as_str().contains(['[', '(', '{']));
        if (said_as_word && !is_believable(&name)) || !has_public_suffix(&name) {
            continue;
        }
        let end = if goes_on(&text[host.end()..]) {
            link_end(text, whole.start(), host.end())
        } else {
            host.end()
        };
        let secure = captures.name("scheme").is_none_or(|scheme| scheme.len() == "https://".len());
        let scheme = if secure { "https" } else { "http" };
        found.push(Candidate {
            span: whole.start()..end,
            host: host.range(),
            address: format!("{scheme}://{name}{}", &text[host.end()..end]),
            spelled_out: true,
        });
    }
    found
}

/// Whether a plain ` dot ` in a name is likely to stand for one.
fn is_believable(name: &str) -> bool {
    let Some((rest, last)) = name.rsplit_once('.') else { return false };
    let words = rest.split('.');
    WELL_KNOWN.contains(&last)
        && words.clone().all(|word| word.len() > 1 && !NO_NAMES.contains(&word))
}

/// Whether an e-mail address is being spelled: `name (at) example dot com`.
fn follows_an_at(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t']).as_bytes();
    let ends_with = |at: &[u8]| {
        before.len() >= at.len() && before[before.len() - at.len()..].eq_ignore_ascii_case(at)
    };
    before.ends_with(b"@") || ends_with(b"(at)") || ends_with(b"[at]") || ends_with(b"{at}")
}
