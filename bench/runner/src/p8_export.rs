//! P8: a CSV of a million rows over HTTP against `psql` with the same COPY, and the memory it takes.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

use crate::contender::Program;
use crate::options::Options;
use crate::ours::Web;
use crate::peers;
use crate::process;
use crate::report::{Metric, Row};
use crate::server::{Database, Server};
use crate::stats::{largest, median};

const PATH: &str = "/api/domains/export?dateFilter=all";

/// Measures the row.
pub async fn measure(server: &Server, options: &Options) -> Result<Row> {
    let mut product = peers::ours(options);
    product.prepare(server).await?;
    let Program::Ours(ours) = &product.program else { bail!("not ours") };
    let database = product.database(server, "export").await?;
    let rows = options.size(1_000_000);
    database
        .execute(&format!(
            "INSERT INTO domains (name, display_name, first_seen_at, last_seen_at)
             SELECT 'host-' || n || '.example.com', 'Host ' || n || ', of the \"example\" kind',
                    now() - n * interval '1 second', now()
             FROM generate_series(1, {rows}) AS n"
        ))
        .await?;
    database.settle().await?;
    let web = ours.start_web(&database).await?;
    let copy = overhear(&database, &web).await?;
    let psql = Server::client_programs()?.join("psql");
    let (mut ours_s, mut psql_s, mut grown_mib, mut bytes) = (vec![], vec![], vec![], 0);
    for round in 1..=options.rounds() {
        eprintln!("export, round {round} of {}", options.rounds());
        web.process.forget_peak()?;
        let before = web.process.rss_kib()?;
        let (read, seconds) = web.download(PATH).await?;
        bytes = read;
        ours_s.push(seconds);
        grown_mib.push((web.process.peak_rss_kib()?.saturating_sub(before)) as f64 / 1024.0);
        psql_s.push(copy_with_psql(&psql, &database, &copy).await?);
        eprintln!("  ours {seconds:.2} s, psql {:.2} s", psql_s[psql_s.len() - 1]);
    }
    web.process.kill().await?;
    server.drop(database).await?;
    let (ours_s, psql_s) = (median(&ours_s), median(&psql_s));
    let grown_mib = largest(&grown_mib);
    Ok(Row {
        id: "P8",
        what: format!("CSV of {rows} rows, {} MB", bytes / 1_000_000),
        ours: format!("{ours_s:.2} s, memory +{grown_mib:.1} MiB"),
        against: format!("psql, the same COPY {psql_s:.2} s"),
        metrics: vec![
            Metric::lower("csv_ratio", ours_s / psql_s, 1.5, 1.1, "×"),
            Metric::lower("csv_rss_mib", grown_mib, 16.0, 8.0, "MiB"),
        ],
    })
}

/// The COPY that an export sends. It is held up by a lock, and seen waiting.
async fn overhear(database: &Database, web: &Web) -> Result<String> {
    let mut tx = database.pool.begin().await?;
    sqlx::raw_sql("LOCK TABLE domains IN ACCESS EXCLUSIVE MODE").execute(&mut *tx).await?;
    let listen = async {
        for _ in 0..200 {
            let copy = database.waiting_for_locks().await?;
            if let Some(copy) = copy.into_iter().find(|statement| statement.starts_with("COPY")) {
                tx.commit().await?;
                return Ok(copy);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("the export sends no COPY")
    };
    let (copy, exported) = tokio::join!(listen, web.download(PATH));
    exported.context("the export failed")?;
    copy
}

async fn copy_with_psql(psql: &std::path::Path, database: &Database, copy: &str) -> Result<f64> {
    let mut command = Command::new(psql);
    command.args(["--no-psqlrc", "--output", "/dev/null", "--command", copy]).arg(&database.url);
    let began = Instant::now();
    process::output(command).await?;
    Ok(began.elapsed().as_secs_f64())
}
