//! The text format of Prometheus, version 0.0.4.

use std::fmt::Write as _;

/// What a family's figures do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grow, until the process starts anew.
    Counter,
    /// Go up and down.
    Gauge,
    /// Are counted by how large they were.
    Histogram,
}

/// A page of figures.
#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// Begins the family `name`, which `help` explains in one sentence.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { text: self, name }
    }

    /// A family of one figure.
    pub fn gauge(&mut self, name: &'static str, help: &str, value: f64) {
        self.family(name, Kind::Gauge, help).figure(&[], value);
    }

    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Figures of one name.
pub struct Family<'a> {
    text: &'a mut Text,
    name: &'static str,
}

impl Family<'_> {
    /// Adds a figure.
    pub fn figure(&mut self, labels: &[(&str, &str)], value: f64) {
        self.part("", labels, value);
    }

    /// Adds one of the figures that a histogram is made of, such as `_sum`.
    pub fn part(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
        let text = &mut self.text.0;
        text.push_str(self.name);
        text.push_str(suffix);
        for (n, (label, value)) in labels.iter().enumerate() {
            text.push(if n == 0 { '{' } else { ',' });
            let _ = write!(text, "{label}=\"");
            escape(text, value);
            text.push('"');
        }
        let _ = writeln!(text, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

fn escape(text: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn av_4_labels_are_escaped_and_whole_numbers_have_no_point() {
        let mut text = Text::default();
        let mut family = text.family("a_total", Kind::Counter, "How many.");
        family.figure(&[("x", "a\"b\\c\nd"), ("y", "")], 3.0);
        text.gauge("b", "B.", 0.5);
        assert_eq!(
            text.into_string(),
            "# HELP a_total How many.\n# TYPE a_total counter\n\
             a_total{x=\"a\\\"b\\\\c\\nd\",y=\"\"} 3\n# HELP b B.\n# TYPE b gauge\nb 0.5\n"
        );
    }
}
