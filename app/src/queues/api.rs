//! Server functions of the queues.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::queue::Queue;
use signalbox_model::system_log::SystemLog;

use crate::error::AppError;
use crate::notice::Notice;

/// What the list shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueuesFacts {
    /// Every queue.
    pub queues: Vec<Queue>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// What the page of one queue shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct QueueFacts {
    /// The queue.
    pub queue: Queue,
    /// What was done with it, the newest first.
    pub history: Vec<SystemLog>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// Every queue.
#[server(prefix = "/api/fn", endpoint = "list_queues", output = crate::codec::Json)]
pub(crate) async fn list_queues() -> Result<QueuesFacts, AppError> {
    use crate::request::{answer, ctx, state};
    use signalbox_engine::queues;

    let ctx = ctx()?;
    let queues = answer(queues::list(&ctx, &state()?.registry).await)?;
    Ok(QueuesFacts { queues, as_of: ctx.now() })
}

/// One queue.
#[server(prefix = "/api/fn", endpoint = "queue", output = crate::codec::Json)]
pub(crate) async fn read_queue(name: String) -> Result<QueueFacts, AppError> {
    use crate::request::{answer, ctx, state};
    use signalbox_engine::{logs, queues};

    let ctx = ctx()?;
    let queue = answer(queues::read(&ctx, &state()?.registry, &name).await)?;
    let history = answer(logs::about(&ctx, "queue", &name).await)?;
    Ok(QueueFacts { queue, history, as_of: ctx.now() })
}

/// Starts none of a queue's jobs any more. No minutes, or an empty field: until it is resumed.
#[server(prefix = "/api/fn", endpoint = "pause_queue", output = crate::codec::Json)]
pub(crate) async fn pause_queue(
    name: String,
    reason: String,
    #[server(default)] minutes: String,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state, whole_number};
    use signalbox_engine::queues;

    let registry = state()?.registry;
    let result = match whole_number("minutes", &minutes) {
        Ok(minutes) => queues::pause(&ctx()?, &registry, &name, &reason, minutes).await,
        Err(error) => Err(error),
    };
    let result =
        result.map(|()| Notice::done(format!("Queue {name} is paused: no job of it starts.")));
    finish(result, &page_of(&name), &[("reason", &reason), ("minutes", &minutes)]).await
}

/// Lets a queue's jobs start again.
#[server(prefix = "/api/fn", endpoint = "resume_queue", output = crate::codec::Json)]
pub(crate) async fn resume_queue(name: String, reason: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state};
    use signalbox_engine::queues;

    let result = queues::resume(&ctx()?, &state()?.registry, &name, &reason).await;
    let result = result.map(|()| Notice::done(format!("Queue {name} runs: its jobs start again.")));
    finish(result, &page_of(&name), &[("reason", &reason)]).await
}

/// Works off what a queue holds now.
#[server(prefix = "/api/fn", endpoint = "drain_queue", output = crate::codec::Json)]
pub(crate) async fn drain_queue(name: String, reason: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state};
    use signalbox_engine::queues;

    let result = queues::drain(&ctx()?, &state()?.registry, &name, &reason).await;
    let result = result
        .map(|()| Notice::done(format!("Queue {name} is being drained: what comes now waits.")));
    finish(result, &page_of(&name), &[("reason", &reason)]).await
}

/// Bounds how many of a queue's jobs run at once. An empty field lifts the bound.
#[server(prefix = "/api/fn", endpoint = "bound_queue", output = crate::codec::Json)]
pub(crate) async fn bound_queue(
    name: String,
    reason: String,
    #[server(default)] max_concurrent: String,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state, whole_number};
    use signalbox_engine::queues;

    let registry = state()?.registry;
    let bound = whole_number("maxConcurrent", &max_concurrent);
    let result = match &bound {
        Ok(bound) => queues::bound_to(&ctx()?, &registry, &name, *bound, &reason).await,
        Err(_) => bound.map(drop),
    };
    let result = result.map(|()| Notice::done(format!("The bound of queue {name} holds now.")));
    finish(result, &page_of(&name), &[("reason", &reason)]).await
}

/// The address of a queue's page. A queue's name needs no escaping.
#[cfg(feature = "ssr")]
fn page_of(name: &str) -> String {
    format!("/admin/queues/{name}")
}
