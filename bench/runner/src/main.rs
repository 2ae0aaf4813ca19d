//! `make bench`: runs Signalbox and its peers side by side on one PostgreSQL, and prints how they compare with the goals.
//!
//! One file a row of the table (`p1_drain.rs` …); `bench/README.md` says what each row means and how the bench is kept honest.

mod contender;
mod drain;
mod drains;
mod history;
mod options;
mod ours;
mod p11_breaker;
mod p12_kill_switch;
mod p1_drain;
mod p2_history_peers;
mod p3_ceiling;
mod p4_defaults;
mod p5_latency;
mod p6_enqueue;
mod p7_endurance;
mod p8_export;
mod p9_pages;
mod peers;
mod process;
mod report;
mod results;
mod server;
mod stats;

use std::time::Instant;

use anyhow::Result;
use clap::Parser as _;

use drains::Drains;
use options::Options;
use report::Row;
use results::{Host, Results};
use server::Server;

/// What is not in the table, and why.
const FOOTER: &str = "P10 (first load of the console) is measured by its own test, not here.";

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let server = Server::start(&options.data_dir).await?;
    let host = host(&server, &options).await;
    println!("{} · {} cores · {}", host.cpu, host.cores, host.postgres);
    println!("{}", host.settings);
    println!("{} interleaved rounds · commit {} · {}\n", host.rounds, host.commit, host.date);
    let (rows, drains) = measure(&server, &options).await?;
    server.stop().await?;
    if !drains.results.is_empty() {
        println!("\n{}", drains.table());
    }
    println!("\n{}\n\n{FOOTER}", report::table(&rows));
    if options.quick || !options.only.is_empty() {
        println!("A quick or partial run: its figures are not kept.");
    } else {
        Results::new(&host, &rows, &drains).write()?;
        println!("Kept in bench/results/latest.json and bench/results/history.csv.");
    }
    Ok(())
}

/// Every row that is wanted. One that cannot be measured is told of, and the others go on.
async fn measure(server: &Server, options: &Options) -> Result<(Vec<Row>, Drains)> {
    let mut rows = Vec::new();
    let mut drains = Drains::default();
    if options.wants(&["P1", "P2", "P3", "P4"]) {
        let began = Instant::now();
        drains = Drains::run(server, options).await?;
        rows.extend([
            p1_drain::row(&drains),
            p2_history_peers::row(&drains),
            p3_ceiling::row(&drains),
            p4_defaults::row(&drains),
        ]);
        eprintln!("P1 to P4 took {:.0} s", began.elapsed().as_secs_f64());
    }
    macro_rules! row {
        ($id:literal, $module:ident) => {
            if options.wants(&[$id]) {
                let began = Instant::now();
                match $module::measure(server, options).await {
                    Ok(row) => rows.push(row),
                    Err(error) => println!("{}: NOT MEASURED: {error:#}", $id),
                }
                eprintln!("{} took {:.0} s", $id, began.elapsed().as_secs_f64());
            }
        };
    }
    row!("P5", p5_latency);
    row!("P6", p6_enqueue);
    row!("P7", p7_endurance);
    row!("P8", p8_export);
    row!("P9", p9_pages);
    row!("P11", p11_breaker);
    row!("P12", p12_kill_switch);
    Ok((rows, drains))
}

async fn host(server: &Server, options: &Options) -> Host {
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git").args(arguments).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).unwrap_or_default();
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu =
        cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown processor");
    Host {
        date: chrono::Utc::now().format("%Y-%m-%dT%H:%MZ").to_string(),
        commit: if changed.is_empty() { commit } else { format!("{commit}+") },
        cpu: cpu.trim_start_matches([' ', '\t', ':']).to_owned(),
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        postgres: server.version.clone(),
        settings: server.settings.clone(),
        rounds: options.rounds(),
        hold_s: options.hold().as_secs(),
    }
}
