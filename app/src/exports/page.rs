//! Downloads. Plain forms: the browser fetches the files by itself.

use leptos::prelude::*;
use signalbox_model::domain::{DateFilter, Domain, DomainList};
use signalbox_model::format;

use crate::components::field::Field;
use crate::components::icon::Icon;
use crate::components::live::{on_demand, page, part};
use crate::components::page_head::PageHead;
use crate::components::query::Query;
use crate::domains::api::ListDomains;

const KNOWN: [&str; 2] = ["domain", "q"];

/// The page.
#[component]
pub(crate) fn ExportsPage() -> impl IntoView {
    let query = Query::current(&KNOWN, "");
    page(
        on_demand(move || ListDomains { range: DateFilter::All, q: query.get().text("q") }),
        |list: &DomainList| ("Exports".to_owned(), list.as_of),
        move |list| part(move || view! { <Exports list=list.get() query=query.get() /> }),
    )
}

#[component]
fn Exports(list: DomainList, query: Query) -> impl IntoView {
    let now = format!("{} to download.", format::plural(list.new.all, "domain is", "domains are"));
    view! {
        <PageHead heading="Exports" now rest="The files are made while you download them." />
        <div class="columns">
            <DomainsCsv list=list.clone() />
            <MentionsCsv domains=list.domains chosen=query.number("domain") q=query.text("q") />
            <Columns />
        </div>
    }
}

#[component]
fn DomainsCsv(list: DomainList) -> impl IntoView {
    let choices: Vec<_> = [
        (DateFilter::All, "Any time", list.new.all),
        (DateFilter::Today, "Today", list.new.today),
        (DateFilter::Week, "Last 7 days", list.new.week),
        (DateFilter::Month, "Last 30 days", list.new.month),
    ]
    .into_iter()
    .map(|(filter, label, rows)| {
        view! {
            <label class="choice">
                <input
                    type="radio"
                    name="dateFilter"
                    value=filter.name()
                    checked=filter == DateFilter::All
                />
                {label}
                " "
                <span class="muted">{format::plural(rows, "row", "rows")}</span>
            </label>
        }
    })
    .collect();
    view! {
        <section class="panel" aria-labelledby="export-domains">
            <h2 id="export-domains">"Domains"</h2>
            <p class="muted">"One row per domain: name, first and last seen, mentions, posts."</p>
            <form method="get" action="/api/domains/export">
                <fieldset>
                    <legend>"First seen"</legend>
                    {choices}
                </fieldset>
                <p class="actions">
                    <button class="button primary">
                        <Icon name="export" />
                        "Download domains"
                    </button>
                </p>
            </form>
        </section>
    }
    .into_any()
}

/// Two steps, so that it works without JavaScript: choose the domain, then download.
#[component]
fn MentionsCsv(domains: Vec<Domain>, chosen: Option<i64>, q: Option<String>) -> impl IntoView {
    let name = chosen.and_then(|id| {
        domains.iter().find(|domain| domain.id == id).map(|domain| domain.display_name.clone())
    });
    let options: Vec<_> = domains
        .into_iter()
        .map(|domain| {
            view! {
                <option value=domain.id selected=chosen == Some(domain.id)>
                    {domain.display_name}
                </option>
            }
        })
        .collect();
    let download = chosen.map(|id| match name {
        Some(name) => view! { <MentionsOf id name /> }.into_any(),
        None => {
            view! { <p class="hint">{format!("No domain of this list has the number {id}.")}</p> }
                .into_any()
        }
    });
    if options.is_empty() {
        let why = match q {
            Some(q) => format!("No domain has “{q}” in its name."),
            None => "No domain was found yet: there is nothing to choose from.".to_owned(),
        };
        return view! {
            <section class="panel" aria-labelledby="export-mentions">
                <h2 id="export-mentions">"Mentions of a domain"</h2>
                <p class="hint">{why}</p>
                <p class="actions">
                    <a class="button" href="/admin/exports">
                        "Show all domains"
                    </a>
                </p>
            </section>
        }
        .into_any();
    }
    view! {
        <section class="panel" aria-labelledby="export-mentions">
            <h2 id="export-mentions">"Mentions of a domain"</h2>
            <p class="muted">"One row per mention: post, link as written, link as it resolves."</p>
            <form method="get" action="/admin/exports" role="search" aria-label="Choose a domain">
                <div class="field">
                    <label for="export-q">"Find"</label>
                    <input type="search" id="export-q" name="q" value=q placeholder="Part of a host" />
                </div>
                <div class="field">
                    <label for="export-domain">"Domain"</label>
                    <select id="export-domain" name="domain">
                        {options}
                    </select>
                </div>
                <p class="actions">
                    <button class="button">"Choose this domain"</button>
                </p>
            </form>
            {download}
        </section>
    }
    .into_any()
}

#[component]
fn MentionsOf(id: i64, name: String) -> impl IntoView {
    view! {
        <form method="get" action=format!("/api/domains/{id}/mentions/export")>
            <h3>{format!("Mentions of {name}")}</h3>
            <Field
                name="since"
                label="Since (optional)"
                required=false
                hint="ISO 8601 in UTC, such as 2026-11-01T00:00:00Z. Empty: from the first mention."
            />
            <p class="actions">
                <button class="button primary">
                    <Icon name="export" />
                    {format!("Download mentions of {name}")}
                </button>
            </p>
        </form>
    }
    .into_any()
}

#[component]
fn Columns() -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="export-columns">
            <h2 id="export-columns">"What is in the files"</h2>
            <div class="prose">
                <p>
                    "RFC 4180, UTF-8, times in UTC as ISO 8601. A cell that a spreadsheet would run as a formula begins with an apostrophe."
                </p>
                <p>"The first line names the columns; the same data is served by the API:"</p>
                <ul>
                    <li>
                        <code>"GET /api/domains/export?dateFilter=all|today|week|month"</code>
                    </li>
                    <li>
                        <code>"GET /api/domains/{id}/mentions/export?since=…"</code>
                    </li>
                </ul>
            </div>
        </section>
    }
    .into_any()
}
