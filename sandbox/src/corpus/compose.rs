//! Turns lines of text into posts with comments, by seed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::{Comment, Post};

/// Posts are spread over this long before the start.
const SPREAD: Duration = Duration::from_secs(30 * 24 * 3600);
/// The most comments a post has.
const MAX_COMMENTS: usize = 60;
/// Every so many comments an awkward spelling comes up, in turn, so that none is left to chance.
const AWKWARD_EVERY: usize = 8;
/// Post and comment ids have 19 digits, like the originals.
const ID_BASE: u64 = 7_300_000_000_000_000_000;

const FIRST: [&str; 16] = [
    "amber", "brisk", "calm", "daily", "early", "faint", "green", "honest", "idle", "jolly",
    "keen", "late", "mellow", "north", "quiet", "rural",
];
const SECOND: [&str; 16] = [
    "arch",
    "bell",
    "cabin",
    "derail",
    "engine",
    "frame",
    "gantry",
    "halt",
    "island",
    "junction",
    "lamp",
    "lever",
    "points",
    "relay",
    "semaphore",
    "token",
];

/// The text a corpus is made of.
#[derive(Debug)]
pub struct Lines {
    /// Lines with a link in them.
    pub linked: Vec<String>,
    /// Lines without.
    pub plain: Vec<String>,
    /// Our own lines with every spelling of a link that has ever been a problem.
    pub awkward: Vec<String>,
}

impl Lines {
    /// No text yet but the awkward spellings, which are in every corpus.
    pub fn empty() -> Self {
        Self {
            linked: Vec::new(),
            plain: Vec::new(),
            awkward: owned(include_str!("../../corpus/awkward.txt")),
        }
    }

    /// The committed corpus.
    pub fn fixture() -> Self {
        Self {
            linked: owned(include_str!("../../corpus/links.txt")),
            plain: owned(include_str!("../../corpus/plain.txt")),
            ..Self::empty()
        }
    }

    /// A line for a comment: more often with a link than without.
    fn any(&self, rng: &mut StdRng) -> String {
        let pool =
            if self.plain.is_empty() || rng.random_bool(0.55) { &self.linked } else { &self.plain };
        pool.choose(rng).cloned().unwrap_or_default()
    }

    fn linked(&self, rng: &mut StdRng) -> String {
        self.linked.choose(rng).cloned().unwrap_or_default()
    }
}

fn owned(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// `count` posts made of `lines`; everything about them follows from `seed`.
pub fn posts(lines: &Lines, seed: u64, count: usize) -> Vec<Post> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut awkward = lines.awkward.iter().cycle();
    let mut comments_made = 0;
    (0..count)
        .map(|at| {
            let mut post = post(lines, &mut rng, at);
            let comments = rng.random_range(0..=MAX_COMMENTS);
            for _ in 0..comments {
                comments_made += 1;
                let turn = if comments_made % AWKWARD_EVERY == 0 { awkward.next() } else { None };
                let text = turn.cloned().unwrap_or_else(|| lines.any(&mut rng));
                post.comments.push(comment(text, comments_made, post.age, &mut rng));
            }
            post.comments.sort_by_key(|comment| comment.age);
            post
        })
        .collect()
}

fn post(lines: &Lines, rng: &mut StdRng, at: usize) -> Post {
    let id = unique_id(rng, at);
    let username = username(rng);
    let plays = rng.random_range(100..2_000_000);
    let likes = rng.random_range(0..=plays / 4);
    let page_lines = rng.random_range(0..=3);
    Post {
        url: format!("https://www.tiktok.com/@{username}/video/{id}"),
        id,
        username,
        description: lines.linked(rng),
        age: Duration::from_secs(rng.random_range(0..SPREAD.as_secs())),
        plays,
        likes,
        shares: rng.random_range(0..=likes / 10),
        page_lines: (0..page_lines).map(|_| lines.linked(rng)).collect(),
        comments: Vec::new(),
    }
}

fn comment(text: String, number: usize, post_age: Duration, rng: &mut StdRng) -> Comment {
    Comment {
        id: unique_id(rng, number),
        text,
        username: username(rng),
        age: Duration::from_secs(rng.random_range(0..=post_age.as_secs())),
        likes: rng.random_range(0..500),
    }
}

/// Random digits followed by the number, which makes it unique: up to a million of a sort.
fn unique_id(rng: &mut StdRng, number: usize) -> String {
    let id = ID_BASE + rng.random_range(0..10_000_000_000_u64) * 1_000_000 + number as u64;
    id.to_string()
}

fn username(rng: &mut StdRng) -> String {
    let first = FIRST.choose(rng).copied().unwrap_or_default();
    let second = SECOND.choose(rng).copied().unwrap_or_default();
    format!("{first}.{second}{}", rng.random_range(1..1000))
}
