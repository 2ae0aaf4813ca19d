//! Cuts Markdown into the short lines that posts and comments are made of.

use std::path::PathBuf;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::compose::Lines;
use super::files;

/// At most this many files are read.
const MAX_FILES: usize = 300;
/// At most this many lines of each sort are kept.
const MAX_LINES: usize = 6_000;
/// Of each file so many reference definitions: some READMEs have hundreds.
const MAX_REFERENCES: usize = 5;
/// Shorter pieces say nothing.
const MIN_CHARS: usize = 16;
/// A caption's or comment's length; longer paragraphs are cut between words.
const MAX_CHARS: usize = 280;

/// The lines of up to [`MAX_FILES`] files drawn by `seed`; `None` when they hold no line with a link.
pub fn lines_of(paths: &[PathBuf], seed: u64) -> Option<Lines> {
    let mut paths = paths.to_vec();
    paths.shuffle(&mut StdRng::seed_from_u64(seed));
    paths.truncate(MAX_FILES);
    let mut lines = Lines::empty();
    for path in &paths {
        for piece in pieces(&files::read_start(path)) {
            let pool = if has_link(&piece) { &mut lines.linked } else { &mut lines.plain };
            if pool.len() < MAX_LINES {
                pool.push(piece);
            }
        }
    }
    (!lines.linked.is_empty()).then_some(lines)
}

fn has_link(text: &str) -> bool {
    text.contains("://") || text.contains("www.")
}

/// The readable pieces of a Markdown text: no code blocks, headings, tables, badges or raw HTML.
/// Reference definitions (`[name]: https://…`) become lines of their own, so their links are not lost.
fn pieces(markdown: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut paragraph = String::new();
    let mut in_code = false;
    let mut references = 0;
    for line in markdown.lines() {
        let text = line.trim();
        if text.starts_with("```") || text.starts_with("~~~") {
            in_code = !in_code;
            flush(&mut paragraph, &mut pieces);
        } else if in_code {
            continue;
        } else if let Some((name, target)) = reference(text) {
            flush(&mut paragraph, &mut pieces);
            if references < MAX_REFERENCES && !is_badge(target) {
                references += 1;
                pieces.push(format!("{name}: {target}"));
            }
        } else if text.is_empty() || is_markup(text) || line.starts_with("    ") {
            flush(&mut paragraph, &mut pieces);
        } else {
            let text = text.trim_start_matches("> ");
            let item = text.strip_prefix("- ").or_else(|| text.strip_prefix("* "));
            if item.is_some() {
                flush(&mut paragraph, &mut pieces);
            }
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(item.unwrap_or(text));
        }
    }
    flush(&mut paragraph, &mut pieces);
    pieces
}

fn is_markup(text: &str) -> bool {
    // `<https://…>` is text with a link, `<p align=…>` is not.
    let html = text.starts_with('<') && !text.starts_with("<http");
    html || ["#", "|", "![", "[![", "---", "===", "***"].iter().any(|mark| text.starts_with(mark))
}

/// The name and the address of a reference definition.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (name, target) = text.strip_prefix('[')?.split_once("]:")?;
    Some((name, target.trim())).filter(|(_, target)| target.starts_with("http"))
}

/// An image's address, which nobody would share.
fn is_badge(target: &str) -> bool {
    target.contains("shields.io") || target.contains(".svg")
}

/// Ends a paragraph: cuts it between words into pieces of at most [`MAX_CHARS`], except that a word is never cut.
fn flush(paragraph: &mut String, pieces: &mut Vec<String>) {
    let mut piece = String::new();
    for word in paragraph.split_whitespace() {
        if !piece.is_empty() && piece.chars().count() + 1 + word.chars().count() > MAX_CHARS {
            keep(std::mem::take(&mut piece), pieces);
        }
        if !piece.is_empty() {
            piece.push(' ');
        }
        piece.push_str(word);
    }
    keep(piece, pieces);
    paragraph.clear();
}

fn keep(piece: String, pieces: &mut Vec<String>) {
    if piece.chars().count() >= MIN_CHARS {
        pieces.push(piece);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn prose_and_references_are_kept_and_markup_is_left_out() {
        let text = "# Title\n\n[![badge](https://img.example.com)](https://ci.example.com)\n\nA library\nfor levers, see https://a.example.com.\n\n\
                    ```rust\nlet url = \"https://code.example.com\";\n```\n- first item of the list\n- second item of the list\n\n\
                    [docs]: https://docs.example.org/x\n[1]: https://img.shields.io/crates/v/x\n| a | https://table.example.com |\n<p align=\"center\">https://html.example.com</p>\n";
        assert_eq!(
            pieces(text),
            [
                "A library for levers, see https://a.example.com.",
                "first item of the list",
                "second item of the list",
                "docs: https://docs.example.org/x",
            ]
        );
    }

    #[test]
    fn a_long_paragraph_is_cut_between_words_and_never_inside_a_link() {
        let link = format!("https://long.example.com/{}", "x".repeat(400));
        let text = format!("{} {link} {}", "word ".repeat(80).trim(), "tail ".repeat(10).trim());
        let pieces = pieces(&text);
        assert!(pieces.contains(&link));
        assert!(pieces.iter().all(|piece| piece.chars().count() <= MAX_CHARS || *piece == link));
    }
}
