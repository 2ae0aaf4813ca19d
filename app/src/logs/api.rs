//! Server functions of the log.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::page::Page;
use signalbox_model::saved_view::SavedView;
use signalbox_model::system_log::SystemLog;

use crate::error::AppError;

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LogsFacts {
    /// The entries asked for.
    pub logs: Page<SystemLog>,
    /// The reader's own views of them.
    pub views: Vec<SavedView>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// One page of the log: those entries of the event `event` whose message contains `q`.
#[server(prefix = "/api/fn", endpoint = "list_logs", output = crate::codec::Json)]
pub(crate) async fn list_logs(
    #[server(default)] event: Option<String>,
    #[server(default)] q: Option<String>,
    #[server(default)] cursor: Option<i64>,
) -> Result<LogsFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::{logs, saved_views};
    use signalbox_model::saved_view::ViewedList;

    let ctx = ctx()?;
    let logs = logs::search(&ctx, event.as_deref(), q.as_deref(), cursor, None).await;
    Ok(LogsFacts {
        logs: answer(logs)?,
        views: answer(saved_views::list(&ctx, ViewedList::Logs).await)?,
        as_of: ctx.now(),
    })
}
