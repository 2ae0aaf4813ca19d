//! Requests that nobody means: valid ones of every route, page and server function, mutated. None is
//! answered with 5xx, none panics, and memory does not grow with them.
//!
//! 10,000 by default; `SIGNALBOX_MUTATIONS=100000` for all of them. The seed is fixed, so that what was
//! found can be found again.

mod mutation;
mod sample;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use futures::StreamExt as _;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use signalbox_server::{AppParts, app};
use tower::ServiceExt as _;

use self::mutation::{Dice, mutate};
use self::sample::{Route, plain};
use crate::support::{ADMIN, Console, PASSWORD};

const DEFAULT: usize = 10_000;
const SEED: u64 = 20_261_129;
/// Requests under way at once.
const AT_ONCE: usize = 6;
/// The session is looked at after so many.
const ROUND: usize = 500;
/// The test's memory, which holds the console, the page renderer and the hashing of passwords (19 MiB each).
const RESIDENT_BYTES_BOUND: u64 = 1024 * 1024 * 1024;
/// By then the allocator has what it keeps.
const WARM: usize = 20_000;
/// What comes later may add so much.
const GROWTH_BYTES_BOUND: u64 = 64 * 1024 * 1024;
/// The largest answer: a page.
const ANSWER_BYTES_BOUND: usize = 8 * 1024 * 1024;

struct Fuzz {
    app: Router,
    routes: Vec<Route>,
    /// Fields that server functions have asked for.
    learned: BTreeMap<String, BTreeSet<String>>,
    cookie: String,
}

/// What became of a request.
struct Answered {
    path: String,
    sent: String,
    status: StatusCode,
    body: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mutated_request_is_answered_with_5xx_and_memory_is_bounded() {
    let count = std::env::var("SIGNALBOX_MUTATIONS").ok().and_then(|n| n.parse().ok());
    let count: usize = count.unwrap_or(DEFAULT);
    let console = Console::start().await;
    let mut fuzz = Fuzz::new(&console).await;
    let mut dice = Dice(SEED);
    let mut failures: BTreeMap<String, String> = BTreeMap::new();
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    let (mut sent, mut warm) = (0, None);
    while sent < count {
        let requests: Vec<_> =
            (0..ROUND.min(count - sent)).map(|_| fuzz.request(&mut dice)).collect();
        sent += requests.len();
        let app = &fuzz.app;
        let answers: Vec<Answered> = futures::stream::iter(requests)
            .map(|(path, request)| send(app, path, request))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for answer in answers {
            *statuses.entry(answer.status.as_u16()).or_default() += 1;
            fuzz.learn(&answer);
            if answer.status.is_server_error() {
                let kind = format!("{} {}", answer.status.as_u16(), answer.path);
                failures.entry(kind).or_insert(format!("{}\n    {}", answer.sent, answer.body));
            }
        }
        fuzz.is_still_signed_in().await;
        if sent % (count / 10) < ROUND {
            say(&format!("after {sent}: {} MiB", resident_bytes() / 1024 / 1024));
        }
        if warm.is_none() && sent >= WARM.min(count) {
            warm = Some(resident_bytes());
        }
    }
    let grown = resident_bytes().saturating_sub(warm.unwrap_or_default());
    say(&format!("{sent} requests: {statuses:?}; memory grew by {} KiB", grown / 1024));
    let report: Vec<_> = failures.iter().map(|(kind, how)| format!("{kind}\n    {how}")).collect();
    assert!(failures.is_empty(), "{} kinds of 5xx:\n{}", failures.len(), report.join("\n"));
    assert!(
        statuses.get(&200).copied().unwrap_or(0) > sent / 50,
        "hardly any got through: {statuses:?}"
    );
    assert!(resident_bytes() < RESIDENT_BYTES_BOUND, "{} bytes", resident_bytes());
    assert!(grown < GROWTH_BYTES_BOUND, "memory grew by {grown} bytes");
}

impl Fuzz {
    async fn new(console: &Console) -> Fuzz {
        let app = app(AppParts::new(console.system.clone(), console.registry.clone()));
        let document = plain("get", "/api/docs/openapi.json", None);
        let document: Value =
            serde_json::from_str(&send(&app, String::new(), document).await.body).unwrap();
        let routes = sample::routes(&document);
        let signs_in = serde_json::json!({ "email": ADMIN, "password": PASSWORD });
        let answer =
            app.clone().oneshot(plain("post", "/api/auth/login", Some(signs_in))).await.unwrap();
        let cookies = answer.headers().get_all("set-cookie").iter();
        let cookies = cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
        let cookie = cookies.collect::<Vec<_>>().join("; ");
        Fuzz { app, routes, learned: BTreeMap::new(), cookie }
    }

    /// The next request, and its route's path.
    fn request(&self, dice: &mut Dice) -> (String, Request<Body>) {
        let route = dice.one_of(&self.routes);
        let learned = self.learned.get(&route.path);
        let fields: Vec<_> = learned.into_iter().flatten().map(String::as_str).collect();
        let mut sample = route.sample(dice, &fields);
        // Who signs out has no session to go on with.
        if !route.path.ends_with("/logout") && !route.path.ends_with("/sign_out") {
            sample.headers.push(("cookie".to_owned(), self.cookie.clone().into_bytes()));
        }
        for _ in 0..dice.below(4) {
            mutate(&mut sample, dice);
        }
        (route.path.clone(), sample.into_request())
    }

    /// Server functions say which field they miss: so the next request has it.
    fn learn(&mut self, answer: &Answered) {
        if let Some(field) =
            answer.body.split("missing field `").nth(1).and_then(|rest| rest.split('`').next())
            && answer.path.starts_with("/api/fn/")
        {
            self.learned.entry(answer.path.clone()).or_default().insert(field.to_owned());
        }
    }

    async fn is_still_signed_in(&self) {
        let mut request = plain("get", "/api/auth/me", None);
        request.headers_mut().insert("cookie", self.cookie.parse().unwrap());
        let answer = send(&self.app, String::new(), request).await;
        assert_eq!(answer.status, 200, "the session is lost: {}", answer.body);
    }
}

async fn send(app: &Router, path: String, request: Request<Body>) -> Answered {
    let sent = format!("{} {} {:?}", request.method(), request.uri(), request.headers());
    let sent = sent.chars().take(600).collect();
    let answering = async {
        let response = app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let headers = response.headers();
        let streams =
            headers.get("content-type").is_some_and(|v| v.as_bytes() == b"text/event-stream");
        let body = if streams {
            Vec::new()
        } else {
            let limited = http_body_util::Limited::new(response.into_body(), ANSWER_BYTES_BOUND);
            limited.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default()
        };
        (status, body)
    };
    let (status, body) =
        tokio::time::timeout(Duration::from_secs(60), answering).await.expect(&path);
    let shown = if path.is_empty() { usize::MAX } else { 600 };
    let body = String::from_utf8_lossy(&body).chars().take(shown).collect();
    Answered { path, sent, status, body }
}

fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}
