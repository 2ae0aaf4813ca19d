//! A runbook that runs: its four steps as they stand now.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use signalbox_model::actor::Permission;
use signalbox_model::alert::Alert;
use signalbox_model::runbook::{Incident, Remedy, Runbook};

use super::api::{EndRunbook, NoteInRunbook, PullLever, ReadRunbook, StartRunbook};
use super::findings::Findings;
use super::record::{Commands, Past, RunPanel};
use crate::components::aspect::{Aspect, State, of_urgency};
use crate::components::command::{Command, CommandForm};
use crate::components::field::Field;
use crate::components::live::{live, page, part};
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::submit::Submit;
use crate::components::time::Time;

/// The page.
#[component]
pub(crate) fn RunbookPage() -> impl IntoView {
    let params = use_params_map();
    let incident = move || params.with(|p| p.get("incident").unwrap_or_default());
    let pull = Command::of::<PullLever>(Permission::KeepIncidents);
    let commands = Commands {
        start: Command::of::<StartRunbook>(Permission::KeepIncidents),
        note: Command::of::<NoteInRunbook>(Permission::KeepIncidents),
        end: Command::of::<EndRunbook>(Permission::KeepIncidents),
    };
    page(
        live(move || ReadRunbook { incident: incident() }),
        |runbook: &Runbook| {
            let state = if runbook.is_happening() { "happening" } else { "in order" };
            (format!("Runbook {}: {state}", runbook.incident.title()), runbook.as_of)
        },
        move |runbook| {
            // Forms are drawn anew only when they become other ones: what is being typed stays.
            let remedies = Memo::new(move |_| runbook.with(|r| (r.incident, r.remedies.clone())));
            let run = Memo::new(move |_| runbook.with(|r| (r.incident, r.run.clone())));
            view! {
                {part(move || runbook.with(head))}
                <div class="columns aside">
                    <ol class="runbook">
                        <li>
                            <h2>"Detection"</h2>
                            <p class="hint">"What shows the incident, as it stands now."</p>
                            {part(move || {
                                view! { <Alerted alerts=runbook.with(|r| r.alerts.clone()) /> }
                            })}
                            {part(move || {
                                view! { <Findings findings=runbook.with(|r| r.detection.clone()) /> }
                            })}
                        </li>
                        <li>
                            <h2>"Diagnosis"</h2>
                            <p class="hint">"The evidence, already asked for."</p>
                            {part(move || {
                                let findings = runbook.with(|r| r.diagnosis.clone());
                                view! { <Findings findings bad=Aspect::Caution /> }
                            })}
                        </li>
                        <li>
                            <h2>"Mitigation"</h2>
                            <p class="hint">"What fits what was found; each says what it will do."</p>
                            {part(move || {
                                let (incident, remedies) = remedies.get();
                                view! { <Remedies incident remedies pull /> }
                            })}
                        </li>
                        <li>
                            <h2>"Verification"</h2>
                            {part(move || runbook.with(verified))}
                            {part(move || {
                                view! { <Findings findings=runbook.with(|r| r.verification.clone()) /> }
                            })}
                        </li>
                    </ol>
                    <div class="stack">
                        {part(move || {
                            let (incident, run) = run.get();
                            view! { <RunPanel incident run commands /> }
                        })}
                        {part(move || view! { <Past runs=runbook.with(|r| r.past.clone()) /> })}
                    </div>
                </div>
            }
        },
    )
}

fn head(runbook: &Runbook) -> impl IntoView + use<> {
    let incident = runbook.incident;
    let now = if runbook.is_happening() { "It is happening." } else { "It is not happening." };
    view! {
        <Crumbs href="/admin/runbooks" label="Runbooks" here=incident.title() />
        <PageHead heading=incident.title() now rest=incident.symptom() />
    }
}

/// The alerts that led here.
#[component]
fn Alerted(alerts: Vec<Alert>) -> impl IntoView {
    let lines: Vec<_> = alerts
        .into_iter()
        .map(|alert| {
            let by = match &alert.acknowledged_by {
                Some(by) => format!("{by} takes care of it"),
                None => "nobody takes care of it yet".to_owned(),
            };
            view! {
                <li>
                    <State of=of_urgency(alert.urgency) word="Alert" />
                    <span>
                        <strong>
                            <a href=format!("/admin/alerts/{}", alert.rule)>{alert.title}</a>
                        </strong>
                        {format!(": {}, ", alert.subject)}
                        <Time at=alert.fired_at />
                        {format!("; {by}")}
                    </span>
                </li>
            }
        })
        .collect();
    (!lines.is_empty()).then(|| view! { <ul class="findings">{lines}</ul> })
}

fn verified(runbook: &Runbook) -> impl IntoView + use<> {
    let (of, word) = if runbook.is_verified() {
        (Aspect::Clear, "Verified: all in order")
    } else {
        (Aspect::Caution, "Not yet: it turns green by itself")
    };
    view! {
        <p role="status">
            <State of word />
        </p>
    }
}

#[component]
fn Remedies(incident: Incident, remedies: Vec<Remedy>, pull: Command) -> impl IntoView {
    if remedies.is_empty() {
        return view! { <p class="muted">"Nothing is to be done."</p> }.into_any();
    }
    let forms: Vec<_> = remedies
        .into_iter()
        .map(|Remedy { lever, target, label, effect }| {
            let id = format!("{}-{target}-reason", lever.name());
            view! {
                <li>
                    <p>{effect}</p>
                    <CommandForm action=pull>
                        <input type="hidden" name="incident" value=incident.name() />
                        <input type="hidden" name="lever" value=lever.name() />
                        <input type="hidden" name="target" value=target />
                        <Field name="reason" id label=format!("Reason to: {label}") />
                        <p class="actions">
                            <Submit pending=pull.pending()>{label}</Submit>
                        </p>
                    </CommandForm>
                </li>
            }
        })
        .collect();
    view! { <ul class="remedies">{forms}</ul> }.into_any()
}
