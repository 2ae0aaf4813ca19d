//! Who has taken the incident on, and what was done: the run under way, and those before.

use leptos::prelude::*;
use signalbox_model::format;
use signalbox_model::runbook::{Entry, Incident, Run, Severity};

use crate::components::command::{Command, CommandForm};
use crate::components::field::Field;
use crate::components::submit::Submit;
use crate::components::time::{MaybeTime, Time};

/// What can be done with a run.
#[derive(Clone, Copy)]
pub(super) struct Commands {
    /// Takes it on.
    pub start: Command,
    /// Writes a note.
    pub note: Command,
    /// Ends it.
    pub end: Command,
}

/// The run under way; without one, the form to take the incident on.
#[component]
pub(super) fn RunPanel(incident: Incident, run: Option<Run>, commands: Commands) -> impl IntoView {
    match run {
        Some(run) => view! { <UnderWay run commands /> }.into_any(),
        None => view! { <TakeOn incident start=commands.start /> }.into_any(),
    }
}

#[component]
fn TakeOn(incident: Incident, start: Command) -> impl IntoView {
    let options: Vec<_> = Severity::ALL
        .into_iter()
        .map(|severity| {
            let within = format::duration_ms(severity.within_minutes() * 60_000);
            let (name, what) = (severity.name(), severity.describe());
            view! {
                <option value=name selected=severity == Severity::P2>
                    {format!("{name}: {what} ({within})")}
                </option>
            }
        })
        .collect();
    view! {
        <section class="panel" aria-labelledby="run">
            <h2 id="run">"Record"</h2>
            <p>"Take it on, and what shows it, what you do and what you note is written down."</p>
            <CommandForm action=start>
                <input type="hidden" name="incident" value=incident.name() />
                <div class="field">
                    <label for="severity">"Severity"</label>
                    <select id="severity" name="severity">
                        {options}
                    </select>
                </div>
                <p class="actions">
                    <Submit class="button primary" pending=start.pending()>
                        "Take it on"
                    </Submit>
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}

#[component]
fn UnderWay(run: Run, commands: Commands) -> impl IntoView {
    let (name, due_at) = (run.incident.name(), run.due_at());
    view! {
        <section class="panel" aria-labelledby="run">
            <h2 id="run">{format!("Run {}: {}", run.id, run.severity.name())}</h2>
            <dl class="facts">
                <dt>"Taken on"</dt>
                <dd>
                    <Time at=run.started_at />
                    " by "
                    {run.started_by}
                </dd>
                <dt>"Mitigate by"</dt>
                <dd>
                    <Time at=due_at />
                </dd>
            </dl>
            <Entries entries=run.entries />
            <CommandForm action=commands.note>
                <input type="hidden" name="incident" value=name />
                <Field name="note" id="note" label="Note" multiline=true />
                <p class="actions">
                    <Submit pending=commands.note.pending()>"Write it down"</Submit>
                </p>
            </CommandForm>
            <CommandForm action=commands.end>
                <input type="hidden" name="incident" value=name />
                <Field
                    name="note"
                    id="end-note"
                    label="What it was, and what is left to do"
                    multiline=true
                />
                <p class="actions">
                    <Submit class="button primary" pending=commands.end.pending()>
                        "End the run"
                    </Submit>
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}

#[component]
fn Entries(entries: Vec<Entry>) -> impl IntoView {
    let lines: Vec<_> = entries
        .into_iter()
        .map(|Entry { at, by, step, what }| {
            view! {
                <li>
                    <span class="sub">
                        {step.title()} ", " <Time at /> ", " {by}
                    </span>
                    {what}
                </li>
            }
        })
        .collect();
    view! { <ol class="entries">{lines}</ol> }.into_any()
}

/// The runs before, each with its record to download.
#[component]
pub(super) fn Past(runs: Vec<Run>) -> impl IntoView {
    if runs.is_empty() {
        return ().into_any();
    }
    let lines: Vec<_> = runs
        .into_iter()
        .map(|run| {
            let export = format!("/api/admin/runbooks/runs/{}/export", run.id);
            view! {
                <li>
                    <a href=export rel="external" download="">
                        {format!("Record of run {}", run.id)}
                    </a>
                    <span class="sub">
                        {run.severity.name()} ", ended " <MaybeTime at=run.ended_at /> " by "
                        {run.ended_by}
                    </span>
                </li>
            }
        })
        .collect();
    view! {
        <section class="panel" aria-labelledby="past">
            <h2 id="past">"Before"</h2>
            <ul class="entries">{lines}</ul>
        </section>
    }
    .into_any()
}
