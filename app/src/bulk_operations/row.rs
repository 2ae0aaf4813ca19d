//! Operations as rows of a table.

use leptos::prelude::*;
use signalbox_model::bulk_operation::{BulkOperation, BulkState};
use signalbox_model::format;

use super::api::address;
use crate::components::aspect::{Aspect, State};
use crate::components::scroll::{Head, Scroll};
use crate::components::time::Time;

/// An operation's aspect and word.
pub(super) const fn of_operation(state: BulkState) -> (Aspect, &'static str) {
    match state {
        BulkState::Pending => (Aspect::Held, "About to begin"),
        BulkState::Running => (Aspect::Running, "Under way"),
        BulkState::Done => (Aspect::Clear, "Done"),
        BulkState::Aborted => (Aspect::Idle, "Aborted"),
        BulkState::Stopped => (Aspect::Caution, "Stopped by itself"),
        BulkState::Failed => (Aspect::Danger, "Failed"),
    }
}

/// The newest operations, if there are any.
#[component]
pub(crate) fn Operations(operations: Vec<BulkOperation>) -> impl IntoView {
    if operations.is_empty() {
        return ().into_any();
    }
    let rows: Vec<_> = operations.into_iter().map(row).collect();
    view! {
        <section class="stack" aria-labelledby="operations">
            <h2 id="operations">"Bulk operations"</h2>
            <Scroll label="Table of bulk operations">
                <table>
                    <Head columns=&["Operation", "State", "Letters", "#Done", "#Failed", "Asked for"] />
                    <tbody>{rows}</tbody>
                </table>
            </Scroll>
        </section>
    }
    .into_any()
}

fn row(operation: BulkOperation) -> impl IntoView {
    let (aspect, word) = of_operation(operation.state);
    let letters = format::plural(operation.previewed, "letter", "letters");
    view! {
        <tr>
            <th scope="row">
                <a href=address(
                    operation.id,
                )>{format!("{} {}: {letters}", operation.id, operation.action.verb())}</a>
            </th>
            <td>
                <State of=aspect word />
            </td>
            <td class="wide">
                {operation.filter.describe()} <span class="sub">{operation.reason}</span>
            </td>
            <td class="num">{format::count(operation.done)}</td>
            <td class="num">{format::count(operation.failed)}</td>
            <td class="nowrap">
                <Time at=operation.created_at /> <span class="sub">{operation.created_by}</span>
            </td>
        </tr>
    }
    .into_any()
}
