//! One domain: when it was mentioned, where, how.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use signalbox_model::domain::{Domain, DomainDetail, Mention, MentionsOnDay};
use signalbox_model::format;

use super::api::ReadDomain;
use super::row::{MentionRow, OutsideLink};
use crate::components::bar_chart::BarChart;
use crate::components::freshness::FreshnessLine;
use crate::components::icon::Icon;
use crate::components::live::{live, page, part};
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};
use crate::components::time::Time;

/// The page.
#[component]
pub(crate) fn DomainPage() -> impl IntoView {
    let params = use_params_map();
    // No domain has the number 0: an address without a number shows that there is none.
    let id = move || params.with(|p| p.get("id").and_then(|id| id.parse().ok()).unwrap_or(0));
    page(
        live(move || ReadDomain { id: id() }),
        |detail: &DomainDetail| (detail.domain.display_name.clone(), detail.as_of),
        |detail| {
            let mentions = Signal::derive(move || detail.with(|detail| detail.mentions.clone()));
            view! {
                {part(move || view! { <DomainHead domain=detail.get().domain /> })}
                <div class="columns aside">
                    <div class="stack">
                        <div class="panel">{part(move || detail.with(chart))}</div>
                        {part(move || {
                            view! { <FreshnessLine freshness=detail.with(|d| d.freshness) /> }
                        })}
                        <Mentions mentions />
                    </div>
                    {part(move || {
                        let DomainDetail { domain, top_posts, .. } = detail.get();
                        view! { <Facts domain top_posts /> }
                    })}
                </div>
            }
        },
    )
}

#[component]
fn DomainHead(domain: Domain) -> impl IntoView {
    let now = format!(
        "{} in {}.",
        format::plural(domain.mentions, "mention", "mentions"),
        format::plural(domain.posts, "post", "posts")
    );
    let csv = format!("/api/domains/{}/mentions/export", domain.id);
    view! {
        <Crumbs href="/domains" label="Domains" here=domain.display_name.clone() />
        <PageHead heading=domain.display_name now>
            <a class="button primary" href=csv rel="external" download>
                <Icon name="export" />
                "Download mentions"
            </a>
        </PageHead>
    }
}

fn chart(detail: &DomainDetail) -> impl IntoView + use<> {
    let label = |day: &MentionsOnDay| (day.day.to_string(), day.mentions);
    let bars = detail.per_day.iter().map(label).collect();
    view! { <BarChart title="Mentions per day, last 30 days" bars /> }
}

#[component]
fn Mentions(mentions: Signal<Vec<Mention>>) -> impl IntoView {
    view! {
        <Scroll label="Table of mentions">
            <table>
                <caption>"Latest mentions"</caption>
                <Head columns=&["Seen", "Post", "Found in", "As written", "Resolved", "Kind"] />
                <tbody>
                    <Rows each=move || mentions.get() key=|mention| mention.id let:mention>
                        <MentionRow mention />
                    </Rows>
                </tbody>
            </table>
        </Scroll>
    }
}

#[component]
fn Facts(domain: Domain, top_posts: Vec<(String, i64)>) -> impl IntoView {
    let posts: Vec<_> = top_posts
        .into_iter()
        .map(|(url, n)| {
            view! {
                <li>
                    <OutsideLink href=url />
                    " "
                    <span class="muted">{format::plural(n, "mention", "mentions")}</span>
                </li>
            }
        })
        .collect();
    view! {
        <aside class="panel" aria-label="Facts of this domain">
            <h2>"Facts"</h2>
            <dl class="facts">
                <dt>"Host"</dt>
                <dd class="id">{domain.name}</dd>
                <dt>"First seen"</dt>
                <dd>
                    <Time at=domain.first_seen_at />
                </dd>
                <dt>"Last seen"</dt>
                <dd>
                    <Time at=domain.last_seen_at />
                </dd>
                <dt>"Mentions"</dt>
                <dd>{format::count(domain.mentions)}</dd>
                <dt>"Posts"</dt>
                <dd>{format::count(domain.posts)}</dd>
            </dl>
            <h3>"Top posts"</h3>
            <ol class="stack">{posts}</ol>
        </aside>
    }
    .into_any()
}
