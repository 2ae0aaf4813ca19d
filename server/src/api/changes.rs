//! Tells open pages that something has changed (server-sent events).

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use signalbox_engine::changes::Changes;
use signalbox_model::actor::Permission;

use super::input::Signed;
use crate::problem::Answer;
use crate::state::AppState;

/// A stream lives this long; the browser then asks for another one, and whether it still may is
/// looked at again.
const LIVES: Duration = Duration::from_secs(600);

/// `GET /api/admin/changes`: an event without facts whenever jobs, queues, breakers, limits or the
/// kill switch have changed, at most once a second.
pub async fn stream(
    Signed { ctx, .. }: Signed,
    State(state): State<AppState>,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    ctx.demand(Permission::ReadConsole)?;
    let ends = tokio::time::Instant::now() + LIVES;
    let told = move |mut changes: Changes| async move {
        let told = tokio::time::timeout_at(ends, changes.next()).await.unwrap_or(false);
        told.then(|| (Ok(Event::default().data("changed")), changes))
    };
    let stream = futures::stream::unfold(state.parts.changes.from_now_on(), told);
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()))
}
