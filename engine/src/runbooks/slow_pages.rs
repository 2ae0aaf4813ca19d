//! Lists are slow, or the views behind them are old.

use std::time::Instant;

use signalbox_model::format;
use signalbox_model::matview::{Matviews, ViewSource};
use signalbox_model::runbook::{Finding, Lever, Remedy};

use super::{Steps, clock_time};
use crate::{CommandError, Ctx, matviews, overview};

/// A page whose figures take longer than this is slow: an API answer may take 1 s (JS-8).
const SLOW_MS: u128 = 500;

pub(super) async fn detection(ctx: &Ctx) -> Result<Vec<Finding>, CommandError> {
    Ok(vec![figures(ctx).await?, source(&matviews::status(ctx).await?)])
}

pub(super) async fn look(ctx: &Ctx) -> Result<Steps, CommandError> {
    let mut steps = Steps::default();
    let views = matviews::status(ctx).await?;
    steps.check(figures(ctx).await?);
    steps.check(source(&views));
    for view in &views.views {
        let age = view.age_s.map_or_else(|| "never refreshed".to_owned(), |s| format!("{s} s old"));
        let took = view
            .duration_ms
            .map(|ms| format!(", refreshed in {}", format::duration_ms(ms)))
            .unwrap_or_default();
        steps.diagnosis.push(Finding::new(&view.name, true, format!("{age}{took}")));
    }
    if let Some(failed) = &views.failed {
        let detail = format!("{}: {}", clock_time(failed.at), failed.what);
        steps
            .diagnosis
            .push(Finding::new("Last failed refresh", false, detail).at("/admin/matviews"));
    }
    steps.remedies.push(Remedy::new(
        Lever::RefreshMatviews,
        "",
        "Refresh the views now",
        "One job computes them anew; readers do not wait for it.",
    ));
    if views.enabled {
        steps.remedies.push(Remedy::new(
            Lever::ReadPlainViews,
            "",
            "Read the plain views",
            "Lists are exact and live, and slower the more there is, until the switch on the \
             views' page is turned.",
        ));
    }
    Ok(steps)
}

/// How long the figures of a page take.
async fn figures(ctx: &Ctx) -> Result<Finding, CommandError> {
    let began = Instant::now();
    overview::overview(ctx, 24, None).await?;
    let ms = began.elapsed().as_millis();
    Ok(Finding::new("The overview's figures", ms < SLOW_MS, format!("read in {ms} ms")))
}

/// Whether lists are read from where they should be.
fn source(views: &Matviews) -> Finding {
    let old = format!("older than {} min: the plain views are read instead", views.max_age_minutes);
    let (ok, detail) = match (views.enabled, views.reading.source) {
        (false, _) => (true, "switched off: lists are read from the plain views"),
        (true, ViewSource::Materialized) => (true, "fresh enough to be read"),
        (true, ViewSource::Plain) => (false, old.as_str()),
    };
    Finding::new("Views", ok, detail).at("/admin/matviews")
}
