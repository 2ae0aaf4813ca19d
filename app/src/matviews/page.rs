//! The materialized views: whether they are read, how old they are, refresh.

use leptos::prelude::*;
use signalbox_model::actor::Permission;
use signalbox_model::format;
use signalbox_model::matview::{Happened, Matview, Matviews, ViewSource};

use super::api::{MatviewsFacts, ReadMatviews, RefreshMatviews, SwitchMatviews};
use crate::components::command::{Command, CommandForm};
use crate::components::live::{live, page, part};
use crate::components::log_table::LogTable;
use crate::components::page_head::PageHead;
use crate::components::scroll::{Head, Scroll};
use crate::components::submit::Submit;
use crate::components::time::{MaybeTime, Time};

/// The page.
#[component]
pub(crate) fn MatviewsPage() -> impl IntoView {
    let switch = Command::of::<SwitchMatviews>(Permission::ChangeSettings);
    let refresh = Command::of::<RefreshMatviews>(Permission::RunJobs);
    page(
        live(|| ReadMatviews {}),
        |facts: &MatviewsFacts| ("Materialized views".to_owned(), facts.matviews.as_of),
        move |facts| {
            let history = Signal::derive(move || facts.with(|facts| facts.history.clone()));
            let matviews = move || facts.with(|facts| facts.matviews.clone());
            view! {
                {part(move || view! { <MatviewsHead matviews=matviews() switch refresh /> })}
                {part(move || view! { <Troubles matviews=matviews() /> })}
                {part(move || view! { <Views views=matviews().views /> })}
                <LogTable caption="History" logs=history />
            }
        },
    )
}

#[component]
fn MatviewsHead(matviews: Matviews, switch: Command, refresh: Command) -> impl IntoView {
    let now = match (matviews.enabled, matviews.reading.source) {
        (false, _) => "Off: pages read the plain views.",
        (true, ViewSource::Materialized) => "On: pages read the materialized views.",
        (true, ViewSource::Plain) => "On, but too old: pages read the plain views.",
    };
    let refreshing = if matviews.refreshing { " A refresh is under way." } else { "" };
    let rest = format!(
        "They are refreshed every 5 min, and not read when older than {} min.{refreshing}",
        matviews.max_age_minutes
    );
    let label = if matviews.enabled { "Turn off" } else { "Turn on" };
    view! {
        <PageHead heading="Materialized views" now rest>
            <CommandForm action=switch>
                <input type="hidden" name="on" value=(!matviews.enabled).to_string() />
                <Submit pending=switch.pending()>{label}</Submit>
            </CommandForm>
            <CommandForm action=refresh>
                <Submit class="button primary" pending=refresh.pending()>
                    "Refresh now"
                </Submit>
            </CommandForm>
        </PageHead>
    }
}

#[component]
fn Troubles(matviews: Matviews) -> impl IntoView {
    let failed = matviews
        .failed
        .map(|happened| trouble("notice notice-danger", "The last refresh failed", happened));
    let skipped = matviews
        .skipped
        .map(|happened| trouble("notice notice-warn", "The last refresh was skipped", happened));
    view! {
        {failed}
        {skipped}
    }
}

fn trouble(class: &'static str, what: &'static str, happened: Happened) -> impl IntoView {
    view! {
        <div class=class>
            <div>
                <strong>{what}</strong>
                " "
                <Time at=happened.at />
                ": "
                {happened.what}
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn Views(views: Vec<Matview>) -> impl IntoView {
    let rows: Vec<_> = views
        .into_iter()
        .map(|view| {
            view! {
                <tr>
                    <th scope="row" class="id">
                        {view.name}
                    </th>
                    <td class="nowrap">
                        <MaybeTime at=view.refreshed_at />
                    </td>
                    <td class="num">
                        {view.duration_ms.map_or_else(|| "–".to_owned(), format::duration_ms)}
                    </td>
                    <td class="num">
                        {view.rows.map_or_else(|| "–".to_owned(), format::count)}
                    </td>
                </tr>
            }
        })
        .collect();
    view! {
        <Scroll label="Table of materialized views">
            <table>
                <Head columns=&["View", "Refreshed", "#Took", "#Rows"] />
                <tbody>{rows}</tbody>
            </table>
        </Scroll>
    }
    .into_any()
}
