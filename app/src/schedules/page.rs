//! The schedules.

use leptos::prelude::*;
use signalbox_model::schedule::Schedule;

use super::api::{SchedulesFacts, list_schedules};
use crate::components::aspect::{Aspect, State};
use crate::components::live::{live, page, part};
use crate::components::page_head::PageHead;
use crate::components::scroll::{Head, Scroll};
use crate::components::time::{MaybeTime, Time};
use crate::overview::every;

/// The page.
#[component]
pub(crate) fn SchedulesPage() -> impl IntoView {
    page(
        live(|| (), |()| list_schedules()),
        |facts: &SchedulesFacts| ("Schedules".to_owned(), facts.as_of),
        |facts| part(move || view! { <Schedules schedules=facts.get().schedules /> }),
    )
}

#[component]
fn Schedules(schedules: Vec<Schedule>) -> impl IntoView {
    let paused = schedules.iter().filter(|schedule| schedule.paused).count();
    let now = format!("{} schedules, {paused} paused.", schedules.len());
    let rows: Vec<_> =
        schedules.into_iter().map(|schedule| view! { <ScheduleRow schedule /> }).collect();
    view! {
        <PageHead heading="Schedules" now rest="Times are UTC." />
        <Scroll label="Table of schedules">
            <table>
                <Head columns=&["Name", "Job type", "When", "State", "Last run", "Next run"] />
                <tbody>{rows}</tbody>
            </table>
        </Scroll>
    }
}

#[component]
fn ScheduleRow(schedule: Schedule) -> impl IntoView {
    let (aspect, word) =
        if schedule.paused { (Aspect::Held, "Paused") } else { (Aspect::Clear, "Active") };
    view! {
        <tr>
            <th scope="row">{schedule.name}</th>
            <td>
                <a href=format!("/admin/jobs?kind={}", schedule.kind)>{schedule.kind.clone()}</a>
            </td>
            <td>
                {every(&schedule.cron)} <span class="sub id">{schedule.cron}</span>
            </td>
            <td>
                <State of=aspect word />
            </td>
            <td class="nowrap">
                <MaybeTime at=schedule.last_run_at />
            </td>
            <td class="nowrap">
                <Time at=schedule.next_run_at />
            </td>
        </tr>
    }
    .into_any()
}
