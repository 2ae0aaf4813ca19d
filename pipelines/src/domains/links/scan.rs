//! Finds URLs and bare domains by one pass over the text.

use std::ops::Range;

use super::Candidate;
use super::normalise::has_public_suffix;

/// Last labels that are public suffixes but far more often the ending of a file's name.
pub const FILE_LIKE: &[&str] = &[
    "cab",
    "cc",
    "md",
    "mk",
    "ml",
    "mov",
    "pl",
    "pm",
    "properties",
    "ps",
    "py",
    "rs",
    "sh",
    "tf",
    "zip",
];

/// Names of products that only look like domains.
const PRODUCTS: &[&str] = &["ADO.NET", "ASP.NET", "VB.NET"];

/// Finds the candidates within `range` of `text`.
pub(super) fn candidates(text: &str, range: Range<usize>, found: &mut Vec<Candidate>) {
    let mut start = range.start;
    for piece in text[range].split_inclusive(is_break) {
        let end = start + piece.trim_end_matches(is_break).len();
        Word { text, start, end }.scan(found);
        start += piece.len();
    }
}

/// Characters that no link crosses: white space, quotes, angle brackets, CJK punctuation, invisible marks.
fn is_break(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || "<>\"`|“”„‟‘’‚«»‹›…。，、；：！？（）「」『』【】《》〈〉".contains(c)
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Characters of bare domains, and of the e-mail addresses that must not be taken for them.
fn is_token(c: char) -> bool {
    c.is_alphanumeric() || ".-_%+@".contains(c)
}

/// Scripts written without spaces: where Latin letters touch them, a word ends.
fn is_spaceless(c: char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

/// A stretch of text without breaks.
struct Word<'a> {
    text: &'a str,
    start: usize,
    end: usize,
}

impl Word<'_> {
    fn scan(&self, found: &mut Vec<Candidate>) {
        let mut at = self.start;
        while let Some((scheme_at, rest_at)) = self.next_scheme(at) {
            at = self.bare(at, scheme_at, found);
            if at > scheme_at {
                // A bare domain's path ran over this scheme.
                continue;
            }
            at = self.url(scheme_at, rest_at, found);
        }
        self.bare(at, self.end, found);
    }

    /// The next `http://` or `https://` (or their `hxxp` disguise): where it begins and where the host does.
    fn next_scheme(&self, from: usize) -> Option<(usize, usize)> {
        let mut at = from;
        while let Some(found) = self.text[at..self.end].find("://") {
            let colon = at + found;
            let name = &self.text.as_bytes()[from..colon];
            let length = ["https", "http", "hxxps", "hxxp"].iter().find_map(|scheme| {
                let tail = name.len().checked_sub(scheme.len())?;
                name[tail..].eq_ignore_ascii_case(scheme.as_bytes()).then_some(scheme.len())
            });
            if let Some(length) = length {
                return Some((colon - length, colon + 3));
            }
            at = colon + 3;
        }
        None
    }

    /// Takes the URL at `start`, and says where to go on.
    fn url(&self, start: usize, rest_at: usize, found: &mut Vec<Candidate>) -> usize {
        let end = link_end(self.text, start, rest_at).min(self.end);
        let authority_length =
            self.text[rest_at..end].find(['/', '?', '#', '\\']).unwrap_or(end - rest_at);
        let authority = &self.text[rest_at..rest_at + authority_length];
        let host_at = rest_at + authority.rfind('@').map_or(0, |at| at + 1);
        let host = &self.text[host_at..rest_at + authority_length];
        let host_end = host_at + host.find(':').unwrap_or(host.len());
        if host_end > host_at {
            let secure = self.text.as_bytes()[rest_at - 4].eq_ignore_ascii_case(&b's');
            let scheme = if secure { "https" } else { "http" };
            found.push(Candidate {
                span: start..end,
                host: host_at..host_end,
                address: format!("{scheme}://{}", &self.text[rest_at..end]),
                spelled_out: self.text.as_bytes()[start + 1].eq_ignore_ascii_case(&b'x'),
            });
        }
        end
    }

    /// Takes the bare domains that begin between `from` and `to`, and says where to go on: `to`, or beyond it where a
    /// domain's path goes further.
    fn bare(&self, from: usize, to: usize, found: &mut Vec<Candidate>) -> usize {
        if self.text.as_bytes()[from..to]
            .get(..7)
            .is_some_and(|head| head.eq_ignore_ascii_case(b"mailto:"))
        {
            return to;
        }
        let mut at = from;
        while at < to {
            let rest = &self.text[at..to];
            let Some(token_at) = rest.find(is_token).map(|offset| at + offset) else { break };
            let rest = &self.text[token_at..to];
            let token_end = token_at + rest.find(|c| !is_token(c)).unwrap_or(rest.len());
            at = self.token(token_at, token_end, found);
        }
        at.max(to)
    }

    /// Takes the bare domains of one token, and says where to go on.
    fn token(&self, start: usize, end: usize, found: &mut Vec<Candidate>) -> usize {
        let token = &self.text[start..end];
        let before = &self.text[self.start..start];
        let after = &self.text[end..self.end];
        let is_part_of_other = token.contains(['@', '%'])
            || before.ends_with(['/', '\\', '#', '$', '~'])
            || before.ends_with("::")
            || after.starts_with('(')
            || after.starts_with("::");
        if is_part_of_other {
            return end;
        }
        for name in names(self.text, start..end) {
            if name.end == end && goes_on(after) {
                if is_domain(&self.text[name.clone()], after.starts_with('/')) {
                    let link_end = link_end(self.text, name.start, end).min(self.end);
                    self.push_bare(name.start..link_end, name, found);
                    return link_end;
                }
            } else if let Some(name) = without_next_sentence(self.text, name) {
                self.push_bare(name.clone(), name, found);
            }
        }
        end
    }

    fn push_bare(&self, span: Range<usize>, host: Range<usize>, found: &mut Vec<Candidate>) {
        let address = format!("https://{}", &self.text[span.clone()]);
        found.push(Candidate { span, host, address, spelled_out: false });
    }
}

/// Where a link that begins at `start` ends, its address going on at `from`: at a break, or at a closing bracket or
/// quote that it did not open, or before another link; without trailing punctuation.
pub(super) fn link_end(text: &str, start: usize, from: usize) -> usize {
    let quoted = text[..start].ends_with('\'');
    let mut open = [0_u32; 3];
    let mut end = text.len();
    for (offset, c) in text[from..].char_indices() {
        let stops = match c {
            '\'' => quoted,
            '\\' => true,
            ',' | ';' => text[from + offset + 1..].starts_with("http"),
            _ => is_break(c) || closes_unopened(c, &mut open),
        };
        if stops {
            end = from + offset;
            break;
        }
    }
    from + text[from..end].trim_end_matches(is_trailing).len()
}

/// Splits a token into what may be names: at `+`, at `..`, and where spaceless scripts touch Latin letters.
fn names(text: &str, token: Range<usize>) -> Vec<Range<usize>> {
    let mut names = Vec::new();
    let mut start = token.start;
    let mut previous = '.';
    for (offset, c) in text[token.clone()].char_indices() {
        let at = token.start + offset;
        let scripts_meet = (is_spaceless(previous) && c.is_ascii_alphanumeric())
            || (previous.is_ascii_alphanumeric() && is_spaceless(c));
        if c == '+' || (c == '.' && previous == '.') || scripts_meet {
            names.push(start..at);
            start = at;
        }
        previous = c;
    }
    names.push(start..token.end);
    names.into_iter().map(|name| trimmed(text, name)).filter(|name| !name.is_empty()).collect()
}

fn trimmed(text: &str, name: Range<usize>) -> Range<usize> {
    let is_edge = |c| "+.-_".contains(c);
    let end = name.start + text[name.clone()].trim_end_matches(is_edge).len();
    let start = end - text[name.start..end].trim_start_matches(is_edge).len();
    start..end
}

/// The domain in a name to which a missing space may have glued the next sentence: `example.com.Then`.
fn without_next_sentence(text: &str, mut name: Range<usize>) -> Option<Range<usize>> {
    loop {
        if is_domain(&text[name.clone()], false) {
            return Some(name);
        }
        let dot = text[name.clone()].rfind('.')?;
        let last = &text[name.start + dot + 1..name.end];
        if !last.starts_with(char::is_uppercase) {
            return None;
        }
        name.end = name.start + dot;
    }
}

/// Whether an address goes on after its host: with a port, a path, a query or a fragment.
pub(super) fn goes_on(after: &str) -> bool {
    let mut chars = after.chars();
    match chars.next() {
        Some('/' | '?' | '#') => true,
        Some(':') => chars.next().is_some_and(|c| c.is_ascii_digit()),
        _ => false,
    }
}

/// Whether a bare name is meant as a domain.
fn is_domain(name: &str, has_path: bool) -> bool {
    let mut labels = name.split('.');
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    if name.len() > 253 || !labels.clone().all(is_label) {
        return false;
    }
    let has_www = labels.next().is_some_and(|first| first.eq_ignore_ascii_case("www"));
    let Some(last) = labels.next_back() else { return false };
    if has_path || has_www {
        return has_public_suffix(name);
    }
    let all_capitals = !name.contains(char::is_lowercase);
    let capitalised = last.contains(char::is_uppercase) && !all_capitals;
    let file_like = FILE_LIKE.iter().any(|ending| last.eq_ignore_ascii_case(ending));
    !capitalised && !file_like && !PRODUCTS.contains(&name) && has_public_suffix(name)
}

/// Counts brackets, and says whether `c` closes one that was not opened.
fn closes_unopened(c: char, open: &mut [u32; 3]) -> bool {
    let (kind, opens) = match c {
        '(' => (0, true),
        ')' => (0, false),
        '[' => (1, true),
        ']' => (1, false),
        '{' => (2, true),
        '}' => (2, false),
        _ => return false,
    };
    if opens {
        open[kind] += 1;
        return false;
    }
    match open[kind].checked_sub(1) {
        Some(left) => open[kind] = left,
        None => return true,
    }
    false
}

/// Characters that end a sentence or an emphasis rather than a link.
fn is_trailing(c: char) -> bool {
    ".,;:!?'*_~([{".contains(c)
}
