//! How far one operation is, and the way to stop it.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use signalbox_model::actor::Permission;
use signalbox_model::bulk_operation::{BulkAction, BulkOperation, BulkState};
use signalbox_model::format;

use super::api::{AbortBulkOperation, OperationFacts, ReadBulkOperation};
use super::row::of_operation;
use super::steps::Steps;
use crate::components::aspect::State;
use crate::components::command::{Command, CommandForm};
use crate::components::facts_panel::FactsPanel;
use crate::components::live::{live, page, part};
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::submit::Submit;
use crate::components::time::{MaybeTime, Time};

/// The page.
#[component]
pub(crate) fn BulkOperationPage() -> impl IntoView {
    let params = use_params_map();
    // No operation has the number 0: an address without a number shows that there is none.
    let id = move || params.with(|p| p.get("id").and_then(|id| id.parse().ok()).unwrap_or(0));
    let abort = Command::of::<AbortBulkOperation>(Permission::WorkDeadLetters);
    page(
        live(move || ReadBulkOperation { id: id() }),
        |OperationFacts { operation, as_of }| {
            let (_, word) = of_operation(operation.state);
            (format!("Bulk operation {}: {word}", operation.id), *as_of)
        },
        move |facts| {
            let operation = Memo::new(move |_| facts.with(|facts| facts.operation.clone()));
            view! {
                {part(move || view! { <OperationHead operation=operation.get() abort /> })}
                <div class="columns aside">
                    <div class="stack">
                        {part(move || view! { <Progress operation=operation.get() /> })}
                        {part(move || view! { <Steps operation=operation.get() /> })}
                    </div>
                    {part(move || view! { <Facts operation=operation.get() /> })}
                </div>
            }
        },
    )
}

#[component]
fn OperationHead(operation: BulkOperation, abort: Command) -> impl IntoView {
    let BulkOperation { id, state, .. } = operation;
    let (_, word) = of_operation(state);
    let letters = format::plural(operation.previewed, "dead letter", "dead letters");
    let heading = format!("{} {letters}", operation.action.verb());
    let rest = match state {
        BulkState::Pending => "Nothing was touched yet.".to_owned(),
        _ => operation.stop_cause.as_ref().map_or_else(String::new, |cause| format!("It {cause}.")),
    };
    let label = if state == BulkState::Pending { "Undo all of it" } else { "Stop the rest" };
    view! {
        <Crumbs href="/admin/dead-letter-queue" label="Dead letters" here=format!("Operation {id}") />
        <PageHead heading now=format!("{word}.") rest=was(&rest)>
            {state
                .is_active()
                .then(|| {
                    view! {
                        <CommandForm action=abort>
                            <input type="hidden" name="id" value=id />
                            <Submit class="button danger" pending=abort.pending()>
                                {label}
                            </Submit>
                        </CommandForm>
                    }
                })}
        </PageHead>
    }
}

/// The cause reads "stopped by itself at …", "aborted by …": a sentence needs its verb.
fn was(rest: &str) -> String {
    match rest.strip_prefix("It ") {
        Some(cause) if !cause.starts_with("no letter") => format!("It was {cause}"),
        Some(cause) => format!("It ended: {cause}"),
        None => rest.to_owned(),
    }
}

#[component]
fn Progress(operation: BulkOperation) -> impl IntoView {
    let handled = operation.handled();
    let left = operation.previewed - handled;
    let (done, failed) = match operation.action {
        BulkAction::Retry => ("Scheduled again", "Could not be handled"),
        BulkAction::Delete => ("Deleted", "Could not be handled"),
        BulkAction::RedriveCanary => ("Completed", "Failed again"),
    };
    let note = match operation.state {
        BulkState::Done if left > 0 => {
            "Those left were acted on by somebody else meanwhile, or failed again."
        }
        BulkState::Pending | BulkState::Running => "",
        _ => "Those left were not touched.",
    };
    view! {
        <section class="stack" aria-labelledby="progress">
            <h2 id="progress">"Progress"</h2>
            <progress
                value=handled
                max=operation.previewed
                aria-label=format!(
                    "{} of {} letters",
                    format::count(handled),
                    format::count(operation.previewed),
                )
            ></progress>
            <dl class="figures">
                <Figure label=done value=operation.done />
                <Figure label=failed value=operation.failed />
                <Figure label="Left" value=left.max(0) />
            </dl>
            <p class="hint">{note}</p>
        </section>
    }
    .into_any()
}

#[component]
fn Figure(label: &'static str, value: i64) -> impl IntoView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd>{format::count(value)}</dd>
        </div>
    }
}

#[component]
fn Facts(operation: BulkOperation) -> impl IntoView {
    let (aspect, word) = of_operation(operation.state);
    view! {
        <FactsPanel label="Facts of this operation">
            <dl class="facts">
                <dt>"State"</dt>
                <dd>
                    <State of=aspect word />
                </dd>
                <dt>"Letters"</dt>
                <dd>{operation.filter.describe()}</dd>
                <dt>"Reason"</dt>
                <dd>{operation.reason}</dd>
                <dt>"Asked for by"</dt>
                <dd>{operation.created_by}</dd>
                <dt>"At"</dt>
                <dd>
                    <Time at=operation.created_at />
                </dd>
                <dt>"Begins"</dt>
                <dd>
                    <Time at=operation.starts_at />
                </dd>
                <dt>"Ended"</dt>
                <dd>
                    <MaybeTime at=operation.finished_at />
                </dd>
                <dt>"At most"</dt>
                <dd>{format!("{} letters/s", format::count(operation.rate_per_second))}</dd>
                {operation
                    .stop_percent
                    .map(|percent| {
                        view! {
                            <dt>"Stops by itself"</dt>
                            <dd>{format!("when more than {percent} % of a step fail again")}</dd>
                        }
                    })}
            </dl>
        </FactsPanel>
    }
    .into_any()
}
