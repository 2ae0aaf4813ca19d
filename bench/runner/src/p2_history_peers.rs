//! P2: the drains of P1, against the best of those that keep a row of every finished job, as we do.

use crate::drains::Drains;
use crate::report::{Metric, Row, rate};

/// Reads the row from the drains.
pub fn row(drains: &Drains) -> Row {
    let ours = drains.ours();
    let peer = drains.best(|result| !result.ours && result.keeps_history);
    let rates = (ours.map_or(f64::NAN, |o| o.median()), peer.map_or(f64::NAN, |p| p.median()));
    Row {
        id: "P2",
        what: "the same, history kept".to_owned(),
        ours: rate(rates.0),
        against: peer.map_or("–".to_owned(), |peer| format!("{} {}", peer.name, rate(rates.1))),
        metrics: vec![Metric::higher(
            "drain_ratio_to_history_peers",
            rates.0 / rates.1,
            2.0,
            4.0,
            "×",
        )],
    }
}
