//! The filters of the list of jobs: state as tabs, the rest as a form. All of it is in the address.

use leptos::prelude::*;
use signalbox_model::job::{JobFilter, JobState};

use crate::components::aspect::state_word;
use crate::components::query::Query;

/// What the address may carry.
pub(super) const KNOWN: [&str; 5] = ["state", "kind", "queue", "q", "cursor"];

/// The filter that the address asks for.
pub(super) fn filter(query: &Query) -> JobFilter {
    JobFilter {
        state: query.get("state").and_then(JobState::from_name),
        kind: query.text("kind"),
        queue: query.text("queue"),
        q: query.text("q"),
        cursor: query.number("cursor"),
        limit: None,
    }
}

/// The filters. `kinds` and `queues` are those to choose from.
#[component]
pub(super) fn Filters(query: Query, kinds: Vec<String>, queues: Vec<String>) -> impl IntoView {
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
    let chips: Vec<_> = [("kind", "Type"), ("queue", "Queue"), ("q", "Payload")]
        .into_iter()
        .filter_map(|(name, label)| {
            let value = query.text(name)?;
            Some(view! {
                <a class="chip" href=query.without(name)>
                    {format!("{label}: {value}")}
                    <span class="unseen">", remove this filter"</span>
                </a>
            })
        })
        .collect();
    let clear = (!query.is_unfiltered()).then(|| view! { <a href="?">"Clear all"</a> });
    view! {
        <div class="filters">
            <ul>{tabs}</ul>
            <form method="get" action="/admin/jobs#list" role="search" aria-label="Filter jobs">
                {chosen
                    .map(|state| {
                        view! { <input type="hidden" name="state" value=state.name() /> }
                    })}
                <Choice name="kind" any="Any type" options=kinds chosen=query.text("kind") />
                <Choice name="queue" any="Any queue" options=queues chosen=query.text("queue") />
                <input
                    type="search"
                    name="q"
                    placeholder="Text in the payload"
                    aria-label="Text in the payload"
                    value=query.text("q")
                />
                <button class="button">"Filter"</button>
            </form>
        </div>
        <div class="filters">{chips} {clear}</div>
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
