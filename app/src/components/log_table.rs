//! Entries of the log.

use leptos::prelude::*;
use signalbox_model::system_log::SystemLog;

use super::aspect::{State, of_level};
use super::empty::EmptyRow;
use super::rows::Rows;
use super::scroll::{Head, Scroll};
use super::time::Time;

/// The entries, as they are given.
#[component]
pub(crate) fn LogTable(
    caption: &'static str,
    #[prop(into)] logs: Signal<Vec<SystemLog>>,
) -> impl IntoView {
    let nothing = Memo::new(move |_| logs.with(Vec::is_empty));
    view! {
        <Scroll label=caption>
            <table>
                <caption>{caption}</caption>
                <Head columns=&["When", "Level", "Event", "Message"] />
                <tbody>
                    <Rows each=move || logs.get() key=|log| log.id let:log>
                        <LogRow log />
                    </Rows>
                    <EmptyRow none=nothing columns="4" says="Nothing was logged yet." />
                </tbody>
            </table>
        </Scroll>
    }
    .into_any()
}

#[component]
fn LogRow(log: SystemLog) -> impl IntoView {
    let (aspect, word) = of_level(log.level);
    view! {
        <tr>
            <td class="nowrap">
                <Time at=log.created_at />
            </td>
            <td>
                <State of=aspect word />
            </td>
            <td class="id">{log.event_type}</td>
            <td class="wide">
                {log.message} " "
                {log
                    .job_id
                    .map(|id| view! { <a href=format!("/admin/jobs/{id}")>"Job " {id}</a> })}
            </td>
        </tr>
    }
    .into_any()
}
