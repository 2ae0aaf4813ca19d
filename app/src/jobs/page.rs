//! The list of jobs with its metrics.

use std::collections::BTreeSet;

use leptos::prelude::*;
use signalbox_model::actor::Permission;
use signalbox_model::breaker::BreakerState;
use signalbox_model::format;
use signalbox_model::job::Job;
use signalbox_model::page::Page;
use signalbox_model::saved_view::ViewedList;

use super::api::{Health, JobsFacts, ListJobs, TriggerDiscovery};
use super::bulk::ActOnMany;
use super::filters::{Filters, KNOWN, filter};
use super::metrics::{KindTable, QueueTable};
use super::row::{JobRow, key};
use super::triggers::Triggers;
use crate::components::aspect::of_breaker;
use crate::components::breaker_tile::BreakerTile;
use crate::components::command::Command;
use crate::components::empty::Empty;
use crate::components::live::{live, page, part};
use crate::components::log_table::LogTable;
use crate::components::page_head::{Fresh, PageHead};
use crate::components::pager::pager;
use crate::components::pin::{Newer, Pin};
use crate::components::query::Query;
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};
use crate::saved_views::SavedViews;

/// The page.
#[component]
pub(crate) fn JobsPage() -> impl IntoView {
    let query = Query::current(&KNOWN, "#list");
    let pin = Pin::new(query);
    let discover = Command::of::<TriggerDiscovery>(Permission::RunJobs);
    page(
        live(move || {
            let (filter, last) = filter(&query.get());
            ListJobs { filter, last, newest: pin.newest() }
        }),
        |JobsFacts { health, as_of, .. }| {
            (format!("Jobs ({} waiting)", format::count(waiting(health))), *as_of)
        },
        move |facts| {
            let health = move || facts.with(|facts| facts.health.clone());
            let jobs = Signal::derive(move || facts.with(|facts| facts.jobs.clone()));
            let logs = Signal::derive(move || facts.with(|f| f.health.recent_logs.clone()));
            let newer = Signal::derive(move || facts.with(|facts| facts.newer));
            Effect::new(move |_| pin.keep(jobs.with(|jobs| jobs.items.first().map(|job| job.id))));
            let views = Signal::derive(move || facts.with(|facts| facts.views.clone()));
            view! {
                {part(move || view! { <JobsHead health=health() /> })}
                <Triggers discover />
                {part(move || view! { <Standing health=health() /> })}
                <section class="stack" aria-labelledby="list">
                    <h2 id="list" tabindex="-1">"Jobs"</h2>
                    {part(move || view! { <ListFilters health=health() query=query.get() /> })}
                    <SavedViews list=ViewedList::Jobs views query />
                    <Newer count=newer one="job" many="jobs" pin />
                    <JobTable jobs query />
                </section>
                <LogTable caption="Recent events" logs />
            }
        },
    )
}

fn waiting(health: &Health) -> i64 {
    health.queues.iter().map(|queue| queue.available).sum()
}

#[component]
fn ListFilters(health: Health, query: Query) -> impl IntoView {
    let kinds = health.queues.iter().map(|queue| &queue.kind);
    let kinds = names(kinds.chain(health.metrics.iter().map(|kind| &kind.job_type)));
    let queues = names(health.queues.iter().map(|queue| &queue.queue));
    let providers = names(health.circuit_breakers.iter().map(|breaker| &breaker.provider));
    view! { <Filters query kinds queues providers /> }
}

/// The names, each once, in order.
fn names<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    names.cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

#[component]
fn JobsHead(health: Health) -> impl IntoView {
    let running: i64 = health.queues.iter().map(|queue| queue.running).sum();
    let open = health.circuit_breakers.iter().find(|b| b.state != BreakerState::Closed);
    let now = if health.killed {
        "The kill switch is on: no job starts.".to_owned()
    } else if let Some(breaker) = open {
        format!("{} is {}.", breaker.provider.to_ascii_uppercase(), of_breaker(breaker.state).1)
    } else {
        format!("{} running, {} waiting.", format::plural(running, "job", "jobs"), waiting(&health))
    };
    let dead = health.dead_letter_counts.undecided();
    let rest = match dead {
        0 => "No dead letters.".to_owned(),
        n => format!("{} to look at.", format::plural(n, "dead letter", "dead letters")),
    };
    view! { <PageHead heading="Jobs" now rest /> }
}

#[component]
fn Standing(health: Health) -> impl IntoView {
    let breakers: Vec<_> = health
        .circuit_breakers
        .into_iter()
        .map(|breaker| view! { <BreakerTile breaker /> })
        .collect();
    view! {
        <div class="columns aside">
            <div class="stack">
                <section aria-labelledby="metrics">
                    <div class="section-head">
                        <h2 id="metrics">"Last 24 h by type"</h2>
                        <Fresh />
                    </div>
                    <KindTable metrics=health.metrics />
                </section>
                <section aria-labelledby="queues">
                    <div class="section-head">
                        <h2 id="queues">"Queues now"</h2>
                        <Fresh />
                    </div>
                    <QueueTable queues=health.queues />
                </section>
            </div>
            <div class="breakers" id="breakers">
                {breakers}
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn JobTable(jobs: Signal<Page<Job>>, query: Memo<Query>) -> impl IntoView {
    let empty = Memo::new(move |_| jobs.with(|jobs| jobs.items.is_empty()));
    part(move || {
        if empty.get() {
            return view! { <NoJobs unfiltered=query.get().is_unfiltered() /> }.into_any();
        }
        view! {
            {part(move || view! { <ActOnMany query=query.get() /> })}
            <Scroll label="Table of jobs">
                <table class="list">
                    <Head columns=&[
                        "!Choose",
                        "Id",
                        "Type",
                        "Queue",
                        "State",
                        "#Attempts",
                        "#Duration",
                        "#When",
                        "Payload",
                    ] />
                    <tbody>
                        <Rows each=move || jobs.with(|jobs| jobs.items.clone()) key=key let:job>
                            <JobRow job />
                        </Rows>
                    </tbody>
                </table>
            </Scroll>
            {part(move || jobs.with(|jobs| pager(jobs, "job", "jobs", query.get())))}
        }
        .into_any()
    })
}

#[component]
fn NoJobs(unfiltered: bool) -> impl IntoView {
    if unfiltered {
        return view! { <Empty title="No jobs yet" why="Run discovery above, and watch them here." /> }
            .into_any();
    }
    view! {
        <Empty title="No job matches" why="No job has all of the chosen properties.">
            <a class="button" href="?">
                "Show all jobs"
            </a>
        </Empty>
    }
    .into_any()
}
