//! One worker in the list.

use leptos::prelude::*;
use signalbox_model::fleet::Worker;
use signalbox_model::format;

use crate::components::aspect::{Aspect, State};
use crate::components::time::Time;

/// A worker's aspect and word. `all_stopped` says that the whole role is.
pub(super) const fn standing(worker: &Worker, all_stopped: bool) -> (Aspect, &'static str) {
    let stopped = all_stopped || worker.stop.is_some();
    match (worker.alive, stopped, worker.running) {
        (false, _, _) => (Aspect::Danger, "Lost"),
        (true, true, 0) => (Aspect::Held, "Stopped"),
        (true, true, _) => (Aspect::Held, "Stopping"),
        (true, false, 0) => (Aspect::Idle, "Waits for work"),
        (true, false, _) => (Aspect::Running, "Works"),
    }
}

/// A row of the list.
#[component]
pub(super) fn WorkerRow(worker: Worker, all_stopped: bool) -> impl IntoView {
    let (aspect, word) = standing(&worker, all_stopped);
    let href = format!("/admin/workers?part={}#worker", worker.id);
    let label = if worker.stop.is_some() { "Start…" } else { "Stop…" };
    let why = worker.stop.map(|stop| view! { <span class="sub">{stop.reason}</span> });
    view! {
        <tr>
            <th scope="row" class="nowrap">
                {worker.name.clone()}
            </th>
            <td>
                <State of=aspect word />
                {why}
            </td>
            <td class="num">{format::count(worker.running)}</td>
            <td>
                <Time at=worker.started_at />
            </td>
            <td>
                <Time at=worker.heartbeat_at />
            </td>
            <td class="row-actions">
                {worker
                    .alive
                    .then(|| {
                        view! {
                            <a class="button" href=href>
                                {label}
                                <span class="unseen">" worker " {worker.name}</span>
                            </a>
                        }
                    })}
            </td>
        </tr>
    }
    .into_any()
}
