//! What can be wrong with a request.

use super::sample::Sample;

/// Random numbers from a seed (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    /// One of several.
    pub fn one_of<'a, T>(&mut self, several: &'a [T]) -> &'a T {
        &several[self.below(several.len())]
    }
}

const METHODS: [&str; 9] =
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW"];

/// Percent-encoded, as they stand in a path or a query.
const NASTY: [&str; 24] = [
    "%00",
    "a%00b",
    "%FF%FE",
    "%C3%28",
    "%zz",
    "%",
    "-1",
    "0",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1e999",
    "NaN",
    "%27%3B%20DROP%20TABLE%20users%3B--",
    "..%2F..%2Fetc%2Fpasswd",
    "%25%5F%5C",
    "%F0%9F%92%A5",
    "%E2%80%AE",
    "%0D%0ASet-Cookie%3A%20a%3Db",
    "%3Cscript%3E",
    "99999999-12-31T00%3A00%3A00Z",
    "-262144-01-01T00%3A00%3A00Z",
    "%5B%5D",
    "+",
];

/// As they stand in JSON.
const NASTY_JSON: [&str; 26] = [
    "null",
    "true",
    "0",
    "-1",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "1e308",
    "1e999",
    "-0.0",
    "0.1",
    "\"\"",
    "\"\\u0000\"",
    "\"a\\u0000b\"",
    "\"\\ud800\"",
    "\"\\uffff\u{1f4a5}\"",
    "[]",
    "{}",
    "[null]",
    "{\"\":1}",
    "[[[[[[[[]]]]]]]]",
    "\"99999-12-31T23:59:59Z\"",
    "\"+262142-12-31T23:59:59Z\"",
    "\"2026-02-30T00:00:00Z\"",
    "\"' OR 1=1 --\"",
    "{\"$ref\":\"#\"}",
];

const MEDIA_TYPES: [&str; 9] = [
    "",
    "text/plain",
    "application/json; charset=utf-16",
    "application/problem+json",
    "multipart/form-data",
    "application/x-www-form-urlencoded",
    "application/octet-stream",
    "application/x-ndjson",
    "APPLICATION/JSON",
];

const HEADERS: [(&str, &[u8]); 16] = [
    ("accept", b"text/html"),
    ("accept", b"*/*;q=x"),
    ("accept-encoding", b"br, gzip, zstd;q=0"),
    ("origin", b"null"),
    ("origin", b"http://evil.example"),
    ("sec-fetch-site", b"same-origin"),
    ("x-request-id", b"<script>alert(1)</script>"),
    ("x-request-id", b"\xff\xfe"),
    ("x-forwarded-for", b"127.0.0.1, ::1, ]["),
    ("cookie", b"signalbox_session=AAAAAAAAAAAAAAAAAAAAAA"),
    ("cookie", b"signalbox_session=%00%FF; theme=\"; zone=\xff"),
    ("content-length", b"99999999999999999999"),
    ("expect", b"100-continue"),
    ("range", b"bytes=0-0,5-1"),
    ("referer", b"http://[::1/admin?x=%"),
    ("if-modified-since", b"yesterday"),
];

/// Breaks one thing of `sample`.
pub fn mutate(sample: &mut Sample, dice: &mut Dice) {
    match dice.below(16) {
        0 => sample.method = (*dice.one_of(&METHODS)).to_owned(),
        1 | 2 => path(sample, dice),
        3..=5 => query(sample, dice),
        6 => media_type(sample, dice),
        7 => {
            let (name, value) = dice.one_of(&HEADERS);
            sample.headers.push(((*name).to_owned(), value.to_vec()));
        }
        8 => sample.headers.retain(|(name, _)| name != "cookie"),
        _ => body(sample, dice),
    }
}

fn path(sample: &mut Sample, dice: &mut Dice) {
    let nasty = *dice.one_of(&NASTY);
    let mut parts: Vec<_> = sample.path.split('/').map(str::to_owned).collect();
    let at = 1 + dice.below(parts.len().max(2) - 1);
    match dice.below(6) {
        0 => parts.push(nasty.to_owned()),
        1 => parts.insert(at.min(parts.len()), String::new()),
        2 => {
            let at = at.min(parts.len() - 1);
            parts[at] = "x".repeat(4000);
        }
        3 => drop(parts.pop()),
        // The last part, which mostly is a parameter.
        _ => *parts.last_mut().unwrap() = nasty.to_owned(),
    }
    sample.path = parts.join("/");
    if !sample.path.starts_with('/') {
        sample.path.insert(0, '/');
    }
}

fn query(sample: &mut Sample, dice: &mut Dice) {
    let nasty = *dice.one_of(&NASTY);
    let mut pairs: Vec<_> = sample.query.split('&').map(str::to_owned).collect();
    let at = dice.below(pairs.len());
    let name = pairs[at].split('=').next().unwrap_or_default().to_owned();
    match dice.below(6) {
        0 => pairs.push(format!("unknown={nasty}")),
        1 => pairs.push(pairs[at].clone()),
        2 => pairs.push(format!("{nasty}={nasty}")),
        3 => pairs[at] = format!("{name}={}", "9".repeat(3000)),
        4 => pairs[at] = format!("{name}[a][b][c]={nasty}"),
        _ => pairs[at] = format!("{name}={nasty}"),
    }
    sample.query = pairs.join("&");
}

fn media_type(sample: &mut Sample, dice: &mut Dice) {
    sample.headers.retain(|(name, _)| name != "content-type");
    let media_type = dice.one_of(&MEDIA_TYPES).as_bytes().to_vec();
    sample.headers.push(("content-type".to_owned(), media_type));
}

fn body(sample: &mut Sample, dice: &mut Dice) {
    let body = &mut sample.body;
    match dice.below(10) {
        0 => body.truncate(dice.below(body.len() + 1)),
        1 => {
            for _ in 0..=dice.below(4) {
                let at = dice.below(body.len() + 1);
                body.insert(at, u8::try_from(dice.below(256)).unwrap());
            }
        }
        2 => *body = [b"{\"a\":".repeat(5000), b"}".repeat(dice.below(5000))].concat(),
        3 => *body = b"[".repeat(100_000),
        4 => {
            let copy = body.clone();
            body.extend(copy);
        }
        5 if dice.below(20) == 0 => body.resize(1024 * 1024 + 1 + dice.below(1000), b' '),
        _ if body.starts_with(b"{") => json_field(body, dice),
        _ => form_field(body, dice),
    }
}

/// Puts something else in the place of a field's value.
fn json_field(body: &mut Vec<u8>, dice: &mut Dice) {
    let nasty = *dice.one_of(&NASTY_JSON);
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_slice(body) else { return };
    let names: Vec<_> = fields.keys().cloned().collect();
    let changed = match names.len() {
        0 => "unknown".to_owned(),
        n => names[dice.below(n)].clone(),
    };
    let mut pairs: Vec<_> = fields
        .iter()
        .filter(|(name, _)| **name != changed)
        .map(|(name, value)| format!("{}:{value}", serde_json::json!(name)))
        .collect();
    pairs.push(format!("{}:{nasty}", serde_json::json!(changed)));
    *body = format!("{{{}}}", pairs.join(",")).into_bytes();
}

fn form_field(body: &mut Vec<u8>, dice: &mut Dice) {
    let nasty = *dice.one_of(&NASTY);
    let text = String::from_utf8_lossy(body).into_owned();
    let mut pairs: Vec<_> = text.split('&').map(str::to_owned).collect();
    let at = dice.below(pairs.len());
    let name = pairs[at].split('=').next().unwrap_or_default().to_owned();
    pairs[at] = format!("{name}={nasty}");
    *body = pairs.join("&").into_bytes();
}
