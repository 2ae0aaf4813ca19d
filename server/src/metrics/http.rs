//! How this process's requests went, by route.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::text::{Kind, Text};

/// Upper bounds of the histogram, in seconds; a last bucket without bound follows. 2 s is what an
/// alert looks at (AV-5).
const BUCKETS_S: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0];

/// Method and route. A route is a pattern of the route table: there are as many as it has, whatever
/// is asked for.
type Route = (&'static str, String);

/// How requests went.
#[derive(Debug, Default)]
pub struct HttpMetrics(Mutex<BTreeMap<Route, Requests>>);

#[derive(Debug, Clone, Default)]
struct Requests {
    by_status: BTreeMap<u16, u64>,
    by_duration: [u64; BUCKETS_S.len() + 1],
    sum_s: f64,
}

impl HttpMetrics {
    /// Counts a request.
    pub fn count(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let took_s = took.as_secs_f64();
        let bucket = BUCKETS_S.iter().position(|bound| took_s <= *bound);
        let mut routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = routes.entry((method, route.to_owned())).or_default();
        *requests.by_status.entry(status).or_default() += 1;
        requests.by_duration[bucket.unwrap_or(BUCKETS_S.len())] += 1;
        requests.sum_s += took_s;
    }

    /// Writes them.
    pub fn write(&self, text: &mut Text) {
        let routes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let help = "Requests that were answered, by route pattern.";
        let mut family = text.family("http_requests_total", Kind::Counter, help);
        for ((method, route), requests) in &routes {
            for (status, count) in &requests.by_status {
                let status = status.to_string();
                let labels = [("method", *method), ("route", route), ("status", &status)];
                family.figure(&labels, *count as f64);
            }
        }
        let help = "Time until the head of the answer.";
        let mut family = text.family("http_request_duration_seconds", Kind::Histogram, help);
        for ((method, route), requests) in &routes {
            let labels = [("method", *method), ("route", route.as_str())];
            let mut below = 0;
            for (n, count) in requests.by_duration.iter().enumerate() {
                below += count;
                let bound = BUCKETS_S.get(n).map_or("+Inf".to_owned(), f64::to_string);
                family.part("_bucket", &[labels[0], labels[1], ("le", &bound)], below as f64);
            }
            family.part("_sum", &labels, requests.sum_s);
            family.part("_count", &labels, below as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn av_4_a_histogram_counts_up_to_all() {
        let metrics = HttpMetrics::default();
        for ms in [3, 30, 30_000] {
            metrics.count("GET", "/api/jobs", 200, Duration::from_millis(ms));
        }
        let mut text = Text::default();
        metrics.write(&mut text);
        let text = text.into_string();
        let has = |line: &str| assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        has(r#"http_requests_total{method="GET",route="/api/jobs",status="200"} 3"#);
        let bucket = |bound: &str, n: u8| {
            let labels = format!(r#"{{method="GET",route="/api/jobs",le="{bound}"}}"#);
            has(&format!("http_request_duration_seconds_bucket{labels} {n}"));
        };
        bucket("0.005", 1);
        bucket("0.05", 2);
        bucket("10", 2);
        bucket("+Inf", 3);
        has(r#"http_request_duration_seconds_count{method="GET",route="/api/jobs"} 3"#);
    }
}
