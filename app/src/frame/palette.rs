//! Going anywhere by typing: pages, runbooks, a job by its number, a search.

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use leptos_router::location::Url;
use signalbox_model::runbook::Incident;

use super::rail::{self, Entry};
use crate::console::Console;
use crate::edge;

/// The element of the dialog.
pub(super) const DIALOG: &str = "palette";

/// So many places are offered at once.
const OFFERED: usize = 9;

/// A place to go to.
struct Place {
    label: String,
    href: String,
}

/// The places that fit what was typed, the best first; `pages` are those that the person may see.
fn places(pages: impl Iterator<Item = &'static Entry>, typed: &str) -> Vec<Place> {
    let typed = typed.trim();
    let wanted = typed.to_ascii_lowercase();
    let place = |label: String, href: String| Place { label, href };
    let pages = pages.map(|page| place(page.label.to_owned(), page.href.to_owned()));
    let runbooks = Incident::ALL.into_iter().map(|incident| {
        let href = format!("/admin/runbooks/{}", incident.name());
        place(format!("Runbook: {}", incident.title()), href)
    });
    let more = [
        ("Backfill", "/admin/jobs/backfill"),
        ("Dead jobs", "/admin/jobs?state=dead"),
        ("Running jobs", "/admin/jobs?state=running"),
        ("Waiting jobs", "/admin/jobs?state=available"),
        ("Change password", "/account/password"),
    ];
    let more = more.into_iter().map(|(label, href)| place(label.to_owned(), href.to_owned()));
    let fits = |place: &Place| place.label.to_ascii_lowercase().contains(&wanted);
    let mut found: Vec<_> = pages.chain(more).chain(runbooks).filter(fits).collect();
    if let Ok(job) = typed.trim_start_matches('#').parse::<u32>() {
        found.insert(0, place(format!("Job {job}"), format!("/admin/jobs/{job}")));
    }
    found.truncate(OFFERED);
    if !typed.is_empty() {
        let q = Url::escape(typed);
        found.push(place(
            format!("Jobs with “{typed}” in their payload"),
            format!("/admin/jobs?q={q}"),
        ));
        found.push(place(format!("Log entries with “{typed}”"), format!("/admin/logs?q={q}")));
        found.push(place(
            format!("Domains with “{typed}” in their name"),
            format!("/domains?q={q}"),
        ));
    }
    found
}

/// The dialog. [`DIALOG`] opens it.
#[component]
pub(super) fn Palette() -> impl IntoView {
    let console = Console::get();
    let typed = RwSignal::new(String::new());
    let navigate = use_navigate();
    let first = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if let Some(place) = places(rail::entries(console), &typed.get_untracked()).first() {
            edge::close_dialog(DIALOG);
            navigate(&place.href, NavigateOptions::default());
        }
    };
    let walk = move |event: KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            _ => return,
        };
        event.prevent_default();
        edge::focus_next("#palette input, #palette a", by);
    };
    let links = move || {
        let link = |Place { label, href }| {
            view! {
                <li>
                    <a href=href>{label}</a>
                </li>
            }
        };
        places(rail::entries(console), &typed.get()).into_iter().map(link).collect::<Vec<_>>()
    };
    view! {
        <dialog id=DIALOG class="palette" aria-label="Go to" on:keydown=walk on:close=move |_| typed.set(String::new())>
            <form on:submit=first>
                <input
                    type="search"
                    autofocus
                    autocomplete="off"
                    placeholder="A page, a job's number, or what you look for"
                    aria-label="A page, a job's number, or what you look for"
                    prop:value=typed
                    on:input=move |event| typed.set(event_target_value(&event))
                />
            </form>
            <ul on:click=move |_| edge::close_dialog(DIALOG)>{links}</ul>
        </dialog>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::{places, rail};

    fn labels(typed: &str) -> Vec<String> {
        places(rail::all(), typed).into_iter().map(|place| place.label).collect()
    }

    #[test]
    fn a_number_is_a_job_and_a_text_can_be_searched_for() {
        assert_eq!(labels("#42")[0], "Job 42");
        assert_eq!(labels("dead l")[0], "Dead letters");
        assert!(labels("stuck").contains(&"Runbook: Stuck jobs".to_owned()));
        let odd = places(rail::all(), "a b&c");
        assert!(
            odd.iter().any(|place| place.href == "/admin/jobs?q=a%20b%26c"),
            "{:?}",
            odd[0].href
        );
        assert_eq!(labels("").len(), super::OFFERED);
    }
}
