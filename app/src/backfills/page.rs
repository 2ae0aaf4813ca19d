//! The backfills: what they cost, how far they are, and the levers of each.

use leptos::prelude::*;
use signalbox_model::actor::Permission;
use signalbox_model::backfill::Backfills;
use signalbox_model::format;
use signalbox_model::job::{Job, JobState};

use super::api::{BackfillsFacts, ListBackfills, TriggerBackfill};
use super::row::{BackfillRow, Levers, key};
use super::start::{KNOWN, StartPanel, asked};
use crate::components::command::Command;
use crate::components::empty::Empty;
use crate::components::live::{live, page, part};
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::query::Query;
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};
use crate::jobs::api::{CancelJob, HoldJob, ReleaseJob};

/// The page.
#[component]
pub(crate) fn BackfillsPage() -> impl IntoView {
    let query = Query::current(&KNOWN, "");
    let start = Command::of::<TriggerBackfill>(Permission::RunJobs);
    let levers = Levers {
        hold: Command::of::<HoldJob>(Permission::RunJobs),
        release: Command::of::<ReleaseJob>(Permission::RunJobs),
        cancel: Command::of::<CancelJob>(Permission::RunJobs),
    };
    page(
        live(|| ListBackfills {}),
        |facts: &BackfillsFacts| ("Backfill".to_owned(), facts.as_of),
        move |facts| {
            // The form is drawn anew only when its question or the rate has changed.
            let rate = Memo::new(move |_| facts.with(|facts| facts.shown.searches_per_minute));
            let jobs = Signal::derive(move || facts.with(|facts| facts.shown.backfills.clone()));
            view! {
                <Crumbs href="/admin/jobs" label="Jobs" here="Backfill" />
                {part(move || facts.with(|facts| head(&facts.shown)))}
                {part(move || {
                    view! { <StartPanel asked=asked(&query.get()) rate=rate.get() start /> }
                })}
                <section class="stack" aria-labelledby="list">
                    <h2 id="list">"Waiting, running, and ended in the last 7 days"</h2>
                    <Table jobs levers />
                </section>
            }
        },
    )
}

fn head(shown: &Backfills) -> impl IntoView + use<> {
    let count = |state: fn(&Job) -> bool| {
        let jobs = shown.backfills.iter().filter(|job| state(job)).count();
        i64::try_from(jobs).unwrap_or_default()
    };
    let running = count(|job| job.state == JobState::Running);
    let held = count(|job| job.hold.is_some());
    let now = match (running, held) {
        (0, 0) => "No backfill runs.".to_owned(),
        (running, 0) => format!("{} at work.", format::plural(running, "backfill", "backfills")),
        (running, held) => format!("{running} at work, {held} held."),
    };
    let rest = "Each searches the posts of past days, the newest day first. What is known already is \
                not added twice.";
    view! { <PageHead heading="Backfill" now rest /> }
}

#[component]
fn Table(jobs: Signal<Vec<Job>>, levers: Levers) -> impl IntoView {
    let empty = Memo::new(move |_| jobs.with(Vec::is_empty));
    part(move || {
        if empty.get() {
            let why = "Start one above: it can be held and released, and goes on after a crash.";
            return view! { <Empty title="No backfill lately" why /> }.into_any();
        }
        view! {
            <Scroll label="Table of backfills">
                <table>
                    <Head columns=&["Job", "State", "Progress", "Asked for", "#Enqueued", "!Actions"] />
                    <tbody>
                        <Rows each=move || jobs.get() key=key let:job>
                            <BackfillRow job jobs levers />
                        </Rows>
                    </tbody>
                </table>
            </Scroll>
        }
        .into_any()
    })
}
