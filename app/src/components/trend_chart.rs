//! A curve over time: a unit, a scale, a threshold, and marks where somebody or something acted.

use std::fmt::Write as _;

use leptos::prelude::*;
use signalbox_model::Timestamp;

use super::aspect::Aspect;

/// The plot's place in the drawing of 640 by 150.
const LEFT: i64 = 48;
const WIDTH: i64 = 584;
const TOP: i64 = 14;
const BASE: i64 = 118;

/// One quantity over time.
pub(crate) struct Series {
    /// What it is, for the legend.
    pub name: &'static str,
    /// Its colour.
    pub aspect: Aspect,
    /// How it is drawn.
    pub stroke: Stroke,
    /// One value a step; none where nobody counted.
    pub values: Vec<Option<i64>>,
}

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stroke {
    /// A line.
    Line,
    /// A dashed line, told apart from the other without its colour.
    Dashed,
    /// Bars, each on top of those of the series before.
    Bars,
}

/// What all series of a chart share.
pub(crate) struct Plot {
    /// What is drawn, with its unit.
    pub title: &'static str,
    /// How a value is written.
    pub write: fn(i64) -> String,
    /// The least that the scale reaches to.
    pub at_least: i64,
    /// A line that should not be crossed, and its name.
    pub threshold: Option<(i64, &'static str)>,
    /// When each step began.
    pub steps: Vec<Timestamp>,
    /// How a step is written.
    pub write_step: fn(Timestamp) -> String,
    /// In which step something happened that may explain a bend, and how bad that was.
    pub marks: Vec<(usize, Aspect)>,
}

/// The chart; `nothing` says why it is empty, where it is.
#[component]
pub(crate) fn TrendChart(plot: Plot, series: Vec<Series>, nothing: &'static str) -> impl IntoView {
    let is_empty = series.iter().all(|one| one.values.iter().all(|value| value.unwrap_or(0) == 0));
    let legend: Vec<_> = series
        .iter()
        .map(|one| view! { <span class=format!("key {} {}", one.aspect.class(), class(one.stroke))>{one.name}</span> })
        .collect();
    let title = plot.title;
    let why = is_empty.then(|| view! { <p class="hint">{nothing}</p> });
    view! {
        <figure class="chart trend">
            <figcaption>
                <strong>{title}</strong>
                <span class="legend">{legend}</span>
            </figcaption>
            <div class="scroll plot" role="region" aria-label=format!("Chart: {title}") tabindex="0">
                <svg
                    viewBox="0 0 640 140"
                    role="img"
                    aria-label=title
                    inner_html=drawing(&plot, &series)
                ></svg>
            </div>
            {why}
        </figure>
    }
    .into_any()
}

fn class(stroke: Stroke) -> &'static str {
    match stroke {
        Stroke::Line => "line",
        Stroke::Dashed => "line second",
        Stroke::Bars => "bar",
    }
}

/// The drawing's inside. Numbers and words of ours only: nothing in it needs escaping. As a text it
/// costs the browser a fraction of what as many elements would.
fn drawing(plot: &Plot, series: &[Series]) -> String {
    let scale = Scale::new(plot, series);
    let mut svg = String::new();
    scale.grid(plot, &mut svg);
    scale.marks(plot, &mut svg);
    let mut below = vec![0; plot.steps.len()];
    for one in series {
        let class = one.aspect.class();
        let d = match one.stroke {
            Stroke::Bars => scale.bars(&one.values, &mut below),
            Stroke::Line | Stroke::Dashed => scale.line(&one.values),
        };
        let _ = write!(
            svg,
            r#"<g class="{class}"><path class="{}" d="{d}"/></g>"#,
            self::class(one.stroke)
        );
    }
    scale.threshold(plot, &mut svg);
    scale.facts(plot, series, &mut svg);
    svg
}

/// From values and steps to places.
struct Scale {
    top: i64,
    steps: i64,
}

impl Scale {
    fn new(plot: &Plot, series: &[Series]) -> Scale {
        let value = |at: usize, one: &Series| one.values.get(at).copied().flatten().unwrap_or(0);
        let stacked = series.iter().any(|one| one.stroke == Stroke::Bars);
        let highest = (0..plot.steps.len())
            .map(|at| {
                let values = series.iter().map(|one| value(at, one));
                if stacked { values.sum() } else { values.max().unwrap_or(0) }
            })
            .max()
            .unwrap_or(0);
        let top = nice_top(highest.max(plot.at_least));
        Scale { top, steps: i64::try_from(plot.steps.len()).unwrap_or(1).max(1) }
    }

    fn y(&self, value: i64) -> i64 {
        BASE - value.min(self.top) * (BASE - TOP) / self.top
    }

    /// The left side of a step.
    fn x(&self, step: i64) -> i64 {
        LEFT + step * WIDTH / self.steps
    }

    fn middle(&self, step: i64) -> i64 {
        (self.x(step) + self.x(step + 1)) / 2
    }

    fn grid(&self, plot: &Plot, svg: &mut String) {
        let right = LEFT + WIDTH;
        for half in 0..=2 {
            let value = self.top * half / 2;
            let (y, word) = (self.y(value), (plot.write)(value));
            let class = if half == 0 { "axis" } else { "grid" };
            let _ = write!(
                svg,
                r#"<path class="{class}" d="M{LEFT} {y}H{right}"/><text x="{}" y="{}" text-anchor="end">{word}</text>"#,
                LEFT - 6,
                y + 4
            );
        }
        let quarter = (plot.steps.len() / 4).max(1);
        for (at, step) in plot.steps.iter().enumerate().step_by(quarter) {
            let x = self.x(i64::try_from(at).unwrap_or(0));
            let word = (plot.write_step)(*step);
            let _ = write!(
                svg,
                r#"<path class="axis" d="M{x} {BASE}v4"/><text x="{x}" y="134">{word}</text>"#
            );
        }
    }

    fn marks(&self, plot: &Plot, svg: &mut String) {
        for (at, aspect) in &plot.marks {
            let x = self.middle(i64::try_from(*at).unwrap_or(0));
            let _ = write!(
                svg,
                r#"<g class="{}"><path class="mark" d="M{x} {TOP}V{BASE}"/><path class="mark-head" d="M{} 4h8l-4 8z"/></g>"#,
                aspect.class(),
                x - 4
            );
        }
    }

    fn threshold(&self, plot: &Plot, svg: &mut String) {
        if let Some((value, name)) = plot.threshold
            && value <= self.top
        {
            let (y, right) = (self.y(value), LEFT + WIDTH);
            let _ = write!(
                svg,
                r#"<path class="threshold" d="M{LEFT} {y}H{right}"/><text class="on-threshold" x="{right}" y="{}" text-anchor="end">{name}</text>"#,
                y - 4
            );
        }
    }

    /// A line with a gap wherever nobody counted; a lone value is a dot.
    fn line(&self, values: &[Option<i64>]) -> String {
        let mut d = String::new();
        let mut pen_is_down = false;
        for (step, value) in (0..).zip(values) {
            if let Some(value) = value {
                let (x, y) = (self.middle(step), self.y(*value));
                let _ = if pen_is_down { write!(d, "L{x} {y}") } else { write!(d, "M{x} {y}h1") };
            }
            pen_is_down = value.is_some();
        }
        d
    }

    /// One bar a step, on top of what is `below`.
    fn bars(&self, values: &[Option<i64>], below: &mut [i64]) -> String {
        let mut d = String::new();
        for ((step, value), below) in (0..).zip(values).zip(below) {
            let value = value.unwrap_or(0);
            if value == 0 {
                continue;
            }
            let (from, to) = (self.x(step), self.x(step + 1) - 1);
            // The least of bars is to be seen beside the tallest.
            let (low, high) = (self.y(*below), self.y(*below + value).min(self.y(*below) - 1));
            let _ = write!(d, "M{from} {low}V{high}H{to}V{low}z");
            *below += value;
        }
        d
    }

    /// A title over each step, for whoever points at it.
    fn facts(&self, plot: &Plot, series: &[Series], svg: &mut String) {
        for (step, at) in plot.steps.iter().enumerate() {
            let place = i64::try_from(step).unwrap_or(0);
            let (x, width) = (self.x(place), self.x(place + 1) - self.x(place));
            let _ = write!(
                svg,
                r#"<rect class="hit" x="{x}" y="{TOP}" width="{width}" height="{}"><title>{}"#,
                BASE - TOP,
                (plot.write_step)(*at)
            );
            for one in series {
                let value = one.values.get(step).copied().flatten();
                let word = value.map_or_else(|| "not counted".to_owned(), plot.write);
                let _ = write!(svg, ", {} {word}", one.name);
            }
            svg.push_str("</title></rect>");
        }
    }
}

/// The least of 2, 4, 10, 20, 40, 100 … that holds `max`: its half is a whole number.
fn nice_top(max: i64) -> i64 {
    let mut unit = 1;
    loop {
        for factor in [2, 4, 10] {
            if max <= factor * unit {
                return factor * unit;
            }
        }
        unit *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn plot(steps: i64) -> Plot {
        let at = |minute| DateTime::UNIX_EPOCH + chrono::Duration::minutes(minute);
        Plot {
            title: "Jobs",
            write: |value| value.to_string(),
            at_least: 2,
            threshold: None,
            steps: (0..steps).map(at).collect(),
            write_step: |at| at.to_rfc3339(),
            marks: Vec::new(),
        }
    }

    fn series(stroke: Stroke, values: &[Option<i64>]) -> Series {
        Series { name: "done", aspect: Aspect::Clear, stroke, values: values.to_vec() }
    }

    #[test]
    fn a_gap_in_the_counting_is_a_gap_in_the_line() {
        let values = [Some(1), None, Some(1), Some(2)];
        let scale = Scale::new(&plot(4), &[series(Stroke::Line, &values)]);
        assert_eq!(scale.line(&values), "M121 66h1M413 66h1L559 14");
    }

    #[test]
    fn bars_stand_on_those_before_and_the_scale_holds_their_sum() {
        let values = [Some(3), None];
        let (one, two) = (series(Stroke::Bars, &values), series(Stroke::Bars, &values));
        let scale = Scale::new(&plot(2), &[one, two]);
        assert_eq!(scale.top, 10);
        let mut below = [0, 0];
        assert_eq!(scale.bars(&values, &mut below), "M48 118V87H339V118z");
        assert_eq!(scale.bars(&values, &mut below), "M48 87V56H339V87z");
    }

    #[test]
    fn a_step_says_its_values_and_what_nobody_counted() {
        let drawn = drawing(&plot(2), &[series(Stroke::Line, &[Some(7), None])]);
        assert!(drawn.contains("done 7") && drawn.contains("done not counted"), "{drawn}");
    }
}
