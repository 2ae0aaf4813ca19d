//! Server functions of the overview.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::domain::NewDomains;
use signalbox_model::metrics::Overview;
use signalbox_model::schedule::Schedule;
use signalbox_model::setting::Setting;
use signalbox_model::trend::{Span, Trends};

use crate::error::AppError;

/// Everything the overview shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OverviewFacts {
    /// Metrics, queues, breakers, kill switch, dead letters, log.
    pub overview: Overview,
    /// The schedules.
    pub schedules: Vec<Schedule>,
    /// The limits.
    pub settings: Vec<Setting>,
    /// How many domains are new.
    pub domains: NewDomains,
    /// How many workers take jobs.
    pub at_work: usize,
    /// How it all did over time.
    pub trends: Trends,
}

/// Everything the overview shows, with charts over the last `span`.
#[server(prefix = "/api/fn", endpoint = "overview", output = crate::codec::Json)]
pub(crate) async fn read_overview(
    #[server(default)] span: Span,
) -> Result<OverviewFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::{fleet, overview, schedules, settings, trends};
    use signalbox_pipelines::domains::store;

    let ctx = ctx()?;
    Ok(OverviewFacts {
        overview: answer(overview::overview(&ctx, 1, None).await)?,
        schedules: answer(schedules::list(&ctx).await)?,
        settings: answer(settings::list(&ctx).await)?,
        domains: answer(store::new(&ctx).await)?,
        at_work: answer(fleet::read(&ctx).await)?.at_work(),
        trends: answer(trends::read(&ctx, span).await)?,
    })
}
