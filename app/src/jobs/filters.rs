//! The filters of the list of jobs: state as tabs, the rest as a form. All of it is in the address.

use leptos::prelude::*;
use signalbox_model::error_class::ErrorClass;
use signalbox_model::job::{JobFilter, JobState};
use signalbox_model::trend::Span;

use crate::components::aspect::state_word;
use crate::components::chips::chips;
use crate::components::query::Query;

/// What the address may carry.
pub(super) const KNOWN: [&str; 11] = [
    "state",
    "kind",
    "queue",
    "provider",
    "errorClass",
    "last",
    "since",
    "until",
    "q",
    "path",
    "cursor",
];

/// Filters that are chosen in the form, with the labels of their chips.
const CHIPS: [(&str, &str); 9] = [
    ("kind", "Type"),
    ("queue", "Queue"),
    ("provider", "Provider"),
    ("errorClass", "Error class"),
    ("last", "Enqueued in the last"),
    ("since", "From"),
    ("until", "Until"),
    ("q", "Payload"),
    ("path", "Field"),
];

/// The filter that the address asks for; how far it looks back is for the server, which has the time.
pub(super) fn filter(query: &Query) -> (JobFilter, Option<Span>) {
    let moment = |name: &str| query.get(name)?.parse().ok();
    let filter = JobFilter {
        state: query.get("state").and_then(JobState::from_name),
        kind: query.text("kind"),
        queue: query.text("queue"),
        provider: query.text("provider"),
        error_class: query.get("errorClass").and_then(ErrorClass::from_name),
        since: moment("since"),
        until: moment("until"),
        q: query.text("q"),
        path: query.text("path"),
        cursor: query.number("cursor"),
        ids: None,
        limit: None,
    };
    (filter, query.get("last").and_then(Span::from_name))
}

/// The filters, with what there is to choose from.
#[component]
pub(super) fn Filters(
    query: Query,
    kinds: Vec<String>,
    queues: Vec<String>,
    providers: Vec<String>,
) -> impl IntoView {
    let chosen = query.get("state").and_then(JobState::from_name);
    let tab = |state: Option<JobState>| {
        let href = match state {
            Some(state) => query.with("state", state.name()),
            None => query.without("state"),
        };
        view! {
            <li>
                <a href=href aria-current=(state == chosen).then_some("true")>
                    {state.map_or("All", state_word)}
                </a>
            </li>
        }
    };
    let tabs: Vec<_> = std::iter::once(None).chain(JobState::ALL.map(Some)).map(tab).collect();
    let classes = ErrorClass::ALL.iter().map(|class| class.name().to_owned()).collect();
    let spans = Span::ALL.iter().map(|span| span.name().to_owned()).collect();
    view! {
        <div class="filters">
            <ul>{tabs}</ul>
        </div>
        <div class="filters">
            <form
                method="get"
                action="/admin/jobs#list"
                role="search"
                aria-label="Filter jobs"
            >
                {chosen.map(|state| view! { <input type="hidden" name="state" value=state.name() /> })}
                <Choice name="kind" any="Any type" options=kinds chosen=query.text("kind") />
                <Choice name="queue" any="Any queue" options=queues chosen=query.text("queue") />
                <Choice
                    name="provider"
                    any="Any provider"
                    options=providers
                    chosen=query.text("provider")
                />
                <Choice
                    name="errorClass"
                    any="Any error class"
                    options=classes
                    chosen=query.text("errorClass")
                />
                <Choice name="last" any="Any time" options=spans chosen=query.text("last") />
                <input
                    type="search"
                    name="q"
                    placeholder="Text in the payload"
                    aria-label="Text in the payload"
                    value=query.text("q")
                />
                <input
                    type="text"
                    name="path"
                    placeholder="Only in field a.b"
                    aria-label="Only in this field of the payload, such as post.id"
                    value=query.text("path")
                />
                <button class="button">"Filter"</button>
            </form>
        </div>
        {chips(&query, &CHIPS)}
    }
    .into_any()
}

#[component]
fn Choice(
    name: &'static str,
    any: &'static str,
    mut options: Vec<String>,
    chosen: Option<String>,
) -> impl IntoView {
    if let Some(chosen) = &chosen
        && !options.contains(chosen)
    {
        options.push(chosen.clone());
    }
    let options: Vec<_> = options
        .into_iter()
        .map(|option| {
            let selected = chosen.as_ref() == Some(&option);
            view! {
                <option value=option.clone() selected=selected>
                    {option.clone()}
                </option>
            }
        })
        .collect();
    view! {
        <select name=name aria-label=any>
            <option value="">{any}</option>
            {options}
        </select>
    }
    .into_any()
}
