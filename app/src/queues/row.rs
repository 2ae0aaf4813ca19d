//! One queue in the list.

use leptos::prelude::*;
use signalbox_model::format;
use signalbox_model::queue::{Queue, QueueState};

use crate::components::aspect::{Aspect, State};
use crate::components::time::Time;

/// A queue's aspect and word.
pub(super) const fn standing(queue: &Queue) -> (Aspect, &'static str) {
    match queue.state {
        QueueState::Running => (Aspect::Clear, "Runs"),
        QueueState::Paused => (Aspect::Held, "Paused"),
        QueueState::Draining => (Aspect::Caution, "Draining"),
    }
}

/// How far a drain is, or until when a pause holds.
#[component]
pub(super) fn Progress(queue: Queue) -> impl IntoView {
    let drain = queue.drain.map(|drain| {
        let done = drain.total - drain.left;
        let words = format!(
            "{} of {} done",
            format::count(done),
            format::plural(drain.total, "job", "jobs")
        );
        view! {
            <progress max=drain.total.max(1) value=done aria-label=words.clone()></progress>
            <span class="sub">
                {words} {drain.eta.map(|at| view! { ", done " <Time at /> })}
            </span>
        }
    });
    let until = queue.paused_until.map(|at| {
        view! {
            <span class="sub">
                "ends "
                <Time at />
            </span>
        }
    });
    view! {
        {drain}
        {until}
    }
    .into_any()
}

/// How many of its jobs gave up, and where they are.
#[component]
pub(super) fn Failed<'a>(queue: &'a Queue) -> impl IntoView + use<> {
    let href = format!("/admin/dead-letter-queue?queue={}", queue.name);
    let count = format::count(queue.failed);
    if queue.failed == 0 { count.into_any() } else { view! { <a href=href>{count}</a> }.into_any() }
}

/// A row of the list.
#[component]
pub(super) fn QueueRow(queue: Queue) -> impl IntoView {
    let (aspect, word) = standing(&queue);
    let href = format!("/admin/queues/{}", queue.name);
    let reason = (queue.state != QueueState::Running).then(|| queue.reason.clone()).flatten();
    view! {
        <tr>
            <th scope="row" class="nowrap">
                <a href=href>{queue.name.clone()}</a>
            </th>
            <td>
                <State of=aspect word />
                <Progress queue=queue.clone() />
            </td>
            <td class="num">{format::count(queue.waiting)}</td>
            <td class="num">{format::count(queue.scheduled)}</td>
            <td class="num">{format::count(queue.running)}</td>
            <td class="num">
                <Failed queue=&queue />
            </td>
            <td class="num">
                {queue.max_concurrent.map_or_else(|| "–".to_owned(), format::count)}
            </td>
            <td class="wide">{reason}</td>
        </tr>
    }
    .into_any()
}
