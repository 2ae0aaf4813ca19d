//! P4: the drains of P1, our own defaults against our own best settings.

use crate::drains::Drains;
use crate::report::{Metric, Row, rate};

/// Reads the row from the drains.
pub fn row(drains: &Drains) -> Row {
    let shipped = drains.best(|result| result.ours && result.as_shipped);
    let best = drains.ours();
    let rates = (shipped.map_or(f64::NAN, |s| s.median()), best.map_or(f64::NAN, |b| b.median()));
    Row {
        id: "P4",
        what: "the defaults, as shipped".to_owned(),
        ours: rate(rates.0),
        against: best.map_or("–".to_owned(), |best| format!("{} ({})", best.name, best.settings)),
        metrics: vec![Metric::higher("defaults_to_best", rates.0 / rates.1, 0.70, 0.95, "%")],
    }
}
