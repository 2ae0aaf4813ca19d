//! P9: lists and counts over HTTP, with ten million finished jobs against ten thousand.

use anyhow::{Result, bail};

use crate::contender::Program;
use crate::options::Options;
use crate::ours::Web;
use crate::report::{Metric, Row};
use crate::server::Server;
use crate::stats::{median, percentile};
use crate::{history, peers};

/// The lists of a person at work: the newest, those of a state, of a kind, and a page far back.
const LISTS: [(&str, &str); 4] = [
    ("newest", "/api/jobs?limit=50"),
    ("completed", "/api/jobs?state=completed&limit=50"),
    ("of a kind", "/api/jobs?kind=system.noop&limit=50"),
    ("far back", "/api/jobs?limit=50&cursor=5000"),
];
/// What counts jobs by queue and state.
const COUNTS: &str = "/api/admin/jobs";
/// Requests of one round.
const REQUESTS: u32 = 20;

/// Measures the row.
pub async fn measure(server: &Server, options: &Options) -> Result<Row> {
    let mut product = peers::ours(options);
    product.prepare(server).await?;
    let Program::Ours(ours) = &product.program else { bail!("not ours") };
    let (few, many) = (10_000, options.size(10_000_000));
    let small = product.database(server, "small").await?;
    let large = product.database(server, "large").await?;
    history::add(&small, few).await?;
    eprintln!("adding {many} finished jobs");
    history::add(&large, many).await?;
    large.execute("CHECKPOINT").await?;
    let webs = [ours.start_web(&small).await?, ours.start_web(&large).await?];
    let mut lists: Vec<[Vec<f64>; 2]> = vec![Default::default(); LISTS.len()];
    let mut counts = Vec::new();
    for round in 0..=options.rounds() {
        for ((_, path), samples) in LISTS.iter().zip(&mut lists) {
            for (web, samples) in webs.iter().zip(samples) {
                keep(samples, web.time(path, REQUESTS).await?, round);
            }
        }
        keep(&mut counts, webs[1].time(COUNTS, REQUESTS).await?, round);
    }
    for Web { process, .. } in webs {
        process.kill().await?;
    }
    for database in [small, large] {
        server.drop(database).await?;
    }
    Ok(row(&lists, &counts, few, many))
}

/// The first round fills the caches and is thrown away.
fn keep(samples: &mut Vec<f64>, more: Vec<f64>, round: u32) {
    if round > 0 {
        samples.extend(more);
    }
}

fn row(lists: &[[Vec<f64>; 2]], counts: &[f64], few: u64, many: u64) -> Row {
    let mut worst = ("–", f64::NAN, f64::NAN);
    for ((name, _), [small, large]) in LISTS.iter().zip(lists) {
        let (small, large) = (median(small), median(large));
        println!("  list, {name:<12} {large:6.1} ms at {many}, {small:6.1} ms at {few}");
        if worst.1.is_nan() || large / small > worst.1 / worst.2 {
            worst = (name, large, small);
        }
    }
    println!(
        "  counts             {:6.1} ms, p99 {:.1} ms",
        median(counts),
        percentile(counts, 0.99)
    );
    let (name, large, small) = worst;
    Row {
        id: "P9",
        what: format!("lists and counts over HTTP, {many} finished jobs"),
        ours: format!("worst list ({name}) {large:.1} ms, counts {:.1} ms", median(counts)),
        against: format!("the same at {few} {small:.1} ms"),
        metrics: vec![
            Metric::lower("page_ratio", large / small, 2.0, 1.2, "×"),
            Metric::lower("counts_ms", median(counts), 30.0, 15.0, "ms"),
        ],
    }
}
