//! What another value of a limit would do, beside what the present one does.

use leptos::prelude::*;
use signalbox_model::format;
use signalbox_model::limit_preview::{LimitPreview, Outlook, pace_words};

use crate::components::scroll::{Head, Scroll};

/// The comparison.
#[component]
pub(super) fn Comparison(preview: LimitPreview) -> impl IntoView {
    let kinds = preview.kinds.join(", ");
    let now = format!(
        "{}{}. {} ended lately.",
        preview.waiting_words(),
        if kinds.is_empty() { String::new() } else { format!(" ({kinds})") },
        pace_words(preview.recent_jobs_per_min),
    );
    let throttled = preview.throttle_percent.map(|percent| {
        let words = format!(
            "Its provider is near its own limit: either value is throttled to {percent} % for the moment.",
        );
        view! { <p class="hint">{words}</p> }
    });
    let unit = preview.unit;
    view! {
        <Scroll label="What the change would do">
            <table>
                <caption>{now}</caption>
                <Head columns=&["When", "Value", "Pace it allows", "Backlog is cleared in"] />
                <tbody>
                    {row("Now", preview.present, &unit)} {row("After the change", preview.proposed, &unit)}
                </tbody>
            </table>
        </Scroll>
        {throttled}
        <p class="hint">
            "As things are now, and if no more jobs come. A job may make more calls than the one it \
             is counted with."
        </p>
    }
    .into_any()
}

fn row(when: &'static str, outlook: Outlook, unit: &str) -> impl IntoView + use<> {
    let pace = outlook.pace_words();
    view! {
        <tr>
            <th scope="row" class="nowrap">
                {when}
            </th>
            <td class="nowrap">{format!("{} {unit}", format::count(outlook.value))}</td>
            <td>{pace}</td>
            <td>{outlook.backlog.words()}</td>
        </tr>
    }
}
