//! P5: from before the enqueue to the start of the job, on a queue that is idle otherwise.
//!
//! A peer's enqueue and handler share a process and its monotonic clock; ours are two processes, and what is read is the end of the
//! run as recorded. Both differences are to our disadvantage.
//!
//! Everybody waits for the disk at least twice. What it does on its own is printed beside: one-row commits in the same rhythm.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::contender::Product;
use crate::options::Options;
use crate::peers;
use crate::report::{Metric, Row};
use crate::server::{Database, Server};
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
    // All databases are made before and dropped after, so that nobody pays for files that come and go.
    let mut databases = Vec::new();
    for product in &mut products {
        product.prepare(server).await?;
        databases.push(product.database(server, "latency").await?);
    }
    let mut commits = Vec::new();
    for round in 1..=options.rounds() {
        eprintln!("latency, round {round} of {}", options.rounds());
        for ((product, database), samples) in products.iter().zip(&databases).zip(&mut samples) {
            match one_round(options, product, database).await {
                Ok(more) => samples.extend(more),
                Err(error) => eprintln!("  {:<36} failed: {error:#}", product.name),
            }
        }
        commits.extend(bare_commits(&databases[0], options).await?);
    }
    for database in databases {
        server.drop(database).await?;
    }
    let figures: Vec<Figures> =
        products.iter().zip(&samples).map(|(product, of)| line(product.name, of)).collect();
    for (name, p50, p99, most) in figures.iter().chain([&line("a bare commit", &commits)]) {
        println!("  {name:<24} p50 {p50:6.1} ms   p99 {p99:6.1} ms   most {most:6.1} ms");
    }
    Ok(row(&figures, samples[0].len()))
}

async fn one_round(options: &Options, product: &Product, database: &Database) -> Result<Vec<f64>> {
    if let Some(missing) = &product.missing {
        anyhow::bail!("{missing}");
    }
    database.settle().await?;
    product.latencies(database, if options.quick { 20 } else { SAMPLES }, EVERY_MS).await
}

/// How long a commit of one row takes, in milliseconds.
async fn bare_commits(database: &Database, options: &Options) -> Result<Vec<f64>> {
    database.execute("CREATE TABLE IF NOT EXISTS bare_commits (at timestamptz)").await?;
    let mut samples = Vec::new();
    for _ in 0..if options.quick { 20 } else { SAMPLES } {
        let began = Instant::now();
        sqlx::query("INSERT INTO bare_commits VALUES (now())").execute(&database.pool).await?;
        samples.push(began.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(Duration::from_millis(EVERY_MS).saturating_sub(began.elapsed())).await;
    }
    Ok(samples)
}

/// Whose; the median, the 99th percentile and the most, in milliseconds.
type Figures<'a> = (&'a str, f64, f64, f64);

fn line<'a>(name: &'a str, samples: &[f64]) -> Figures<'a> {
    (name, percentile(samples, 0.5), percentile(samples, 0.99), largest(samples))
}

fn row(figures: &[Figures], samples: usize) -> Row {
    let (_, p50, p99, most) = figures[0];
    let best = |of: fn(&Figures) -> f64| {
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
