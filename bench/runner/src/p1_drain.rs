//! P1: draining queued no-op jobs, every feature on, against the best of those that keep no history.

use crate::drains::Drains;
use crate::report::{Metric, Row, rate};

/// Reads the row from the drains.
pub fn row(drains: &Drains) -> Row {
    let ours = drains.ours();
    let peer = drains.best(|result| !result.ours && !result.keeps_history);
    let rates = (ours.map_or(f64::NAN, |o| o.median()), peer.map_or(f64::NAN, |p| p.median()));
    Row {
        id: "P1",
        what: format!("drain {} no-op jobs", drains.jobs),
        ours: rate(rates.0),
        against: peer.map_or("–".to_owned(), |peer| format!("{} {}", peer.name, rate(rates.1))),
        metrics: vec![Metric::higher(
            "drain_ratio_to_best_peer",
            rates.0 / rates.1,
            1.25,
            2.0,
            "×",
        )],
    }
}
