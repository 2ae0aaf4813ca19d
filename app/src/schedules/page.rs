//! The schedules, and the upkeep that needs none.

use leptos::prelude::*;
use signalbox_model::actor::Permission;
use signalbox_model::schedule::Schedule;

use super::api::{ListSchedules, RunSchedule, SchedulesFacts};
use super::row::{ScheduleRow, SweepRow};
use crate::components::command::Command;
use crate::components::empty::Empty;
use crate::components::live::{live, page, part};
use crate::components::page_head::PageHead;
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};

/// The page.
#[component]
pub(crate) fn SchedulesPage() -> impl IntoView {
    let run = Command::of::<RunSchedule>(Permission::OperateSchedules);
    page(
        live(|| ListSchedules {}),
        |facts: &SchedulesFacts| ("Schedules".to_owned(), facts.as_of),
        move |facts| {
            let none = Memo::new(move |_| facts.with(|facts| facts.schedules.is_empty()));
            view! {
                {part(move || facts.with(|facts| head(&facts.schedules)))}
                {part(move || {
                    if none.get() {
                        view! { <NoSchedules /> }.into_any()
                    } else {
                        view! { <ScheduleTable facts run /> }.into_any()
                    }
                })}
                {part(move || view! { <Upkeep facts=facts.get() /> })}
            }
        },
    )
}

#[component]
fn ScheduleTable(facts: Signal<SchedulesFacts>, run: Command) -> impl IntoView {
    view! {
        <Scroll label="Table of schedules">
            <table>
                <Head columns=&[
                    "Name",
                    "When",
                    "State",
                    "Last run",
                    "Last job",
                    "Next run",
                    "!Actions",
                ] />
                <tbody>
                    <Rows
                        each=move || facts.with(|facts| facts.schedules.clone())
                        key=key
                        let:schedule
                    >
                        <ScheduleRow schedule run />
                    </Rows>
                </tbody>
            </table>
        </Scroll>
    }
}

#[component]
fn NoSchedules() -> impl IntoView {
    view! {
        <Empty
            title="No schedules yet"
            why="The scheduler declares them when it starts for the first time. None has run on this database."
        >
            <a class="button" href="/admin/workers">
                "See whether a scheduler runs"
            </a>
        </Empty>
    }
}

fn head(schedules: &[Schedule]) -> impl IntoView + use<> {
    let paused = schedules.iter().filter(|schedule| schedule.paused).count();
    let now = format!("{} schedules, {paused} paused.", schedules.len());
    view! { <PageHead heading="Schedules" now rest="Open one to pause it or to change its times." /> }
}

/// What a row depends on: a row whose key stays is left alone by an update.
fn key(schedule: &Schedule) -> String {
    format!(
        "{} {} {} {} {:?} {:?}",
        schedule.name,
        schedule.cron,
        schedule.time_zone,
        schedule.paused,
        schedule.next_run_at,
        schedule.last_job
    )
}

#[component]
fn Upkeep(facts: SchedulesFacts) -> impl IntoView {
    let rows: Vec<_> = facts.sweeps.into_iter().map(|sweep| view! { <SweepRow sweep /> }).collect();
    view! {
        <Scroll label="Table of upkeep">
            <table>
                <caption>"Upkeep"</caption>
                <Head columns=&[
                    "What it does",
                    "State",
                    "Last run",
                    "#Took",
                    "It did",
                    "Last time it found anything",
                    "Last error",
                ] />
                <tbody>{rows}</tbody>
            </table>
        </Scroll>
    }
    .into_any()
}
