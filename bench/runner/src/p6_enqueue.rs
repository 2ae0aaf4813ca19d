//! P6: enqueueing many jobs at once, against graphile-worker's `addJobs` and against the bare insert.

use std::time::Instant;

use anyhow::Result;

use crate::options::Options;
use crate::peers;
use crate::report::{Metric, Row, rate};
use crate::server::{Database, Server};
use crate::stats::median;

/// Rows of one bare insert: as many as everybody's chunk of jobs.
const CHUNK: i64 = 10_000;

/// The bare insert: the product's own table with its indexes, and nothing else: no ids drawn, no keys, no notification.
const BARE: &str =
    "INSERT INTO jobs_ready (id, kind, queue, priority, payload, max_attempts, run_at, created_at)
     SELECT id, 'system.noop', 'system', 4, '{}', 3, now(), now() FROM unnest($1::bigint[]) AS id";

/// Measures the row.
pub async fn measure(server: &Server, options: &Options) -> Result<Row> {
    let jobs = options.size(100_000);
    let mut products =
        vec![peers::ours(options), peers::graphile_worker(), peers::graphile_worker_rs(options)];
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); products.len()];
    let mut bare = Vec::new();
    for product in &mut products {
        product.prepare(server).await?;
    }
    for round in 1..=options.rounds() {
        eprintln!("enqueue, round {round} of {}", options.rounds());
        for (product, rates) in products.iter().zip(&mut rates) {
            if product.missing.is_some() {
                continue;
            }
            let database = product.database(server, "enqueue").await?;
            match product.enqueue(&database, jobs).await {
                Ok(seconds) => rates.push(jobs as f64 / seconds),
                Err(error) => eprintln!("  {:<36} failed: {error:#}", product.name),
            }
            server.drop(database).await?;
        }
        let database = products[0].database(server, "enqueue").await?;
        bare.push(jobs as f64 / insert_bare(&database, jobs as i64).await?);
        server.drop(database).await?;
    }
    let medians: Vec<f64> = rates.iter().map(|rates| median(rates)).collect();
    let peer = (1..products.len())
        .filter(|at| medians[*at].is_finite())
        .max_by(|a, b| medians[*a].total_cmp(&medians[*b]));
    let theirs = peer.map_or(f64::NAN, |peer| medians[peer]);
    let name = peer.map_or("–", |peer| products[peer].name);
    Ok(Row {
        id: "P6",
        what: format!("enqueue {jobs} jobs in chunks of {CHUNK}"),
        ours: rate(medians[0]),
        against: format!("{name} {}, bare insert {}", rate(theirs), rate(median(&bare))),
        metrics: vec![
            Metric::higher("enqueue_ratio", medians[0] / theirs, 2.0, 4.0, "×"),
            Metric::higher("enqueue_to_bare", medians[0] / median(&bare), 0.50, 0.70, "%"),
        ],
    })
}

async fn insert_bare(database: &Database, jobs: i64) -> Result<f64> {
    let began = Instant::now();
    for from in (0..jobs).step_by(CHUNK as usize) {
        let ids: Vec<i64> = (from..jobs.min(from + CHUNK)).collect();
        sqlx::query(BARE).bind(ids).execute(&database.pool).await?;
    }
    Ok(began.elapsed().as_secs_f64())
}
