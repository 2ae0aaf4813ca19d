//! The files that a run leaves: `bench/results/latest.json` and a line in `bench/results/history.csv`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::drains::Drains;
use crate::report::Row;

const FOLDER: &str = "bench/results";

/// The columns of `history.csv` after the date, the commit and the machine: every key of GOALS, in its order.
const KEYS: [&str; 21] = [
    "drain_ratio_to_best_peer",
    "drain_ratio_to_history_peers",
    "fraction_of_ceiling",
    "defaults_to_best",
    "latency_p50_ratio",
    "latency_p99_ratio",
    "latency_max_ms",
    "enqueue_ratio",
    "enqueue_to_bare",
    "xmin_ratio",
    "history_ratio",
    "csv_ratio",
    "csv_rss_mib",
    "page_ratio",
    "counts_ms",
    "breaker_stop_ms",
    "gate_cost",
    "kill_switch_ms",
    "drain_jobs_per_s",
    "ceiling_jobs_per_s",
    "hold_s",
];

/// Where and how a run was made.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Host {
    /// When, in UTC.
    pub date: String,
    /// The commit, `+` where files differed from it.
    pub commit: String,
    /// The processor's name.
    pub cpu: String,
    /// Its cores.
    pub cores: usize,
    /// The server's version.
    pub postgres: String,
    /// The server's settings.
    pub settings: String,
    /// Interleaved rounds.
    pub rounds: u32,
    /// How long P7 held its transaction open, in seconds.
    pub hold_s: u64,
}

/// Everything a run found.
#[derive(Debug, Serialize)]
pub struct Results<'a> {
    /// Where and how.
    #[serde(flatten)]
    pub host: &'a Host,
    /// The figures by key; `null` where one could not be measured.
    pub figures: BTreeMap<&'static str, Option<f64>>,
    /// The table's rows.
    pub rows: &'a [Row],
    /// Everybody's drains.
    pub drains: &'a Drains,
}

impl<'a> Results<'a> {
    /// Collects the figures.
    pub fn new(host: &'a Host, rows: &'a [Row], drains: &'a Drains) -> Results<'a> {
        let metrics = rows.iter().flat_map(|row| &row.metrics);
        let mut figures: BTreeMap<_, _> =
            metrics.map(|metric| (metric.key, metric.value)).collect();
        let finite = |value: f64| value.is_finite().then_some(value);
        figures.insert("drain_jobs_per_s", drains.ours().and_then(|ours| finite(ours.median())));
        figures.insert("ceiling_jobs_per_s", finite(crate::stats::median(&drains.ceiling)));
        figures.insert("hold_s", Some(host.hold_s as f64));
        Results { host, figures, rows, drains }
    }

    /// Writes both files.
    pub fn write(&self) -> Result<()> {
        let folder = Path::new(FOLDER);
        std::fs::create_dir_all(folder)?;
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        std::fs::write(folder.join("latest.json"), json)?;
        let path = folder.join("history.csv");
        let is_new = !path.exists();
        let mut file = std::fs::File::options().create(true).append(true).open(path)?;
        if is_new {
            writeln!(file, "date,commit,cpu,cores,postgres,rounds,{}", KEYS.join(","))?;
        }
        writeln!(file, "{}", self.line())?;
        Ok(())
    }

    fn line(&self) -> String {
        let Host { date, commit, cpu, cores, postgres, rounds, .. } = self.host;
        let cell = |key| self.figures.get(key).copied().flatten();
        let cells = KEYS.iter().map(|key| cell(*key).map_or(String::new(), |v| format!("{v:.4}")));
        let cells: Vec<String> = cells.collect();
        format!("{date},{commit},\"{cpu}\",{cores},{postgres},{rounds},{}", cells.join(","))
    }
}
