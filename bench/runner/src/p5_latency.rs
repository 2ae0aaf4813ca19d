//! P5: from before the enqueue to the start of the job, on a queue that is idle otherwise.
//!
//! A peer's enqueue and handler share a process and its monotonic clock; ours are two processes, and what is read is the end of the
//! run as recorded. Both differences are to our disadvantage.

use anyhow::Result;

use crate::contender::Product;
use crate::options::Options;
use crate::peers;
use crate::report::{Metric, Row};
use crate::server::Server;
use crate::stats::{largest, percentile};

/// Samples of one round; 1,000 over five.
const SAMPLES: u64 = 200;
/// One every so often: longer than any peer takes, so that the queue is idle.
const EVERY_MS: u64 = 20;
/// No sample of ours may lie above this.
const MOST_MS: f64 = 100.0;

/// Measures the row.
pub async fn measure(server: &Server, options: &Options) -> Result<Row> {
    let mut products = vec![
        peers::ours(options),
        peers::graphile_worker(),
        peers::graphile_worker_rs(options),
        peers::pg_boss(),
        peers::river(options),
        peers::apalis(options),
        peers::awa(options),
    ];
    let mut samples: Vec<Vec<f64>> = vec![Vec::new(); products.len()];
    for product in &mut products {
        product.prepare(server).await?;
    }
    for round in 1..=options.rounds() {
        eprintln!("latency, round {round} of {}", options.rounds());
        for (product, samples) in products.iter().zip(&mut samples) {
            match one_round(server, options, product).await {
                Ok(more) => samples.extend(more),
                Err(error) => eprintln!("  {:<36} failed: {error:#}", product.name),
            }
        }
    }
    let figures: Vec<(&str, f64, f64, f64)> = products
        .iter()
        .zip(&samples)
        .map(|(product, of)| (product.name, percentile(of, 0.5), percentile(of, 0.99), largest(of)))
        .collect();
    for (name, p50, p99, most) in &figures {
        println!("  {name:<24} p50 {p50:6.1} ms   p99 {p99:6.1} ms   most {most:6.1} ms");
    }
    Ok(row(&figures, samples[0].len()))
}

async fn one_round(server: &Server, options: &Options, product: &Product) -> Result<Vec<f64>> {
    if let Some(missing) = &product.missing {
        anyhow::bail!("{missing}");
    }
    let database = product.database(server, "latency").await?;
    let samples =
        product.latencies(&database, if options.quick { 20 } else { SAMPLES }, EVERY_MS).await;
    server.drop(database).await?;
    samples
}

fn row(figures: &[(&str, f64, f64, f64)], samples: usize) -> Row {
    let (_, p50, p99, most) = figures[0];
    let best = |of: fn(&(&str, f64, f64, f64)) -> f64| {
        let measured = figures[1..].iter().filter(|figure| of(figure).is_finite());
        measured.min_by(|a, b| of(a).total_cmp(&of(b)))
    };
    let (by_p50, by_p99) = (best(|f| f.1), best(|f| f.2));
    let against = match (by_p50, by_p99) {
        (Some(a), Some(b)) => format!("p50 {} {:.1} ms, p99 {} {:.1} ms", a.0, a.1, b.0, b.2),
        _ => "–".to_owned(),
    };
    let ratio = |ours: f64, theirs: Option<f64>| ours / theirs.unwrap_or(f64::NAN);
    Row {
        id: "P5",
        what: format!("enqueue → start, idle, {samples} samples"),
        ours: format!("{p50:.1} / {p99:.1} ms, most {most:.1} ms"),
        against,
        metrics: vec![
            Metric::lower("latency_p50_ratio", ratio(p50, by_p50.map(|f| f.1)), 1.0, 0.5, "×"),
            Metric::lower("latency_p99_ratio", ratio(p99, by_p99.map(|f| f.2)), 1.0, 0.5, "×"),
            Metric::lower("latency_max_ms", most, MOST_MS, MOST_MS, "ms"),
        ],
    }
}
