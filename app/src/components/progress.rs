//! How far a job is: a bar, and in words.

use leptos::prelude::*;
use signalbox_model::format;
use signalbox_model::progress::Progress;

use super::time::Time;

/// The bar (where the end is known), what the job says, its pace, and when it will be done.
#[component]
pub(crate) fn ProgressBar(progress: Progress) -> impl IntoView {
    let pace = progress.pace().map(|pace| format!(", {pace}"));
    let Progress { done, total, message, eta, .. } = progress;
    let of = match total {
        Some(total) => format!("{} of {}", format::count(done), format::count(total)),
        None => format!("{} done", format::count(done)),
    };
    let bar = total.filter(|total| *total > 0).map(|total| {
        view! { <progress max=total value=done.min(total) aria-label=of.clone()></progress> }
    });
    let says = if message.is_empty() { of } else { message };
    view! {
        {bar}
        <span class="sub">
            {says} {pace} {eta.map(|at| view! { ", done " <Time at /> })}
        </span>
    }
    .into_any()
}
