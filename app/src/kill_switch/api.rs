//! Server functions of the kill switch.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::kill_switch::KillSwitch;
use signalbox_model::metrics::QueueDepth;
use signalbox_model::system_log::SystemLog;

use crate::error::AppError;
use crate::notice::Notice;

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SwitchFacts {
    /// The switch.
    pub switch: KillSwitch,
    /// What waits and runs.
    pub queues: Vec<QueueDepth>,
    /// How it was turned before, the newest first.
    pub history: Vec<SystemLog>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// The kill switch, what it holds, and its history.
#[server(prefix = "/api/fn", endpoint = "kill_switch", output = crate::codec::Json)]
pub(crate) async fn read_kill_switch() -> Result<SwitchFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::{kill_switch, logs, overview};

    let ctx = ctx()?;
    let history = logs::search(&ctx, Some("kill_switch"), None, None, Some(20)).await;
    Ok(SwitchFacts {
        switch: answer(kill_switch::read(&ctx).await)?,
        queues: answer(overview::overview(&ctx, 1, None).await)?.queues,
        history: answer(history)?.items,
        as_of: ctx.now(),
    })
}

/// Stops all jobs.
#[server(prefix = "/api/fn", endpoint = "activate_kill_switch", output = crate::codec::Json)]
pub(crate) async fn activate_kill_switch(reason: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::kill_switch;

    let result = kill_switch::activate(&ctx()?, &reason).await;
    let result = result.map(|_| {
        Notice::done("The kill switch is on: no job starts.")
            .link("/admin/jobs", "See what is held")
    });
    finish(result, "/admin/kill-switch", &[("reason", &reason)]).await
}

/// Lets jobs start again.
#[server(prefix = "/api/fn", endpoint = "deactivate_kill_switch", output = crate::codec::Json)]
pub(crate) async fn deactivate_kill_switch(reason: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::kill_switch;

    let result = kill_switch::deactivate(&ctx()?, &reason).await;
    let result = result.map(|_| {
        Notice::done("The kill switch is off: jobs start again.").link("/admin/jobs", "Watch them")
    });
    finish(result, "/admin/kill-switch", &[("reason", &reason)]).await
}
