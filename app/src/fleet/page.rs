//! The workers and the scheduler, and the levers of both.

use leptos::prelude::*;
use signalbox_model::actor::Permission;
use signalbox_model::fleet::{Fleet, Part, Stop};
use signalbox_model::format;

use super::api::{FleetFacts, ReadFleet, TurnFleet};
use super::row::WorkerRow;
use crate::components::command::{Command, CommandForm};
use crate::components::empty::Empty;
use crate::components::field::Field;
use crate::components::live::{live, page, part};
use crate::components::page_head::PageHead;
use crate::components::query::Query;
use crate::components::scroll::{Head, Scroll};
use crate::components::submit::Submit;
use crate::components::time::Time;

/// The page. `?part=` names the worker whose lever is shown.
#[component]
pub(crate) fn WorkersPage() -> impl IntoView {
    let query = Query::current(&["part"], "#worker");
    let turn = Command::of::<TurnFleet>(Permission::OperateWorkers);
    page(
        live(|| ReadFleet {}),
        |facts: &FleetFacts| ("Workers".to_owned(), facts.as_of),
        move |facts| {
            // Forms are drawn anew only when a stop has changed: what is being typed stays.
            let chosen = Memo::new(move |_| {
                let id = query.get().text("part")?;
                facts.with(|facts| {
                    let mut workers = facts.fleet.workers.iter();
                    let worker = workers.find(|worker| worker.id == id && worker.alive)?;
                    Some((worker.name.clone(), Part::Worker(id), worker.stop.clone()))
                })
            });
            let stop_of = move |part: Part| {
                Memo::new(move |_| facts.with(|facts| facts.fleet.stop_of(&part).cloned()))
            };
            let (workers, scheduler) = (stop_of(Part::Workers), stop_of(Part::Scheduler));
            view! {
                {part(move || facts.with(|facts| head(&facts.fleet)))}
                {part(move || {
                    chosen
                        .get()
                        .map(|(name, part, stop)| {
                            view! { <Lever name part stop turn /> }
                        })
                })}
                {part(move || view! { <Workers fleet=facts.with(|facts| facts.fleet.clone()) /> })}
                <div class="columns">
                    {part(move || {
                        let stop = workers.get();
                        view! { <Lever part=Part::Workers stop turn /> }
                    })}
                    {part(move || {
                        let stop = scheduler.get();
                        view! { <Lever part=Part::Scheduler stop turn /> }
                    })}
                </div>
            }
        },
    )
}

const ONE: &str = "It takes no more jobs; those it runs end. The others take over its share.";
const ALL: &str = "No worker takes a job, those started later included; what runs now ends. To \
                   interrupt that too, pull the kill switch.";
const TICKS: &str = "No schedule ticks. Upkeep goes on. When it is started, each schedule makes up \
                     for its missed ticks by its own rule.";

fn head(fleet: &Fleet) -> impl IntoView + use<> {
    let at_work = i64::try_from(fleet.at_work()).unwrap_or(i64::MAX);
    let now = match (&fleet.stop, at_work) {
        (Some(stop), _) => format!("All workers are stopped: {}", stop.reason),
        (None, 0) => "No worker takes jobs.".to_owned(),
        (None, n) => format!("{} jobs.", format::plural(n, "worker takes", "workers take")),
    };
    let rest = match (&fleet.scheduler.stop, fleet.scheduler.leads_since) {
        (Some(stop), _) => format!("The scheduler is stopped: {}", stop.reason),
        (None, Some(_)) => "The scheduler ticks.".to_owned(),
        (None, None) => "No scheduler is alive: start one.".to_owned(),
    };
    view! { <PageHead heading="Workers" now rest /> }
}

#[component]
fn Workers(fleet: Fleet) -> impl IntoView {
    if fleet.workers.is_empty() {
        return view! {
            <Empty
                title="No worker is registered"
                why="Jobs wait until one is started: signalbox worker, or signalbox serve."
            />
        }
        .into_any();
    }
    let all_stopped = fleet.stop.is_some();
    let rows = fleet.workers.into_iter();
    let rows: Vec<_> = rows.map(|worker| view! { <WorkerRow worker all_stopped /> }).collect();
    view! {
        <Scroll label="Table of workers">
            <table>
                <Head columns=&[
                    "Worker",
                    "State",
                    "#Running",
                    "Started",
                    "Last heard",
                    "!Actions",
                ] />
                <tbody>{rows}</tbody>
            </table>
        </Scroll>
    }
    .into_any()
}

/// Stops a part, or starts it again.
#[component]
fn Lever(
    /// The name of the one worker.
    #[prop(optional)]
    name: String,
    part: Part,
    stop: Option<Stop>,
    turn: Command,
) -> impl IntoView {
    let (id, title, whom, effect) = match &part {
        Part::Workers => ("workers", "All workers", "all workers".to_owned(), ALL),
        Part::Scheduler => ("scheduler", "Scheduler", "the scheduler".to_owned(), TICKS),
        Part::Worker(_) => ("worker", "One worker", format!("worker {name}"), ONE),
    };
    let stopped = stop.is_some();
    let (verb, class) = if stopped { ("Start", "button primary") } else { ("Stop", "button") };
    let button = format!("{verb} {whom}");
    let label = format!("Reason to {} {whom}", verb.to_ascii_lowercase());
    let since = stop.map(|Stop { reason, by, at }| {
        view! {
            <p>
                "Stopped " <Time at /> {format!(" by {by}: {reason}")}
            </p>
        }
    });
    let effect = (!stopped).then(|| view! { <p class="hint">{effect}</p> });
    view! {
        <section class="panel" aria-labelledby=id>
            <h2 id=id>{title}</h2>
            {since}
            {effect}
            <CommandForm action=turn>
                <input type="hidden" name="part" value=part.name().to_owned() />
                <input type="hidden" name="stop" value=(!stopped).to_string() />
                <Field name="reason" id=format!("{id}-reason") label />
                <p class="actions">
                    <Submit class pending=turn.pending()>
                        {button}
                    </Submit>
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}
