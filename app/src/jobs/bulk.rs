//! Acting on many jobs: those chosen in the list, or all that its filters find.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use signalbox_model::actor::Permission;
use signalbox_model::format;
use signalbox_model::job::JobFilter;
use signalbox_model::job_bulk::{JOBS_AT_ONCE, JobAction, JobsPreview};
use signalbox_model::metrics::COUNT_CAP;
use signalbox_model::trend::Span;

use super::api::{ActOnJobs, ManyFacts, PreviewJobs};
use super::filters::{KNOWN, filter};
use crate::components::choose::{ActOnChosen, chosen};
use crate::components::command::{Command, CommandForm};
use crate::components::empty::Empty;
use crate::components::field::{ConfirmCount, Field};
use crate::components::live::{on_demand, page, part};
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::query::Query;
use crate::components::submit::Submit;
use crate::overview::capped;

/// Where a command on many jobs is previewed.
const PAGE: &str = "/admin/jobs/bulk";

/// The ways from the list to the preview.
#[component]
pub(super) fn ActOnMany(query: Query) -> impl IntoView {
    let all: Vec<_> = JobAction::ALL
        .map(|action| {
            let href = format!("{PAGE}{}", query.with("action", action.name()));
            let href = href.split('#').next().unwrap_or_default().to_owned();
            view! {
                <a class="button small" href=href>
                    {format!("{}…", action.verb())}
                </a>
            }
        })
        .into_iter()
        .collect();
    view! {
        <div class="filters">
            <ActOnChosen
                things="jobs"
                page=PAGE
                actions=JobAction::ALL.map(|action| (action.name(), action.verb())).to_vec()
            />
            <span class="inline" role="group" aria-label="Act on all jobs that match">
                <span class="muted">"All that match:"</span>
                {all}
            </span>
        </div>
    }
    .into_any()
}

/// What the address asks for.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    action: JobAction,
    filter: JobFilter,
    last: Option<Span>,
}

impl Asked {
    fn current() -> Memo<Asked> {
        let search = use_location().query;
        let query = Query::current(&KNOWN, "");
        Memo::new(move |_| {
            let (filter, last) = filter(&query.get());
            search.with(|search| {
                let action = search.get("action").and_then(|name| JobAction::from_name(&name));
                let filter = JobFilter { ids: chosen(search), cursor: None, ..filter.clone() };
                Asked { action: action.unwrap_or(JobAction::Hold), filter, last }
            })
        })
    }

    /// The filter as a form carries it.
    fn json(&self) -> String {
        serde_json::to_string(&self.filter).unwrap_or_default()
    }
}

/// The preview, and the form that does it.
#[component]
pub(crate) fn JobsBulkPage() -> impl IntoView {
    let asked = Asked::current();
    let act = Command::of::<ActOnJobs>(Permission::RunJobs).then_follow();
    page(
        on_demand(move || {
            let asked = asked.get();
            PreviewJobs { action: asked.action, filter: asked.json(), last: asked.last }
        }),
        |facts: &ManyFacts| ("Act on many jobs".to_owned(), facts.as_of),
        move |facts| {
            part(move || {
                let preview = facts.with(|facts| facts.preview);
                view! { <Preview preview asked=asked.get_untracked() act /> }
            })
        },
    )
}

#[component]
fn Preview(preview: JobsPreview, asked: Asked, act: Command) -> impl IntoView {
    let next = preview.next();
    let heading = format!("{} {}", asked.action.verb(), format::plural(next, "job", "jobs"));
    let Some(up_to) = preview.up_to else {
        return view! {
            <Crumbs href="/admin/jobs" label="Jobs" here="Act on many" />
            <PageHead heading="Nothing to do" now="No job matches that this can be done with." />
            <Empty
                title="No job matches"
                why="Those chosen have ended, or are so already. Only jobs that wait or run can be cancelled or held, and only held ones released."
            />
        }
        .into_any();
    };
    let now = if preview.count > JOBS_AT_ONCE {
        let all = if preview.count >= COUNT_CAP {
            capped(preview.count)
        } else {
            format::count(preview.count)
        };
        format!("{all} match; the oldest {} go first.", format::count(JOBS_AT_ONCE))
    } else {
        "All of them, or none if anything goes wrong.".to_owned()
    };
    let confirm = (asked.action == JobAction::Cancel).then(|| {
        view! {
            <ConfirmCount count=next hint="The number of jobs that will be cancelled." />
        }
    });
    let class = if asked.action == JobAction::Cancel { "button danger" } else { "button primary" };
    view! {
        <Crumbs href="/admin/jobs" label="Jobs" here="Act on many" />
        <PageHead heading=heading.clone() now rest=effect(asked.action) />
        <section class="panel" aria-label="Confirm">
            <CommandForm action=act class="stack">
                <input type="hidden" name="action" value=asked.action.name() />
                <input type="hidden" name="filter" value=asked.json() />
                {asked
                    .last
                    .map(|span| view! { <input type="hidden" name="last" value=span.name() /> })}
                <input type="hidden" name="up_to" value=up_to />
                <input type="hidden" name="jobs" value=next />
                <Field name="reason" label="Reason" hint="Kept in the audit log." />
                {confirm}
                <p class="actions">
                    <Submit class=class pending=act.pending()>
                        {heading}
                    </Submit>
                    <a class="button" href="/admin/jobs">
                        "Leave them"
                    </a>
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}

fn effect(action: JobAction) -> &'static str {
    match action {
        JobAction::Cancel => {
            "They stop and are not tried again. What they have stored stays. This cannot be undone."
        }
        JobAction::Hold => {
            "They wait until somebody releases them; those that run are stopped first. No attempt is spent."
        }
        JobAction::Release => "They go on, and are due when they were due before.",
    }
}
