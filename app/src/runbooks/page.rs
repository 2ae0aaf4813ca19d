//! The runbooks: which incident is happening.

use leptos::prelude::*;
use signalbox_model::format;

use super::api::{ListRunbooks, RunbookLine, RunbooksFacts};
use crate::components::aspect::{Aspect, State};
use crate::components::live::{live, page, part};
use crate::components::page_head::PageHead;
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};
use crate::components::time::Time;

/// The page.
#[component]
pub(crate) fn RunbooksPage() -> impl IntoView {
    page(
        live(|| ListRunbooks {}),
        |facts: &RunbooksFacts| {
            (format!("Runbooks ({} happening)", happening(&facts.lines)), facts.as_of)
        },
        move |facts| {
            view! {
                {part(move || facts.with(|facts| head(&facts.lines)))}
                <Scroll label="Table of runbooks">
                    <table>
                        <Head columns=&["Incident", "State", "What shows it", "Taken on"] />
                        <tbody>
                            <Rows
                                each=move || facts.with(|facts| facts.lines.clone())
                                key=key
                                let:line
                            >
                                <Line line />
                            </Rows>
                        </tbody>
                    </table>
                </Scroll>
            }
        },
    )
}

fn happening(lines: &[RunbookLine]) -> usize {
    lines.iter().filter(|line| !line.shows.is_empty()).count()
}

/// What a row depends on: a row whose key stays is left alone by an update.
fn key(line: &RunbookLine) -> String {
    let taken = line.taken_on.as_ref().map(|(by, _)| by.as_str()).unwrap_or_default();
    format!("{} {taken} {}", line.incident.name(), line.shows.join(" "))
}

fn head(lines: &[RunbookLine]) -> impl IntoView + use<> {
    let now = match happening(lines) {
        0 => "Nothing is happening.".to_owned(),
        1 => "One incident is happening.".to_owned(),
        n => format!("{n} incidents are happening."),
    };
    let rest = "Each opens on its four steps, already looked up: detection, diagnosis, mitigation, \
                verification.";
    view! { <PageHead heading="Runbooks" now rest /> }
}

#[component]
fn Line(line: RunbookLine) -> impl IntoView {
    let RunbookLine { incident, shows, taken_on } = line;
    let (of, word) =
        if shows.is_empty() { (Aspect::Clear, "In order") } else { (Aspect::Danger, "Happening") };
    let taken = taken_on.map(|(by, at)| {
        view! {
            {by}
            <span class="sub">
                <Time at />
            </span>
        }
    });
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/admin/runbooks/{}", incident.name())>{incident.title()}</a>
                <span class="sub">{incident.symptom()}</span>
            </th>
            <td>
                <State of word />
            </td>
            <td class="wide">{format::shorten(&shows.join(" · "), 300)}</td>
            <td>{taken}</td>
        </tr>
    }
    .into_any()
}
