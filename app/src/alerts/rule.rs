//! One rule: when it fires, who is told, and what it has found.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use signalbox_model::actor::Permission;
use signalbox_model::alert::{FOR_MINUTES_BOUND, Rule, SILENCE_MINUTES_BOUND, rule_named};

use super::api::{
    ChangeAlertRule, ReadAlertRule, ResetAlertRule, RuleFacts, SilenceAlertRule, UnsilenceAlertRule,
};
use super::row::{History, state};
use crate::components::aspect::State;
use crate::components::command::{Command, CommandForm};
use crate::components::facts_panel::FactsPanel;
use crate::components::field::Field;
use crate::components::live::{live, page, part};
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::query::Query;
use crate::components::submit::Submit;
use crate::components::time::{MaybeTime, Time};

/// What can be done with a rule.
#[derive(Clone, Copy)]
struct Commands {
    change: Command,
    reset: Command,
    silence: Command,
    unsilence: Command,
}

/// The page.
#[component]
pub(crate) fn AlertRulePage() -> impl IntoView {
    let params = use_params_map();
    let name = move || params.with(|params| params.get("rule").unwrap_or_default());
    let query = Query::current(&["cursor"], "#history");
    let commands = Commands {
        change: Command::of::<ChangeAlertRule>(Permission::OperateAlerts),
        reset: Command::of::<ResetAlertRule>(Permission::OperateAlerts),
        silence: Command::of::<SilenceAlertRule>(Permission::OperateAlerts),
        unsilence: Command::of::<UnsilenceAlertRule>(Permission::OperateAlerts),
    };
    page(
        live(move || ReadAlertRule { name: name(), cursor: query.get().number("cursor") }),
        |facts: &RuleFacts| (format!("Alert rule {}", facts.rule.title), facts.as_of),
        move |facts| {
            let history = Signal::derive(move || facts.with(|facts| facts.history.clone()));
            // The forms are drawn anew only when the rule is another one: what is being typed stays.
            let rule = Memo::new(move |_| facts.with(|f| Rule { firing: 0, ..f.rule.clone() }));
            view! {
                {part(move || facts.with(|facts| head(&facts.rule)))}
                <div class="columns aside">
                    <div class="stack">
                        {part(move || view! { <Change rule=rule.get() commands /> })}
                        {part(move || view! { <Silencing rule=rule.get() commands /> })}
                        <History history query />
                    </div>
                    {part(move || facts.with(|facts| view! { <Facts rule=facts.rule.clone() /> }))}
                </div>
            }
        },
    )
}

fn head(rule: &Rule) -> impl IntoView + use<> {
    let now = match (rule.enabled, rule.firing) {
        (false, _) => "It is not watched.",
        (true, 0) => "It is in order.",
        (true, _) => "It fires.",
    };
    let runbook = format!("/admin/runbooks/{}", rule.incident.name());
    let incident = rule.incident.title();
    let back_test = format!("/admin/alerts/{}/back-test", rule.name);
    view! {
        <Crumbs href="/admin/alerts" label="Alerts" here=rule.title.clone() />
        <PageHead
            heading=rule.title.clone()
            now
            rest=format!("Its alert fires {}. Urgency: {}.", rule.condition, rule.urgency.name())
        >
            <a class="button" href=back_test>
                "Back-test"
            </a>
            <a class="button" href=runbook>
                {format!("Runbook: {incident}")}
            </a>
        </PageHead>
    }
}

#[component]
fn Change(rule: Rule, commands: Commands) -> impl IntoView {
    let Commands { change, reset, .. } = commands;
    let bounds = rule_named(&rule.name).and_then(|spec| spec.threshold);
    let threshold = bounds.map(|bounds| {
        view! {
            <Field
                name="threshold"
                label=format!("Threshold, {}", bounds.unit)
                kind="number"
                value=rule.threshold.unwrap_or(bounds.default).to_string()
                min=bounds.min
                max=bounds.max
            />
        }
    });
    let name = rule.name.clone();
    let back = rule.changed.then(|| {
        view! {
            <CommandForm action=reset>
                <input type="hidden" name="name" value=name />
                <Submit pending=reset.pending()>"Back to the default"</Submit>
            </CommandForm>
        }
    });
    view! {
        <section class="panel" aria-labelledby="change-heading">
            <h2 id="change-heading">"When it fires"</h2>
            <CommandForm action=change>
                <input type="hidden" name="name" value=rule.name />
                <div class="fields">
                    {threshold}
                    <Field
                        name="forMinutes"
                        label="Minutes that it must last"
                        kind="number"
                        value=rule.for_minutes.to_string()
                        min=0
                        max=FOR_MINUTES_BOUND
                    />
                </div>
                <label class="check">
                    <input type="checkbox" name="watched" value="1" checked=rule.enabled />
                    "Watch it"
                </label>
                <p class="actions">
                    <Submit class="button primary" pending=change.pending()>
                        "Save"
                    </Submit>
                </p>
            </CommandForm>
            {back}
        </section>
    }
    .into_any()
}

#[component]
fn Silencing(rule: Rule, commands: Commands) -> impl IntoView {
    let Commands { silence, unsilence, .. } = commands;
    let name = rule.name;
    let form = match rule.silence {
        Some(silenced) => view! {
            <p>
                {format!("Nobody outside is told: “{}”, {}. It ends ", silenced.reason, silenced.by)}
                <Time at=silenced.until /> "."
            </p>
            <CommandForm action=unsilence>
                <input type="hidden" name="name" value=name />
                <Submit pending=unsilence.pending()>"End the silence"</Submit>
            </CommandForm>
        }
        .into_any(),
        None => view! {
            <p class="hint">"Nobody outside is told for a while; the console shows it all the same."</p>
            <CommandForm action=silence>
                <input type="hidden" name="name" value=name />
                <Field
                    name="minutes"
                    label="Minutes"
                    kind="number"
                    value="60"
                    min=1
                    max=SILENCE_MINUTES_BOUND
                />
                <Field name="reason" label="Reason" />
                <p class="actions">
                    <Submit pending=silence.pending()>"Silence it"</Submit>
                </p>
            </CommandForm>
        }
        .into_any(),
    };
    view! {
        <section class="panel" aria-labelledby="silence-heading">
            <h2 id="silence-heading">"Silence"</h2>
            {form}
        </section>
    }
    .into_any()
}

#[component]
fn Facts(rule: Rule) -> impl IntoView {
    let (of, word) = state(&rule);
    let default = rule_named(&rule.name).map(|spec| Rule::unchanged(spec).condition);
    view! {
        <FactsPanel label="Facts of this rule">
            <dl class="facts">
                <dt>"State"</dt>
                <dd>
                    <State of word />
                </dd>
                <dt>"Fires"</dt>
                <dd>{rule.condition}</dd>
                <dt>"Default"</dt>
                <dd>{default.unwrap_or_default()}</dd>
                <dt>"Urgency"</dt>
                <dd>{rule.urgency.name()}</dd>
                <dt>"Changed by"</dt>
                <dd>{rule.updated_by.unwrap_or_else(|| "–".to_owned())}</dd>
                <dt>"Changed"</dt>
                <dd>
                    <MaybeTime at=rule.updated_at />
                </dd>
            </dl>
        </FactsPanel>
    }
    .into_any()
}
