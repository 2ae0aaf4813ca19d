//! A domain and a mention as rows.

use leptos::prelude::*;
use signalbox_model::domain::{Domain, Mention};
use signalbox_model::format;

use crate::components::time::Time;

/// What a row depends on: a row whose key stays is left alone by an update.
pub(super) fn key(domain: &Domain) -> String {
    format!("{} {} {}", domain.id, domain.mentions, domain.last_seen_at)
}

/// A domain.
#[component]
pub(super) fn DomainRow(domain: Domain) -> impl IntoView {
    let ascii = (domain.name != domain.display_name)
        .then(|| view! { <span class="id muted">" " {domain.name.clone()}</span> });
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/domains/{}", domain.id)>{domain.display_name}</a>
                {ascii}
            </th>
            <td class="nowrap">
                <Time at=domain.first_seen_at />
            </td>
            <td class="nowrap">
                <Time at=domain.last_seen_at />
            </td>
            <td class="num">{format::count(domain.mentions)}</td>
            <td class="num">{format::count(domain.posts)}</td>
        </tr>
    }
    .into_any()
}

/// A mention.
#[component]
pub(super) fn MentionRow(mention: Mention) -> impl IntoView {
    let kind = if mention.spelled_out { "spelled out" } else { "link" };
    view! {
        <tr>
            <td class="nowrap">
                <Time at=mention.seen_at />
            </td>
            <td class="clip">
                <OutsideLink href=mention.post_url />
            </td>
            <td>{mention.source.name()}</td>
            <td class="clip id">{mention.raw_url}</td>
            <td class="clip id">{mention.final_url}</td>
            <td class="nowrap">{kind}</td>
        </tr>
    }
    .into_any()
}

/// A link to a post. What is not a web address is shown as text: it came from outside.
#[component]
pub(super) fn OutsideLink(href: String) -> impl IntoView {
    let short = format::shorten(href.trim_start_matches("https://"), 60);
    if href.starts_with("https://") || href.starts_with("http://") {
        view! {
            <a class="id" href=href rel="external noopener noreferrer nofollow">
                {short}
            </a>
        }
        .into_any()
    } else {
        view! { <span class="id">{short}</span> }.into_any()
    }
}
