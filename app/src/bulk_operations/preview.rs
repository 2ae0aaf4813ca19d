//! What an operation would touch, and the form that starts it.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use signalbox_model::actor::Permission;
use signalbox_model::bulk_operation::{BulkAction, BulkPreview, RATE_BOUND};
use signalbox_model::dead_letter::DeadLetterFilter;
use signalbox_model::error_class::ErrorClass;
use signalbox_model::format;

use super::api::{PreviewBulkOperation, PreviewFacts, StartBulkOperation};
use crate::components::choose::chosen;
use crate::components::command::{Command, CommandForm};
use crate::components::empty::Empty;
use crate::components::field::{ConfirmCount, Field};
use crate::components::live::{on_demand, page, part};
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::submit::Submit;

/// What the address asks for.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    action: BulkAction,
    filter: DeadLetterFilter,
}

impl Asked {
    fn current() -> Memo<Asked> {
        let search = use_location().query;
        Memo::new(move |_| {
            search.with(|search| {
                let text = |name: &str| search.get(name).filter(|text| !text.trim().is_empty());
                let filter = DeadLetterFilter {
                    status: None,
                    kind: text("kind"),
                    queue: text("queue"),
                    error_class: text("errorClass").and_then(|name| ErrorClass::from_name(&name)),
                    fingerprint: text("fingerprint"),
                    ids: chosen(search),
                };
                let action = text("action").and_then(|name| BulkAction::from_name(&name));
                Asked { action: action.unwrap_or(BulkAction::Retry), filter }
            })
        })
    }

    /// The filter as a form carries it.
    fn json(&self) -> String {
        serde_json::to_string(&self.filter).unwrap_or_default()
    }
}

/// The page.
#[component]
pub(crate) fn BulkPreviewPage() -> impl IntoView {
    let asked = Asked::current();
    let start = Command::of::<StartBulkOperation>(Permission::WorkDeadLetters).then_follow();
    page(
        on_demand(move || {
            let asked = asked.get();
            PreviewBulkOperation { action: asked.action, filter: asked.json() }
        }),
        |facts: &PreviewFacts| ("Bulk operation".to_owned(), facts.as_of),
        move |facts| {
            part(move || {
                let PreviewFacts { preview, .. } = facts.get();
                view! { <Preview preview asked=asked.get_untracked() start /> }
            })
        },
    )
}

#[component]
fn Preview(preview: BulkPreview, asked: Asked, start: Command) -> impl IntoView {
    let letters = format::plural(preview.count, "dead letter", "dead letters");
    let heading = format!("{} {letters}", asked.action.verb());
    let Some(up_to) = preview.up_to else {
        return view! {
            <Crumbs href="/admin/dead-letter-queue" label="Dead letters" here="Bulk operation" />
            <PageHead heading=heading now="There is nothing to do." />
            <Empty
                title="No pending dead letter matches"
                why="They may have been retried or deleted meanwhile, or none was chosen."
            />
        }
        .into_any();
    };
    view! {
        <Crumbs href="/admin/dead-letter-queue" label="Dead letters" here="Bulk operation" />
        <PageHead
            heading=heading.clone()
            now=format!("{letters} {} would be touched.", asked.filter.describe())
            rest="Letters that arrive from now on are left alone."
        />
        <section class="panel" aria-labelledby="effect">
            <h2 id="effect">"What happens"</h2>
            <p>{effect(asked.action)}</p>
            <p class="muted">{undo(&preview)}</p>
            <CommandForm action=start>
                <input type="hidden" name="action" value=asked.action.name() />
                <input type="hidden" name="up_to" value=up_to />
                <input type="hidden" name="filter" value=asked.json() />
                <input type="hidden" name="letters" value=preview.count />
                <Field name="reason" label="Reason" hint="Kept in the audit log." />
                {(asked.action == BulkAction::Delete)
                    .then(|| {
                        view! {
                            <ConfirmCount
                                count=preview.count
                                hint="The number of letters that will be deleted."
                            />
                        }
                    })}
                <Field
                    name="rate_per_second"
                    label="Letters a second, at most"
                    kind="number"
                    value=preview.rate_per_second.to_string()
                    min=1
                    max=RATE_BOUND
                />
                <p class="actions">
                    <Submit class=class(asked.action) pending=start.pending()>
                        {heading}
                    </Submit>
                    <a class="button" href="/admin/dead-letter-queue">
                        "Leave them"
                    </a>
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}

fn class(action: BulkAction) -> &'static str {
    if action == BulkAction::Delete { "button danger" } else { "button primary" }
}

fn effect(action: BulkAction) -> &'static str {
    match action {
        BulkAction::Retry => {
            "Their jobs are scheduled again, with all their attempts to spend anew. A letter is \
             removed when its job completes, and is pending again when it fails."
        }
        BulkAction::Delete => {
            "The letters and their jobs are removed for good. Once it has begun this cannot be \
             undone; the log keeps which they were."
        }
        BulkAction::RedriveCanary => {
            "A few are retried first. When they have ended well, twice as many follow, and so on. \
             If too many fail again it stops by itself and touches no more."
        }
    }
}

fn undo(preview: &BulkPreview) -> String {
    match preview.undo_seconds {
        0 => "It begins at once: the setting dlq_undo_seconds is 0.".to_owned(),
        n => format!("Nothing is touched for {n} s, so that you can undo it."),
    }
}
