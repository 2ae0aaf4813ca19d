//! The alerts: what fires, what to do about it, and what people were told.

use leptos::prelude::*;
use signalbox_model::actor::Permission;
use signalbox_model::alert::Rule;
use signalbox_model::format;

use super::api::{AcknowledgeAlert, AlertsFacts, ListAlerts, SendTestAlert};
use super::row::{Firing, History, MessageRow, RuleRow};
use crate::components::command::{Command, CommandForm};
use crate::components::empty::EmptyRow;
use crate::components::live::{live, page, part};
use crate::components::page_head::PageHead;
use crate::components::query::Query;
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};
use crate::components::submit::Submit;

/// The page.
#[component]
pub(crate) fn AlertsPage() -> impl IntoView {
    let query = Query::current(&["cursor"], "#history");
    let acknowledge = Command::of::<AcknowledgeAlert>(Permission::OperateAlerts);
    let test = Command::of::<SendTestAlert>(Permission::OperateAlerts);
    page(
        live(move || ListAlerts { cursor: query.get().number("cursor") }),
        |facts: &AlertsFacts| (format!("Alerts ({} firing)", facts.firing.len()), facts.as_of),
        move |facts| {
            let quiet = Memo::new(move |_| facts.with(|facts| facts.messages.is_empty()));
            let history = Signal::derive(move || facts.with(|facts| facts.history.clone()));
            view! {
                {part(move || facts.with(|facts| head(facts, test)))}
                {part(move || {
                    view! { <Firing alerts=facts.with(|f| f.firing.clone()) acknowledge /> }
                })}
                <h2>"Rules"</h2>
                <Scroll label="Table of rules">
                    <table>
                        <Head columns=&["Rule", "State", "Urgency", "Fires", "Runbook"] />
                        <tbody>
                            <Rows
                                each=move || facts.with(|facts| facts.rules.clone())
                                key=|rule| {
                                    let Rule { name, condition, firing, enabled, silence, .. } = rule;
                                    format!("{name} {condition} {firing} {enabled} {}", silence.is_some())
                                }
                                let:rule
                            >
                                <RuleRow rule />
                            </Rows>
                        </tbody>
                    </table>
                </Scroll>
                <h2>"Messages"</h2>
                {part(move || facts.with(told))}
                <Scroll label="Table of messages">
                    <table>
                        <Head columns=&["When", "State", "What was said", "#Tries"] />
                        <tbody>
                            <Rows
                                each=move || facts.with(|facts| facts.messages.clone())
                                key=|message| format!("{} {} {}", message.id, message.state.name(), message.attempts)
                                let:message
                            >
                                <MessageRow message />
                            </Rows>
                            <EmptyRow none=quiet columns="4" says="Nothing was said yet." />
                        </tbody>
                    </table>
                </Scroll>
                <History history query />
            }
        },
    )
}

fn head(facts: &AlertsFacts, test: Command) -> impl IntoView + use<> {
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let unattended = facts.firing.iter().filter(|alert| alert.acknowledged_by.is_none()).count();
    let now = match count(facts.firing.len()) {
        0 => "Nothing fires.".to_owned(),
        n => format!("{}.", format::plural(n, "alert fires", "alerts fire")),
    };
    let rest = match count(unattended) {
        0 => "The rules are looked at every 5 s.".to_owned(),
        n => format!("Nobody takes care of {} yet.", format::count(n)),
    };
    view! {
        <PageHead heading="Alerts" now rest>
            <CommandForm action=test>
                <Submit pending=test.pending()>"Send a test"</Submit>
            </CommandForm>
        </PageHead>
    }
}

/// Where people are told, or that they are not.
fn told(facts: &AlertsFacts) -> impl IntoView + use<> {
    let text = match (facts.channels.as_slice(), facts.dry_run) {
        ([], _) => {
            "Nobody outside is told: set ALERT_WEBHOOK_URL to post alerts to Slack or the like, or SMTP_URL to mail them."
                .to_owned()
        }
        (_, true) => "Nobody outside is told: alerts_dry_run is on.".to_owned(),
        (channels, false) => format!(
            "People are told by {}. One that comes back within 5 min is not told again.",
            channels.join(", ")
        ),
    };
    view! { <p class="hint">{text}</p> }
}
