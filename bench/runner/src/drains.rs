//! The rounds of drains that P1 to P4 are read from: everybody once a round, one after the other, the ceiling with them.

use anyhow::Result;
use serde::Serialize;

use crate::contender::{Contender, Work};
use crate::options::Options;
use crate::p3_ceiling::Ceiling;
use crate::report::{aligned, rate};
use crate::server::Server;
use crate::stats::median;
use crate::{drain, peers};

/// What everybody reached.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drains {
    /// Jobs drained each time.
    pub jobs: u64,
    /// By contender, ours first.
    pub results: Vec<Drained>,
    /// What pgbench reached with our own statements, jobs per second, a figure a round.
    pub ceiling: Vec<f64>,
}

/// What one contender reached.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drained {
    /// Its name and variant.
    pub name: String,
    /// The pinned version.
    pub version: &'static str,
    /// The settings.
    pub settings: &'static str,
    /// Whether it is ours.
    pub ours: bool,
    /// Whether it ran as shipped.
    pub as_shipped: bool,
    /// Whether it keeps a row of every finished job.
    pub keeps_history: bool,
    /// Jobs per second, a figure a round.
    pub rates: Vec<f64>,
    /// Why there are fewer figures than rounds.
    pub failure: Option<String>,
}

impl Drained {
    /// The median; `NaN` without a figure.
    pub fn median(&self) -> f64 {
        median(&self.rates)
    }
}

impl Drains {
    /// Runs the rounds.
    pub async fn run(server: &Server, options: &Options) -> Result<Drains> {
        let contenders = prepared(server, options).await?;
        let ceiling = Ceiling::prepare(server, options).await;
        let mut drains = Drains {
            jobs: options.drained(),
            results: contenders.iter().map(Drained::none).collect(),
            ceiling: Vec::new(),
        };
        for round in 1..=options.rounds() {
            eprintln!("drains, round {round} of {}", options.rounds());
            for (contender, result) in contenders.iter().zip(&mut drains.results) {
                result.measure(server, contender, drains.jobs).await;
            }
            match &ceiling {
                Ok(ceiling) => drains.ceiling.push(ceiling.measure(server, drains.jobs).await?),
                Err(error) => eprintln!("  the ceiling is not measured: {error:#}"),
            }
        }
        Ok(drains)
    }

    /// The best of those that `which` chooses.
    pub fn best(&self, which: impl Fn(&Drained) -> bool) -> Option<&Drained> {
        let chosen = self.results.iter().filter(|result| which(result) && !result.rates.is_empty());
        chosen.max_by(|a, b| a.median().total_cmp(&b.median()))
    }

    /// Ours, at its best settings.
    pub fn ours(&self) -> Option<&Drained> {
        self.best(|result| result.ours && !result.as_shipped)
    }

    /// Everybody, with version and settings.
    pub fn table(&self) -> String {
        let mut lines = vec![
            ["drained by", "version", "median", "least", "most", "settings"].map(str::to_owned),
        ];
        for result in &self.results {
            let least = result.rates.iter().copied().fold(f64::INFINITY, f64::min);
            let most = result.rates.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let failure = result.failure.as_ref().map(|why| format!(" – NOT MEASURED: {why}"));
            lines.push([
                result.name.clone(),
                result.version.to_owned(),
                rate(result.median()),
                rate(least),
                rate(most),
                format!("{}{}", result.settings, failure.unwrap_or_default()),
            ]);
        }
        aligned(&lines)
    }
}

async fn prepared(server: &Server, options: &Options) -> Result<Vec<Contender>> {
    let mut contenders = peers::contenders(options);
    for at in 0..contenders.len() {
        // Variants of one product follow one another, and share its template.
        match at.checked_sub(1).map(|before| contenders[before].product.clone()) {
            Some(before) if before.key == contenders[at].product.key => {
                contenders[at].product.missing = before.missing;
            }
            _ => contenders[at].product.prepare(server).await?,
        }
    }
    Ok(contenders)
}

impl Drained {
    fn none(contender: &Contender) -> Drained {
        let product = &contender.product;
        Drained {
            name: contender.label(),
            version: product.version,
            settings: contender.settings,
            ours: product.key == "signalbox",
            as_shipped: contender.work == Work::Default,
            keeps_history: product.keeps_history,
            rates: Vec::new(),
            failure: product.missing.clone(),
        }
    }

    async fn measure(&mut self, server: &Server, contender: &Contender, jobs: u64) {
        if contender.product.missing.is_some() {
            return;
        }
        match drain::fresh(server, contender, jobs).await {
            Ok(per_second) => {
                eprintln!("  {:<36} {}", self.name, rate(per_second));
                self.rates.push(per_second);
            }
            Err(error) => {
                eprintln!("  {:<36} failed: {error:#}", self.name);
                self.failure = Some(format!("{error:#}"));
            }
        }
    }
}
