//! The track diagram: a pipeline drawn as a railway line. One drawing in two layouts: level for
//! wide screens, upright for narrow ones.

mod level;
mod parts;
mod upright;

use leptos::prelude::*;

use super::aspect::Aspect;
use super::page_head::Fresh;

/// A pipeline, as the diagram shows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// Unique on the page.
    pub id: &'static str,
    /// The pipeline's name.
    pub name: &'static str,
    /// Since when the kill switch is on ("22:41 UTC"), if it is.
    pub stopped_since: Option<String>,
    /// What starts it.
    pub departure: Departure,
    /// Its stages, in order.
    pub stages: Vec<Stage>,
    /// What comes out of it.
    pub terminus: Terminus,
    /// Its dead letters.
    pub siding: Siding,
}

/// What starts a line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Departure {
    /// Such as "every 10 min".
    pub every: String,
    /// Such as "next 23:00 UTC", or "paused".
    pub next: String,
}

/// One kind of job on the line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stage {
    /// Its name on the screen.
    pub name: &'static str,
    /// The kind of job.
    pub kind: &'static str,
    /// How many jobs wait before it.
    pub waiting: i64,
    /// How long the oldest of them has waited.
    pub oldest: Option<String>,
    /// How many run.
    pub running: i64,
    /// How many may.
    pub limit: Option<i64>,
    /// The provider's signal before it.
    pub signal: Option<Signal>,
}

/// A provider's breaker as a signal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Signal {
    /// The provider.
    pub provider: String,
    /// What it shows.
    pub aspect: Aspect,
    /// The same as a word.
    pub word: &'static str,
}

/// What comes out of a line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Terminus {
    /// Its name.
    pub name: &'static str,
    /// How many.
    pub total: String,
    /// Such as "+37 today".
    pub today: String,
    /// Its page.
    pub href: &'static str,
}

/// The dead letters of a line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Siding {
    /// How many.
    pub count: i64,
}

impl Stage {
    fn href(&self, state: &str) -> String {
        format!("/admin/jobs?kind={}&state={state}", self.kind)
    }

    fn waiting_words(&self) -> String {
        match &self.oldest {
            Some(oldest) => format!("oldest {oldest}"),
            None => "waiting".to_owned(),
        }
    }

    fn running_words(&self) -> String {
        match self.limit {
            Some(limit) => format!("{} of {limit} run", self.running),
            None => format!("{} run", self.running),
        }
    }

    /// The signal as it shows while the line may be stopped.
    fn shown_signal(&self, stopped: bool) -> Option<Signal> {
        let mut signal = self.signal.clone()?;
        if stopped {
            (signal.aspect, signal.word) = (Aspect::Held, "held");
        }
        Some(signal)
    }

    /// Whether nothing may enter it.
    fn is_shut(&self, stopped: bool) -> bool {
        stopped || self.signal.as_ref().is_some_and(|signal| signal.aspect == Aspect::Danger)
    }
}

impl Siding {
    fn words(&self) -> String {
        match self.count {
            0 => "siding empty".to_owned(),
            n => format!("{n} dead"),
        }
    }
}

impl Line {
    /// The whole drawing in a sentence, for those who don't look.
    fn sentence(&self) -> String {
        let stopped = self.stopped_since.is_some();
        let mut text = match &self.stopped_since {
            Some(since) => format!("The kill switch is on since {since}: no job starts. "),
            None => String::new(),
        };
        text += "From left to right: schedule";
        for stage in &self.stages {
            text += &format!(
                ", {} with {} waiting and {} running",
                stage.name, stage.waiting, stage.running
            );
            if let Some(signal) = stage.shown_signal(stopped) {
                text += &format!(" behind the {} signal of {}", signal.word, signal.provider);
            }
        }
        let Terminus { name, total, .. } = &self.terminus;
        text + &format!(", and {total} {name}. Dead letter queue: {}.", self.siding.words())
    }
}

/// How many wagons stand for `n` waiting jobs: more for more, five at most.
fn wagons(n: i64) -> i64 {
    let bounds = [1, 4, 10, 32, 100];
    bounds.iter().filter(|bound| n >= **bound).count().try_into().unwrap_or(0)
}

/// The diagram.
#[component]
pub(crate) fn TrackDiagram(line: Line) -> impl IntoView {
    view! {
        <figure class="track">
            <figcaption>
                <h2>{line.name}" line"</h2>
                <Fresh />
            </figcaption>
            {level::level(&line)}
            {upright::upright(&line)}
        </figure>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::wagons;

    #[test]
    fn wagons_grow_with_the_logarithm_and_end_at_five() {
        let drawn: Vec<_> = [0, 1, 3, 4, 9, 10, 99, 412, 10_000].map(wagons).into();
        assert_eq!(drawn, [0, 1, 1, 2, 2, 3, 4, 5, 5]);
    }
}
