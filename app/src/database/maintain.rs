//! Maintaining a table, and what was done lately.

use leptos::prelude::*;
use signalbox_model::database::Task;
use signalbox_model::job::Job;

use crate::components::aspect::{State, of_job};
use crate::components::command::{Command, CommandForm};
use crate::components::field::Field;
use crate::components::progress::ProgressBar;
use crate::components::submit::Submit;
use crate::components::time::Time;

/// The form.
#[component]
pub(super) fn MaintainPanel(
    names: Vec<String>,
    chosen: String,
    maintain: Command,
) -> impl IntoView {
    let tables: Vec<_> = names
        .into_iter()
        .map(|name| {
            let selected = name == chosen;
            view! {
                <option value=name.clone() selected=selected>
                    {name.clone()}
                </option>
            }
        })
        .collect();
    let tasks = Task::ALL
        .map(|task| {
            view! {
                <label class="check">
                    <input
                        type="radio"
                        name="task"
                        value=task.name()
                        checked={task == Task::Analyze}
                    />
                    <span>
                        {task.statement()}
                        <span class="hint">{format!(" {}", task.describe())}</span>
                    </span>
                </label>
            }
        })
        .collect_view();
    view! {
        <section class="panel" aria-labelledby="maintain">
            <h2 id="maintain">"Maintain"</h2>
            <CommandForm action=maintain>
                <fieldset>
                    <legend>"What"</legend>
                    {tasks}
                </fieldset>
                <div class="field">
                    <label for="table">"Of"</label>
                    <select id="table" name="table">
                        <option value="">"all tables"</option>
                        {tables}
                    </select>
                </div>
                <Field name="reason" label="Reason to maintain" hint="Kept in the audit log." />
                <p class="actions">
                    <Submit class="button primary" pending=maintain.pending()>
                        "Enqueue the maintenance"
                    </Submit>
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}

/// The last maintenance jobs.
#[component]
pub(super) fn Lately(jobs: Vec<Job>) -> impl IntoView {
    if jobs.is_empty() {
        return view! {
            <p class="muted">
                "Nothing was maintained from here yet. PostgreSQL vacuums and analyzes by itself, too."
            </p>
        }
        .into_any();
    }
    let lines: Vec<_> = jobs
        .into_iter()
        .map(|job| {
            let (of, word) = of_job(&job);
            let what = job.payload["task"].as_str().and_then(Task::from_name);
            let what = what.map_or("", Task::statement);
            let whose = job.payload["table"].as_str().unwrap_or("all tables");
            let label = format!("{what} of {whose}");
            let error = job.error.map(|error| view! { <span class="sub">{error}</span> });
            view! {
                <li>
                    <State of word />
                    <span>
                        <a href=format!("/admin/jobs/{}", job.id)>{label}</a>
                        " "
                        <Time at=job.created_at />
                        {job.progress.map(|progress| view! { <ProgressBar progress /> })}
                        {error}
                    </span>
                </li>
            }
        })
        .collect();
    view! { <ul class="findings">{lines}</ul> }.into_any()
}
