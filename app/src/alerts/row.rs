//! Alerts, rules and messages as rows.

use leptos::prelude::*;
use signalbox_model::alert::{Alert, Message, MessageState, Rule};
use signalbox_model::format;
use signalbox_model::page::Page;

use crate::components::aspect::{Aspect, State, of_urgency};
use crate::components::command::{Command, CommandForm};
use crate::components::empty::{Empty, EmptyRow};
use crate::components::live::part;
use crate::components::pager::pager;
use crate::components::query::Query;
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};
use crate::components::submit::Submit;
use crate::components::time::Time;

/// What fires now.
#[component]
pub(super) fn Firing(alerts: Vec<Alert>, acknowledge: Command) -> impl IntoView {
    if alerts.is_empty() {
        return view! {
            <Empty
                title="Nothing fires"
                why="Every rule is in order. What has fired before is listed at the end."
            />
        }
        .into_any();
    }
    let rows: Vec<_> = alerts
        .into_iter()
        .map(|alert| {
            let runbook = format!("/admin/runbooks/{}", alert.incident.name());
            let care = match alert.acknowledged_by.clone() {
                Some(by) => by.into_any(),
                None => view! {
                    <CommandForm action=acknowledge>
                        <input type="hidden" name="id" value=alert.id />
                        <Submit class="button small" pending=acknowledge.pending()>
                            "Take care of it"
                        </Submit>
                    </CommandForm>
                }
                .into_any(),
            };
            view! {
                <tr>
                    <th scope="row">
                        <What alert=alert.clone() />
                    </th>
                    <td>
                        <State of=of_urgency(alert.urgency) word=alert.urgency.name() />
                    </td>
                    <td class="wide">{alert.detail}</td>
                    <td class="nowrap">
                        <Time at=alert.fired_at />
                    </td>
                    <td>{care}</td>
                    <td>
                        <a class="button primary small" href=runbook>
                            "Open the runbook"
                        </a>
                    </td>
                </tr>
            }
        })
        .collect();
    view! {
        <Scroll label="Table of alerts that fire">
            <table>
                <Head columns=&["Alert", "Urgency", "How it stands", "Fired", "Taken care of", "What to do"] />
                <tbody>{rows}</tbody>
            </table>
        </Scroll>
    }
    .into_any()
}

/// Which rule found what.
#[component]
fn What(alert: Alert) -> impl IntoView {
    view! {
        <a href=format!("/admin/alerts/{}", alert.rule)>{alert.title}</a>
        <span class="sub">{alert.subject}</span>
    }
}

/// A rule of the list.
#[component]
pub(super) fn RuleRow(rule: Rule) -> impl IntoView {
    let (of, word) = state(&rule);
    let runbook = format!("/admin/runbooks/{}", rule.incident.name());
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/admin/alerts/{}", rule.name)>{rule.title}</a>
            </th>
            <td>
                <State of word />
            </td>
            <td>{rule.urgency.name()}</td>
            <td>
                {rule.condition} {rule.changed.then(|| view! { <span class="sub">"changed"</span> })}
            </td>
            <td>
                <a href=runbook>{rule.incident.title()}</a>
            </td>
        </tr>
    }
    .into_any()
}

/// How a rule stands, in a word.
pub(super) fn state(rule: &Rule) -> (Aspect, String) {
    if !rule.enabled {
        (Aspect::Idle, "not watched".to_owned())
    } else if rule.silence.is_some() {
        (Aspect::Held, "silenced".to_owned())
    } else if rule.firing > 0 {
        (of_urgency(rule.urgency), format!("{} firing", format::count(rule.firing)))
    } else {
        (Aspect::Clear, "in order".to_owned())
    }
}

/// A message.
#[component]
pub(super) fn MessageRow(message: Message) -> impl IntoView {
    let (of, word) = match message.state {
        MessageState::Waiting if message.attempts > 0 => (Aspect::Caution, "to be tried again"),
        MessageState::Waiting => (Aspect::Running, "on its way"),
        MessageState::Sent => (Aspect::Clear, "sent"),
        MessageState::Failed => (Aspect::Danger, "given up"),
        MessageState::DryRun => (Aspect::Idle, "dry run"),
        MessageState::NoChannel => (Aspect::Idle, "no channel"),
    };
    let error = message.error.map(|error| view! { <span class="sub">{error}</span> });
    view! {
        <tr>
            <td class="nowrap">
                <Time at=message.at />
            </td>
            <td>
                <State of word />
                {error}
            </td>
            <td class="wide">
                <p class="said">{message.text}</p>
            </td>
            <td class="num">{message.attempts}</td>
        </tr>
    }
    .into_any()
}

/// What has fired.
#[component]
pub(super) fn History(history: Signal<Page<Alert>>, query: Memo<Query>) -> impl IntoView {
    let none = Memo::new(move |_| history.with(|page| page.items.is_empty()));
    view! {
        <h2 id="history">"History"</h2>
        <Scroll label="Table of past alerts">
            <table>
                <Head columns=&["Alert", "How it stood", "Fired", "Lasted", "Taken care of"] />
                <tbody>
                    <Rows
                        each=move || history.with(|page| page.items.clone())
                        key=|alert| {
                            let care = alert.acknowledged_by.is_some();
                            format!("{} {} {} {care}", alert.id, alert.detail, alert.resolved_at.is_some())
                        }
                        let:alert
                    >
                        <Past alert />
                    </Rows>
                    <EmptyRow none=none columns="5" says="Nothing has fired yet." />
                </tbody>
            </table>
        </Scroll>
        {part(move || history.with(|page| pager(page, "alert", "alerts", query.get())))}
    }
    .into_any()
}

#[component]
fn Past(alert: Alert) -> impl IntoView {
    let lasted = match alert.resolved_at {
        Some(at) => format::duration_ms((at - alert.fired_at).num_milliseconds()),
        None => "fires still".to_owned(),
    };
    let repeats = (alert.repeats > 0).then(|| {
        let times = format::plural(alert.repeats, "time", "times");
        view! { <span class="sub">{format!("came back {times}")}</span> }
    });
    view! {
        <tr>
            <th scope="row">
                <What alert=alert.clone() />
            </th>
            <td class="wide">{alert.detail}</td>
            <td class="nowrap">
                <Time at=alert.fired_at />
            </td>
            <td>{lasted} {repeats}</td>
            <td>{alert.acknowledged_by.unwrap_or_else(|| "–".to_owned())}</td>
        </tr>
    }
    .into_any()
}
