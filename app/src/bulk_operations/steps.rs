//! The steps of a canary.

use leptos::prelude::*;
use signalbox_model::bulk_operation::{BulkAction, BulkOperation, CanaryStep};
use signalbox_model::format;

use crate::components::scroll::{Head, Scroll};

/// The steps so far; nothing for another kind of operation.
#[component]
pub(super) fn Steps(operation: BulkOperation) -> impl IntoView {
    if operation.action != BulkAction::RedriveCanary {
        return ().into_any();
    }
    let rows: Vec<_> = operation.steps.iter().map(|step| row(*step)).collect();
    view! {
        <section class="stack" aria-labelledby="steps">
            <h2 id="steps">"Steps"</h2>
            <p class="hint">
                "A step begins when all letters of the one before have ended. What it waits for \
                 can be seen among the jobs."
            </p>
            <Scroll label="Table of steps">
                <table>
                    <Head columns=&[
                        "Step",
                        "#Letters",
                        "#Completed",
                        "#Failed again",
                        "#Cancelled",
                        "#Under way",
                    ] />
                    <tbody>{rows}</tbody>
                </table>
            </Scroll>
        </section>
    }
    .into_any()
}

fn row(step: CanaryStep) -> impl IntoView {
    view! {
        <tr>
            <th scope="row">{step.step}</th>
            <td class="num">{format::count(step.letters())}</td>
            <td class="num">{format::count(step.completed)}</td>
            <td class="num">{format::count(step.failed)}</td>
            <td class="num">{format::count(step.cancelled)}</td>
            <td class="num">{format::count(step.out)}</td>
        </tr>
    }
}
