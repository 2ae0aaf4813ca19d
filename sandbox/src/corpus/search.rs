//! Search over the posts: ranked by matching words, and always all of them.

use std::collections::BTreeSet;

use super::{Corpus, Post};

/// Results a page.
pub const SEARCH_PAGE_SIZE: usize = 10;

impl Corpus {
    /// The `page`th page (counted from 0) of all posts, those with more of the query's words first.
    /// The second value says whether there are more pages.
    #[must_use]
    pub fn search(&self, query: &str, page: usize) -> (Vec<&Post>, bool) {
        let wanted = words(query);
        let score = |has: &BTreeSet<String>| wanted.intersection(has).count();
        let mut ranked: Vec<(usize, &Post)> =
            self.words.iter().map(score).zip(self.posts()).collect();
        // Stable, so that equally good posts keep their fixed order from page to page.
        ranked.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        let from = page.saturating_mul(SEARCH_PAGE_SIZE);
        let results =
            ranked.iter().skip(from).take(SEARCH_PAGE_SIZE).map(|(_, post)| *post).collect();
        (results, from.saturating_add(SEARCH_PAGE_SIZE) < ranked.len())
    }
}

/// The words a post is found by: its caption's and its author's.
pub(super) fn words_of(post: &Post) -> BTreeSet<String> {
    words(&format!("{} {}", post.description, post.username))
}

/// Lower-case words of three characters or more.
fn words(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() >= 3)
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::CorpusSource;
    use super::*;

    #[test]
    fn the_pages_together_are_all_posts_once_and_the_last_page_says_so() {
        let corpus = Corpus::load(&CorpusSource::Fixture, 1, 45).unwrap();
        let pages: Vec<_> = (0..5).map(|page| corpus.search("lamps for the club", page)).collect();
        let more: Vec<_> = pages.iter().map(|(_, more)| *more).collect();
        let urls: BTreeSet<_> =
            pages.iter().flat_map(|(posts, _)| posts).map(|post| &post.url).collect();
        assert_eq!(more, [true, true, true, true, false]);
        assert_eq!(urls.len(), 45);
        assert!(corpus.search("lamps", 5).0.is_empty());
        assert!(corpus.search("lamps", usize::MAX).0.is_empty());
    }

    #[test]
    fn posts_that_have_the_words_come_first() {
        let corpus = Corpus::load(&CorpusSource::Fixture, 1, 60).unwrap();
        let (first, _) = corpus.search("Signal LAMPS", 0);
        assert!(first[0].description.contains("lamps"), "{}", first[0].description);
    }
}
