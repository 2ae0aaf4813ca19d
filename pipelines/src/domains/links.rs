//! Finds the links in a text that people wrote: posts, comments, descriptions.
//!
//! Found are http and https URLs, bare domains under a known public suffix (`example.com`, `example.com/path`), and
//! spelled-out ones (`example dot com`, `example[.]com`, `hxxps://example.com`). Not found, on purpose:
//!
//! - IP addresses and hosts without a public suffix (`localhost`): they have no registrable domain;
//! - e-mail addresses, `@handles`, paths of files, and URLs of other schemes;
//! - bare names that end like a file, see [`FILE_LIKE`]: `main.rs` is a file unless it has a scheme, `www.` or a path;
//! - bare names whose last label is capitalised (`the end.The next`) unless the whole name is in capitals, and names
//!   called like a function (`foo.app()`);
//! - links longer than [`MAX_URL_BYTES`].
//!
//! The time taken is linear in the text.

mod normalise;
mod scan;
mod spelled;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::ops::Range;

pub use scan::FILE_LIKE;

/// The most bytes of a text that are searched (1 MiB): a longer one is cut before the character that crosses it.
pub const MAX_TEXT_BYTES: usize = 1024 * 1024;
/// The most bytes of a link, as seen or normalised: a longer one is left out (it could not be indexed).
pub const MAX_URL_BYTES: usize = 2048;

/// A link in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundLink {
    /// The link as seen.
    pub raw_url: String,
    /// Its host as seen, in lower case; for a spelled-out one with its spelling (`example dot com`).
    pub raw_host: String,
    /// The link normalised: with a scheme (https if none was seen), the host in lower-case punycode; without user
    /// name, default port, fragment, tracking parameters and the path's trailing slash; redirectors such as
    /// `l.facebook.com/l.php?u=…` replaced by their target.
    pub final_url: String,
    /// The host of `final_url`.
    pub final_host: String,
    /// The public suffix and one label more, in punycode. A host that is itself a privately run suffix, such as
    /// `github.io`, stands for itself.
    pub registrable_domain: String,
    /// `registrable_domain` in Unicode, for display.
    pub domain_unicode: String,
    /// Whether the link was spelled so as not to look like one.
    pub spelled_out: bool,
    /// Where `raw_url` begins in the text, in bytes.
    pub start: usize,
}

/// A stretch of text that may be a link.
struct Candidate {
    /// The link as seen.
    span: Range<usize>,
    /// Its host as seen.
    host: Range<usize>,
    /// What to parse, with a scheme.
    address: String,
    spelled_out: bool,
}

/// Finds the links in `text`, in their order. A link seen twice in the same spelling is returned once.
pub fn find_links(text: &str) -> Vec<FoundLink> {
    let text = &text[..text.floor_char_boundary(MAX_TEXT_BYTES)];
    let spelled = spelled::candidates(text);
    let mut candidates = Vec::new();
    let mut from = 0;
    for found in spelled {
        scan::candidates(text, from..found.span.start, &mut candidates);
        from = found.span.end;
        candidates.push(found);
    }
    scan::candidates(text, from..text.len(), &mut candidates);

    let mut seen = HashSet::new();
    candidates
        .into_iter()
        .filter(|candidate| seen.insert(&text[candidate.span.clone()]))
        .filter_map(|candidate| to_link(text, &candidate))
        .collect()
}

fn to_link(text: &str, candidate: &Candidate) -> Option<FoundLink> {
    if candidate.span.len() > MAX_URL_BYTES {
        return None;
    }
    let address = normalise::normalise(&candidate.address)?;
    Some(FoundLink {
        raw_url: text[candidate.span.clone()].to_owned(),
        raw_host: text[candidate.host.clone()].to_lowercase(),
        final_url: address.url,
        final_host: address.host,
        domain_unicode: idna::domain_to_unicode(&address.registrable_domain).0,
        registrable_domain: address.registrable_domain,
        spelled_out: candidate.spelled_out,
        start: candidate.span.start,
    })
}
