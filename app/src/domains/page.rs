//! The list of domains.

use leptos::prelude::*;
use signalbox_model::domain::{DateFilter, Domain, DomainList, NewDomains};
use signalbox_model::format;

use super::api::ListDomains;
use super::row::{DomainRow, key};
use crate::components::chips::chips;
use crate::components::empty::Empty;
use crate::components::freshness::FreshnessLine;
use crate::components::icon::Icon;
use crate::components::live::{live, page, part};
use crate::components::page_head::PageHead;
use crate::components::query::Query;
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};
use crate::overview::Figure;

const KNOWN: [&str; 2] = ["range", "q"];

/// The most rows that the list has.
const ROWS_BOUND: usize = 200;

/// The page.
#[component]
pub(crate) fn DomainsPage() -> impl IntoView {
    let query = Query::current(&KNOWN, "");
    page(
        live(move || {
            let query = query.get();
            ListDomains { range: range(&query), q: query.text("q") }
        }),
        |list: &DomainList| (format!("Domains ({})", format::count(list.new.all)), list.as_of),
        move |list| {
            let new = move || list.with(|list| list.new);
            let domains = Signal::derive(move || list.with(|list| list.domains.clone()));
            view! {
                {part(move || view! { <ListHead new=new() range=range(&query.get()) /> })}
                {part(move || view! { <NewFigures new=new() /> })}
                {part(move || {
                    view! { <FreshnessLine freshness=list.with(|list| list.freshness) /> }
                })}
                {part(move || {
                    let query = query.get();
                    view! { <Filters chosen=range(&query) query /> }
                })}
                <DomainTable domains query />
            }
        },
    )
}

#[component]
fn ListHead(new: NewDomains, range: DateFilter) -> impl IntoView {
    let now = format!(
        "{}, {} new today.",
        format::plural(new.all, "domain", "domains"),
        format::count(new.today)
    );
    let csv = format!("/api/domains/export?dateFilter={}", range.name());
    view! {
        <PageHead heading="Domains" now rest="Found in posts, comments and pages.">
            <a class="button primary" href=csv rel="external" download>
                <Icon name="export" />
                "Download CSV"
            </a>
        </PageHead>
    }
}

/// The range that the address asks for; everything, if it asks for none that there is.
fn range(query: &Query) -> DateFilter {
    query.get("range").and_then(|name| DateFilter::from_name(name).ok()).unwrap_or_default()
}

#[component]
fn NewFigures(new: NewDomains) -> impl IntoView {
    view! {
        <dl class="figures">
            <Figure name="New today" value=format::count(new.today) note="since 00:00 UTC" />
            <Figure name="New this week" value=format::count(new.week) note="7 days" />
            <Figure name="New this month" value=format::count(new.month) note="30 days" />
            <Figure name="All" value=format::count(new.all) note="since the beginning" />
        </dl>
    }
    .into_any()
}

#[component]
fn Filters(query: Query, chosen: DateFilter) -> impl IntoView {
    let tabs: Vec<_> = DateFilter::ALL
        .into_iter()
        .map(|range| {
            let label = match range {
                DateFilter::All => "All",
                DateFilter::Today => "Today",
                DateFilter::Week => "Week",
                DateFilter::Month => "Month",
            };
            view! {
                <li>
                    <a
                        href=query.with("range", range.name())
                        aria-current=(range == chosen).then_some("true")
                    >
                        {label}
                    </a>
                </li>
            }
        })
        .collect();
    view! {
        <div class="filters">
            <ul>{tabs}</ul>
            <form method="get" action="/domains" role="search" aria-label="Find a domain">
                <input type="hidden" name="range" value=chosen.name() />
                <input
                    type="search"
                    name="q"
                    placeholder="Part of a host"
                    aria-label="Part of a host"
                    value=query.text("q")
                />
                <button class="button">"Find"</button>
            </form>
        </div>
        {chips(&query, &[("q", "Host")])}
    }
    .into_any()
}

#[component]
fn DomainTable(domains: Signal<Vec<Domain>>, query: Memo<Query>) -> impl IntoView {
    let count = Memo::new(move |_| domains.with(Vec::len));
    let empty = Memo::new(move |_| count.get() == 0);
    part(move || {
        if empty.get() {
            return view! { <NoDomains unfiltered=query.get().is_unfiltered() /> }.into_any();
        }
        view! {
            <Scroll label="Table of domains">
                <table>
                    <Head columns=&["Host", "First seen", "Last seen", "#Mentions", "#Posts"] />
                    <tbody>
                        <Rows each=move || domains.get() key=key let:domain>
                            <DomainRow domain />
                        </Rows>
                    </tbody>
                </table>
            </Scroll>
            <p class="hint">{part(move || shown(count.get()))}</p>
        }
        .into_any()
    })
}

fn shown(count: usize) -> String {
    if count >= ROWS_BOUND {
        format!("The newest {ROWS_BOUND} domains; narrow the range or search for the others.")
    } else {
        format!("{count} of this range, newest first")
    }
}

#[component]
fn NoDomains(unfiltered: bool) -> impl IntoView {
    if unfiltered {
        return view! {
            <Empty title="No domains yet" why="They appear when a discovery has run.">
                <a class="button" href="/admin/jobs">
                    "Go to the jobs"
                </a>
            </Empty>
        }
        .into_any();
    }
    view! {
        <Empty title="No domain matches" why="None was first seen then, or none has this name.">
            <a class="button" href="?">
                "Show all domains"
            </a>
        </Empty>
    }
    .into_any()
}
