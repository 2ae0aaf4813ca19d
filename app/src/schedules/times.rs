//! When a schedule ticks, and the form that gives it other times: first shown, then applied.

use leptos::prelude::*;
use signalbox_model::format;
use signalbox_model::schedule::{Preview, Schedule, Tick};

use crate::components::command::{Command, CommandForm};
use crate::components::field::Field;
use crate::components::scroll::{Head, Scroll};
use crate::components::submit::Submit;
use crate::components::time::Time;

/// The next ticks.
#[component]
pub(super) fn Upcoming(ticks: Vec<Tick>) -> impl IntoView {
    view! {
        <Scroll label="Table of next ticks">
            <table>
                <caption>"Next ticks"</caption>
                <Head columns=&["When", "UTC", "In its time zone"] />
                <tbody>{rows(ticks)}</tbody>
            </table>
        </Scroll>
    }
    .into_any()
}

fn rows(ticks: Vec<Tick>) -> Vec<impl IntoView + use<>> {
    ticks
        .into_iter()
        .map(|tick| {
            let local = tick.local_words();
            view! {
                <tr>
                    <th scope="row" class="nowrap">
                        <Time at=tick.at />
                    </th>
                    <td class="id">{format::exact(tick.at)}</td>
                    <td class="id">{local}</td>
                </tr>
            }
        })
        .collect()
}

/// The form that asks what other times would mean, and its answer.
#[component]
pub(super) fn TimesPanel(
    schedule: Schedule,
    preview: Option<Result<Preview, String>>,
    change: Command,
    reset: Command,
) -> impl IntoView {
    let (cron, zone) = match &preview {
        Some(Ok(preview)) => (preview.times.cron.clone(), preview.times.time_zone.clone()),
        _ => (schedule.cron.clone(), schedule.time_zone.clone()),
    };
    let answer = preview.map(|preview| match preview {
        Ok(preview) => view! { <Apply name=schedule.name.clone() preview change /> }.into_any(),
        Err(error) => view! {
            <div class="notice notice-danger" role="alert">
                {error}
            </div>
        }
        .into_any(),
    });
    let name = schedule.name.clone();
    let default = schedule.default.map(|default| {
        view! {
            <CommandForm action=reset>
                <input type="hidden" name="name" value=name />
                <p class="hint">
                    {format!("The default is {} in {}.", default.cron, default.time_zone)}
                </p>
                <p class="actions">
                    <Submit pending=reset.pending()>"Reset to default"</Submit>
                </p>
            </CommandForm>
        }
    });
    view! {
        <section class="panel" id="times" aria-labelledby="times-heading">
            <h2 id="times-heading">"Change its times"</h2>
            <form method="get" action=format!("/admin/schedules/{}", schedule.name)>
                <div class="fields">
                    <Field
                        name="cron"
                        label="Cron expression"
                        value=cron
                        hint="Minute, hour, day of month, month, day of week."
                    />
                    <Field
                        name="zone"
                        label="Time zone"
                        value=zone
                        hint="Such as UTC or Europe/Berlin."
                    />
                    <button class="button">"Preview"</button>
                </div>
            </form>
            {answer}
            {default}
        </section>
    }
    .into_any()
}

/// What the new times mean, and the button that makes them so.
#[component]
fn Apply(name: String, preview: Preview, change: Command) -> impl IntoView {
    view! {
        <Scroll label="Table of previewed ticks">
            <table>
                <caption>{preview.description}</caption>
                <Head columns=&["When", "UTC", "In its time zone"] />
                <tbody>{rows(preview.next_ticks)}</tbody>
            </table>
        </Scroll>
        <CommandForm action=change>
            <input type="hidden" name="name" value=name />
            <input type="hidden" name="cron" value=preview.times.cron />
            <input type="hidden" name="zone" value=preview.times.time_zone />
            <Field name="reason" id="change-reason" label="Reason (optional)" required=false />
            <p class="actions">
                <Submit class="button primary" pending=change.pending()>
                    "Apply these times"
                </Submit>
            </p>
        </CommandForm>
    }
    .into_any()
}
