//! Dead letters by what went wrong.

use leptos::prelude::*;
use leptos_router::location::Url;
use signalbox_model::Timestamp;
use signalbox_model::bulk_operation::BulkAction;
use signalbox_model::dead_letter::{DeadLetterGroup, DeadLetterGroups, Standing};
use signalbox_model::format;

use crate::components::aspect::{Aspect, State};
use crate::components::scroll::{Head, Scroll};
use crate::components::spark::Spark;
use crate::components::time::Time;

/// The page where `action` on the letters of `query` (`kind=…&fingerprint=…`) is previewed.
pub(super) fn preview(action: BulkAction, query: &str) -> String {
    format!("/admin/dead-letter-queue/bulk?action={}&{query}", action.name())
}

/// The largest groups, if there is more than one letter to group.
#[component]
pub(super) fn Groups(groups: DeadLetterGroups) -> impl IntoView {
    if groups.groups.is_empty() {
        return ().into_any();
    }
    let shown = i64::try_from(groups.groups.len()).unwrap_or(i64::MAX);
    let more = (groups.total > shown).then(|| {
        format!("The {} largest of {} groups.", format::count(shown), format::count(groups.total))
    });
    let as_of = groups.as_of;
    let rows: Vec<_> = groups.groups.into_iter().map(|group| row(group, as_of)).collect();
    view! {
        <section class="stack" aria-labelledby="groups">
            <h2 id="groups">"What went wrong"</h2>
            <Scroll label="Table of groups">
                <table>
                    <Head columns=&[
                        "Error",
                        "Standing",
                        "#Letters",
                        "Job types",
                        "First failure",
                        "Last failure",
                        "Last 24 h",
                        "!Actions",
                    ] />
                    <tbody>{rows}</tbody>
                </table>
            </Scroll>
            {more.map(|more| view! { <p class="hint">{more}</p> })}
        </section>
    }
    .into_any()
}

const fn of_standing(standing: Standing) -> (Aspect, &'static str) {
    match standing {
        Standing::New => (Aspect::Danger, "New"),
        Standing::CameBack => (Aspect::Danger, "Came back"),
        Standing::Known => (Aspect::Caution, "Known"),
        Standing::Resolved => (Aspect::Clear, "Resolved"),
        Standing::Ignored => (Aspect::Idle, "Ignored"),
    }
}

fn row(group: DeadLetterGroup, now: Timestamp) -> impl IntoView {
    let (aspect, word) = of_standing(group.standing(now));
    let query = format!("fingerprint={}", Url::escape(&group.fingerprint));
    let list = format!("/admin/dead-letter-queue?{query}#letters");
    let day: i64 = group.per_hour.iter().sum();
    let trend = format!("{} in the last 24 h", format::plural(day, "failure", "failures"));
    let waiting = format!("{} pending", format::count(group.pending));
    view! {
        <tr>
            <th scope="row" class="wide">
                <a href=list title=group.sample_error.clone()>
                    {format::shorten(&group.sample_error, 120)}
                </a>
                <span class="sub">{group.error_class.remedy()}</span>
                <span class="sub">{group.fingerprint.clone()}</span>
            </th>
            <td>
                <State of=aspect word />
            </td>
            <td class="num">
                {format::count(group.count)} <span class="sub">{waiting}</span>
            </td>
            <td>{group.kinds.join(", ")}</td>
            <td class="nowrap">
                <Time at=group.first_failed_at />
            </td>
            <td class="nowrap">
                <Time at=group.last_failed_at />
            </td>
            <td>
                <Spark counts=group.per_hour label=trend />
            </td>
            <td class="row-actions">
                <div>{(group.pending > 0).then(|| actions(&query, &group.fingerprint))}</div>
            </td>
        </tr>
    }
    .into_any()
}

/// The three ways to act on the letters of `query`; `name` says which they are to those who
/// cannot see the row.
pub(super) fn actions(query: &str, name: &str) -> impl IntoView + use<> {
    [
        (BulkAction::RedriveCanary, "Try a few first…"),
        (BulkAction::Retry, "Retry all…"),
        (BulkAction::Delete, "Delete all…"),
    ]
    .map(|(action, label)| {
        view! {
            <a class="button small" href=preview(action, query)>
                {label}
                <span class="unseen">{format!(" {name}")}</span>
            </a>
        }
    })
    .collect_view()
}
