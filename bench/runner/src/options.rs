//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// Runs Signalbox and its peers side by side, prints the table, and keeps the results.
#[derive(Debug, Clone, Parser)]
#[command(name = "make bench ARGS=…", version)]
pub struct Options {
    /// Interleaved rounds; every figure is the median of them.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub rounds: u32,
    /// Only these rows, such as P1,P5.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// Small sizes and two rounds, to see that everything works. The figures mean nothing and are not kept.
    #[arg(long)]
    pub quick: bool,
    /// How long P7 holds its transaction open, in seconds (600; with --quick 5).
    #[arg(long)]
    pub hold_s: Option<u64>,
    /// Where the release binaries `signalbox` and `signalbox-sandbox` are.
    #[arg(long, default_value = "target/release")]
    pub bin_dir: PathBuf,
    /// Where the peers' release binaries are.
    #[arg(long, default_value = "target/bench-peers/release")]
    pub peers_dir: PathBuf,
    /// Where the PostgreSQL of the bench keeps its data.
    #[arg(long, default_value = "target/bench-data")]
    pub data_dir: PathBuf,
}

impl Options {
    /// How often everything is measured.
    pub fn rounds(&self) -> u32 {
        if self.quick { self.rounds.min(2) } else { self.rounds }
    }

    /// Whether any of these rows is wanted.
    pub fn wants(&self, rows: &[&str]) -> bool {
        self.only.is_empty()
            || rows.iter().any(|row| self.only.iter().any(|only| only.eq_ignore_ascii_case(row)))
    }

    /// `full`, or a hundredth of it in a quick run.
    pub fn size(&self, full: u64) -> u64 {
        if self.quick { (full / 100).max(1) } else { full }
    }

    /// Jobs that are drained. Not scaled as much as the rest: a drain of 200 jobs shows nothing.
    pub fn drained(&self) -> u64 {
        if self.quick { 4_000 } else { 20_000 }
    }

    /// How long P7 holds its transaction open.
    pub fn hold(&self) -> Duration {
        Duration::from_secs(self.hold_s.unwrap_or(if self.quick { 5 } else { 600 }))
    }
}
