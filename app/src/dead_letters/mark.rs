//! What somebody decides about the error of the chosen group.

use leptos::prelude::*;
use signalbox_model::dead_letter::{GroupMark, Mark};
use signalbox_model::format;

use crate::components::command::{Command, CommandForm};
use crate::components::field::Field;
use crate::components::time::Time;

/// The decision about a fingerprint, and the form to make or to change it; nothing while no group
/// is chosen.
#[component]
pub(super) fn MarkPanel(
    marked: Option<(String, Option<GroupMark>)>,
    mark: Command,
) -> impl IntoView {
    let Some((fingerprint, decided)) = marked else { return ().into_any() };
    let choices: &[(&str, &str)] = match decided.as_ref().map(|decided| decided.mark) {
        None => &[("resolved", "It is resolved"), ("ignored", "Ignore it")],
        Some(Mark::Resolved) => &[("ignored", "Ignore it"), ("", "Open it again")],
        Some(Mark::Ignored) => &[("resolved", "It is resolved"), ("", "Open it again")],
    };
    let buttons: Vec<_> = choices
        .iter()
        .map(|(value, label)| {
            view! {
                <button class="button" name="mark" value=*value disabled=move || mark.pending().get()>
                    {*label}
                </button>
            }
        })
        .collect();
    let decided = decided.map(|GroupMark { mark, reason, by, at }| {
        view! {
            <p>
                {format!("Said to be {} by {by} ", mark.name())} <Time at />
                {format!(": {reason}")}
            </p>
        }
    });
    view! {
        <section class="panel" aria-labelledby="decision">
            <h2 id="decision">"This error"</h2>
            <p class="id">{format::shorten(&fingerprint, 200)}</p>
            {decided}
            <CommandForm action=mark class="stack">
                <input type="hidden" name="fingerprint" value=fingerprint />
                <Field
                    name="reason"
                    id="decision-reason"
                    label="Why"
                    hint="Resolved: it is news if it comes again. Ignored: its letters are no alarm. Nothing happens to the letters themselves."
                />
                <p class="actions">{buttons}</p>
            </CommandForm>
        </section>
    }
    .into_any()
}
