//! The posts and comments the stand-ins answer with: real text where the machine has some, our own where it has not.

mod compose;
mod files;
mod readme;
mod search;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::Duration;

pub use search::SEARCH_PAGE_SIZE;

/// How many posts a corpus holds unless told otherwise.
pub const DEFAULT_POSTS: usize = 400;
/// The most posts a corpus may be asked for (post ids leave room for this many).
pub const MAX_POSTS: usize = 10_000;
/// Comments a page, as the comments tool serves them.
pub const COMMENTS_PAGE_SIZE: usize = 20;

/// Where the text comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CorpusSource {
    /// The small corpus in `sandbox/corpus/`: the same everywhere, for tests.
    #[default]
    Fixture,
    /// The READMEs of the crates in the local cargo registry; the fixture when there are none.
    Machine,
    /// The `.md` and `.txt` files of a folder, at most three levels down.
    Dir(PathBuf),
}

/// Why no corpus could be made.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// The folder was named by the operator, so falling back in silence would mislead.
    #[error("no usable text in {}: it must be a folder with .md or .txt files", .dir.display())]
    NoText {
        /// The folder as given.
        dir: PathBuf,
    },
    /// The count of posts is outside its bounds.
    #[error("posts must be between 1 and {MAX_POSTS}, not {posts}")]
    Posts {
        /// The count as given.
        posts: usize,
    },
}

/// One comment under a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Digits, unique in the corpus.
    pub id: String,
    /// What was written.
    pub text: String,
    /// Who wrote it.
    pub username: String,
    /// How old it is when the sandbox starts.
    pub age: Duration,
    /// Likes it has.
    pub likes: u32,
}

/// One short-video post with its page and its comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Digits, unique in the corpus.
    pub id: String,
    /// The post's address, unique in the corpus.
    pub url: String,
    /// Who posted it.
    pub username: String,
    /// The caption under the video.
    pub description: String,
    /// How old it is when the sandbox starts, at most 30 days.
    pub age: Duration,
    /// Plays it has.
    pub plays: u32,
    /// Likes it has.
    pub likes: u32,
    /// Shares it has.
    pub shares: u32,
    /// Text that stands on the post's page beside the caption, 0 to 3 lines.
    pub page_lines: Vec<String>,
    /// 0 to 60 comments, oldest last.
    pub comments: Vec<Comment>,
}

/// A fixed set of posts; the same source, seed and count give the same corpus.
#[derive(Debug)]
pub struct Corpus {
    name: &'static str,
    posts: Vec<Post>,
    by_url: HashMap<String, usize>,
    /// The words each post is found by, in the order of `posts`.
    words: Vec<BTreeSet<String>>,
}

impl Corpus {
    /// Reads the source and composes `posts` posts from it.
    ///
    /// # Errors
    /// [`CorpusError::NoText`] for a named folder without text, [`CorpusError::Posts`] for a count out of bounds.
    /// A machine without READMEs is no error: the fixture stands in, and the log says so.
    pub fn load(source: &CorpusSource, seed: u64, posts: usize) -> Result<Self, CorpusError> {
        if !(1..=MAX_POSTS).contains(&posts) {
            return Err(CorpusError::Posts { posts });
        }
        let (name, lines) = match source {
            CorpusSource::Fixture => ("fixture", compose::Lines::fixture()),
            CorpusSource::Machine => match readme::lines_of(&files::registry_readmes(), seed) {
                Some(lines) => ("machine", lines),
                None => {
                    tracing::warn!("no crate READMEs on this machine, using the built-in corpus");
                    ("fixture", compose::Lines::fixture())
                }
            },
            CorpusSource::Dir(dir) => readme::lines_of(&files::texts_under(dir), seed)
                .map(|lines| ("dir", lines))
                .ok_or_else(|| CorpusError::NoText { dir: dir.clone() })?,
        };
        Ok(Self::new(name, compose::posts(&lines, seed, posts)))
    }

    fn new(name: &'static str, posts: Vec<Post>) -> Self {
        let by_url = posts.iter().enumerate().map(|(at, post)| (post.url.clone(), at)).collect();
        let words = posts.iter().map(search::words_of).collect();
        Self { name, posts, by_url, words }
    }

    /// `fixture`, `machine` or `dir`: where the text came from in the end.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// All posts, in their fixed order.
    #[must_use]
    pub fn posts(&self) -> &[Post] {
        &self.posts
    }

    /// The post at this address; a query string, a fragment or a trailing slash does not matter.
    #[must_use]
    pub fn post(&self, url: &str) -> Option<&Post> {
        let bare = url.split(['?', '#']).next().unwrap_or(url).trim().trim_end_matches('/');
        self.by_url.get(bare).and_then(|at| self.posts.get(*at))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::collections::HashSet;

    fn fixture(seed: u64) -> Corpus {
        Corpus::load(&CorpusSource::Fixture, seed, 60).unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_posts_and_another_seed_others() {
        assert_eq!(fixture(7).posts(), fixture(7).posts());
        assert_ne!(fixture(7).posts(), fixture(8).posts());
    }

    #[test]
    fn ids_and_urls_are_unique_and_ages_stay_within_thirty_days() {
        let corpus = Corpus::load(&CorpusSource::Fixture, 1, DEFAULT_POSTS).unwrap();
        let posts: HashSet<_> = corpus.posts().iter().map(|post| &post.id).collect();
        let comments: Vec<_> = corpus.posts().iter().flat_map(|post| &post.comments).collect();
        let comment_ids: HashSet<_> = comments.iter().map(|comment| &comment.id).collect();
        assert_eq!(posts.len(), DEFAULT_POSTS);
        assert_eq!(comment_ids.len(), comments.len());
        assert!(corpus.posts().iter().all(|post| post.age <= Duration::from_secs(30 * 24 * 3600)));
        assert!(corpus.posts().iter().all(|post| post.comments.len() <= 60));
        assert!(corpus.posts().iter().any(|post| post.comments.len() > COMMENTS_PAGE_SIZE));
    }

    #[test]
    fn every_awkward_spelling_occurs_whatever_the_seed() {
        for seed in 0..5 {
            let corpus = fixture(seed);
            let texts: HashSet<_> =
                corpus.posts().iter().flat_map(|post| &post.comments).map(|c| &c.text).collect();
            for line in compose::Lines::fixture().awkward {
                assert!(texts.contains(&line), "seed {seed} lost {line:?}");
            }
        }
    }

    #[test]
    fn a_post_is_found_by_its_url_with_or_without_a_query() {
        let corpus = fixture(1);
        let post = &corpus.posts()[3];
        assert_eq!(corpus.post(&post.url), Some(post));
        assert_eq!(corpus.post(&format!("{}/?is_from_webapp=1#c", post.url)), Some(post));
        assert_eq!(corpus.post("https://www.tiktok.com/@nobody/video/1"), None);
    }

    #[test]
    fn a_named_folder_without_text_is_an_error_that_names_it() {
        let error =
            Corpus::load(&CorpusSource::Dir("/nonexistent/texts".into()), 1, 10).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/texts"), "{error}");
        assert!(Corpus::load(&CorpusSource::Fixture, 1, 0).is_err());
    }

    #[test]
    fn a_folder_of_our_own_texts_makes_a_corpus() {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
        let corpus = Corpus::load(&CorpusSource::Dir(dir), 1, 20).unwrap();
        assert_eq!(corpus.name(), "dir");
        assert_eq!(corpus.posts().len(), 20);
    }
}
