//! What is found: rows with their metrics, and the table that is printed of them.

use serde::Serialize;

/// Whether more or less of it is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Better {
    /// More.
    Higher,
    /// Less.
    Lower,
}

/// One figure with its bounds.
#[derive(Debug, Clone, Serialize)]
pub struct Metric {
    /// Its key in `latest.json`.
    pub key: &'static str,
    /// What was measured; absent if it could not be.
    pub value: Option<f64>,
    /// Where a release may stand.
    pub must: f64,
    /// Where we are going.
    pub goal: f64,
    /// Whether more or less is better.
    pub better: Better,
    /// `×`, `%`, `ms` or `MiB`.
    pub unit: &'static str,
}

/// One row: what was compared, and its figures.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// `P1`.
    pub id: &'static str,
    /// What was measured, with its sizes.
    pub what: String,
    /// Our side.
    pub ours: String,
    /// The other side, by name.
    pub against: String,
    /// The figures.
    pub metrics: Vec<Metric>,
}

impl Metric {
    /// More is better.
    pub fn higher(
        key: &'static str,
        value: f64,
        must: f64,
        goal: f64,
        unit: &'static str,
    ) -> Metric {
        Metric { key, value: finite(value), must, goal, better: Better::Higher, unit }
    }

    /// Less is better.
    pub fn lower(
        key: &'static str,
        value: f64,
        must: f64,
        goal: f64,
        unit: &'static str,
    ) -> Metric {
        Metric { key, value: finite(value), must, goal, better: Better::Lower, unit }
    }

    fn verdict(&self) -> String {
        let Some(value) = self.value else { return "not measured".to_owned() };
        let meets = |bound: f64| match self.better {
            Better::Higher => value >= bound,
            Better::Lower => value <= bound,
        };
        if meets(self.goal) {
            "goal reached".to_owned()
        } else if meets(self.must) {
            "holds".to_owned()
        } else {
            format!("short by {}", show((value - self.must).abs(), self.unit))
        }
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// A figure with its unit. Shares are kept as 0 to 1 and shown as per cent.
fn show(value: f64, unit: &str) -> String {
    match unit {
        "%" => format!("{:.1} %", value * 100.0),
        "×" => format!("{value:.2}×"),
        _ if value.abs() >= 10.0 => format!("{value:.0} {unit}"),
        _ => format!("{value:.1} {unit}"),
    }
}

/// A rate, such as `24.6 k/s`.
pub fn rate(per_second: f64) -> String {
    if per_second.is_finite() { format!("{:.1} k/s", per_second / 1e3) } else { "–".to_owned() }
}

/// The table, one line a figure.
pub fn table(rows: &[Row]) -> String {
    let mut lines = vec![
        ["", "what", "ours", "against", "figure", "is", "must", "goal", "verdict"]
            .map(str::to_owned),
    ];
    for row in rows {
        for (n, metric) in row.metrics.iter().enumerate() {
            let first = |text: &str| if n == 0 { text.to_owned() } else { String::new() };
            lines.push([
                first(row.id),
                first(&row.what),
                first(&row.ours),
                first(&row.against),
                metric.key.to_owned(),
                metric.value.map_or("–".to_owned(), |value| show(value, metric.unit)),
                show(metric.must, metric.unit),
                show(metric.goal, metric.unit),
                metric.verdict(),
            ]);
        }
    }
    aligned(&lines)
}

/// Columns as wide as their widest cell.
pub fn aligned<const N: usize>(lines: &[[String; N]]) -> String {
    let width = |n: usize| lines.iter().map(|line| line[n].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |cells: &[String; N]| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_says_how_much_is_missing() {
        let ratio =
            |value| Metric::higher("drain_ratio_to_best_peer", value, 1.25, 2.0, "×").verdict();
        assert_eq!(ratio(2.0), "goal reached");
        assert_eq!(ratio(1.3), "holds");
        assert_eq!(ratio(1.0), "short by 0.25×");
        assert_eq!(ratio(f64::NAN), "not measured");
        assert_eq!(Metric::lower("gate_cost", 0.05, 0.03, 0.0, "%").verdict(), "short by 2.0 %");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let lines = [["a".to_owned(), "b".to_owned()], ["×××".to_owned(), "c".to_owned()]];
        assert_eq!(aligned(&lines), "a    b\n×××  c");
    }
}
